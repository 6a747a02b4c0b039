//! Every flag of every visible command.

use clap::ArgAction;

use super::*;

/// A value that an argument takes.
fn value(arg: &Arg) -> String {
    let possible = arg.get_possible_values();
    let names = arg.get_value_names().unwrap_or_default();
    let value = match (
        possible.first(),
        names.first().map(clap::builder::Str::as_str),
    ) {
        (Some(value), _) => value.get_name(),
        (_, Some("DURATION")) => "5m",
        (_, Some("TIME")) => "2h",
        (_, Some("SIZE")) => "1MB",
        (_, Some("PIXELS")) => "2048",
        (_, Some("OWNER/NAME")) => SCHNELL,
        (_, Some("MODEL=USD")) => "flux-dev=1",
        (_, Some("N=ID")) => "1=abc",
        (_, Some("ADDRESS")) => "127.0.0.1",
        _ => "7",
    };
    value.to_owned()
}

/// A flag with a value, if it takes one.
fn given(arg: &Arg) -> String {
    let long = arg.get_long().unwrap();
    if arg.get_action().takes_values() {
        format!("--{long}={}", value(arg))
    } else {
        format!("--{long}")
    }
}

/// The words that a command needs, and other ones that a flag of it may need.
fn surroundings(command: &Command, flag: Option<&Arg>) -> Vec<Vec<String>> {
    let is_other = |arg: &&Arg| flag.is_none_or(|flag| flag.get_id() != arg.get_id());
    let positionals: Vec<_> = command.get_positionals().take(1).map(value).collect();
    let flags = || {
        command
            .get_arguments()
            .filter(|arg| arg.get_long().is_some())
            .filter(is_other)
    };
    let required: Vec<_> = flags()
        .filter(|arg| arg.is_required_set())
        .map(given)
        .collect();
    let mut all = Vec::new();
    for positionals in [positionals, Vec::new()] {
        let words = [&positionals[..], &required].concat();
        all.push(words.clone());
        let optional = flags().filter(|arg| !arg.is_required_set() && !arg.is_hide_set());
        let optional = optional.filter(|arg| !["help", "version"].contains(&arg.get_id().as_str()));
        all.extend(optional.map(|arg| [&words[..], &[given(arg)]].concat()));
    }
    all
}

fn read(command: &Command, words: &[String], more: &[String]) -> Result<ArgMatches, Stop> {
    let head = ["paperboat", command.get_name()].map(str::to_owned);
    let words = head.iter().chain(words).chain(more).map(OsString::from);
    parse(words.collect()).map(|(_, matches)| matches)
}

/// Each flag but those that clap adds, with its command.
fn each(mut check: impl FnMut(&Command, &Arg)) {
    let mut root = Cli::command();
    root.build();
    let mut tried = 0;
    // Help is shown instead of being read.
    let read = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for command in root.get_subcommands().filter(read) {
        let flags = command
            .get_arguments()
            .filter(|arg| arg.get_long().is_some());
        for arg in flags.filter(|arg| arg.get_id() != "help") {
            check(command, arg);
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn the_last_counts_unless_it_takes_a_list() {
    each(|command, arg| {
        let flag = given(arg);
        let twice = [flag.clone(), flag.clone()];
        let tries = surroundings(command, Some(arg)).into_iter();
        let mut tries = tries.filter(|words| read(command, words, &twice[..1]).is_ok());
        let name = command.get_name();
        let words = tries.next().unwrap_or_else(|| panic!("{name} {flag}"));
        let matches = read(command, &words, &twice).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (_, matches) = matches.subcommand().unwrap();
        let count = matches.get_raw(arg.get_id().as_str()).unwrap().count();
        let is_list = matches!(arg.get_action(), ArgAction::Append);
        assert_eq!(count, if is_list { 2 } else { 1 }, "{name} {flag}");
    });
}

/// A flag that is only for a command line with another one says so.
#[test]
fn what_a_flag_needs_is_named() {
    let mut named = 0;
    each(|command, arg| {
        let flag = given(arg);
        let all = surroundings(command, Some(arg));
        let is_read = |words: &&Vec<String>| read(command, words, &[]).is_ok();
        let Some(words) = all.iter().find(is_read) else {
            return;
        };
        let Err(Stop::Refused(refusal)) = read(command, words, &[flag]) else {
            return;
        };
        let (name, long) = (command.get_name(), arg.get_long().unwrap());
        let message = &refusal.message;
        if message.contains("cannot be used with") {
            return;
        }
        assert!(
            message.starts_with(&format!("--{long} needs --")),
            "{name}: {message}"
        );
        named += 1;
    });
    assert!(named >= 4, "{named}");
}
