use std::collections::BTreeSet;

use clap::CommandFactory;
use cometapi::models::models;

use super::*;
use crate::args::Cli;
use crate::args::refusal::command_like;

/// `word` with one typo: a letter left out, doubled, swapped with the next one, or another.
fn typos_of(word: &str) -> BTreeSet<String> {
    let letters: Vec<_> = word.chars().collect();
    let mut all = BTreeSet::new();
    for at in 0..letters.len() {
        let mut left_out = letters.clone();
        left_out.remove(at);
        let mut doubled = letters.clone();
        doubled.insert(at, letters[at]);
        let mut other = letters.clone();
        other[at] = if letters[at] == 'x' { 'q' } else { 'x' };
        let mut swapped = letters.clone();
        if at + 1 < letters.len() {
            swapped.swap(at, at + 1);
        }
        all.extend([left_out, doubled, other, swapped].map(String::from_iter));
    }
    all
}

/// Each visible command, and a command that takes fields with those of each model.
fn commands() -> Vec<Command> {
    let root = Cli::command();
    let shown = root.get_subcommands().filter(|it| !it.is_hide_set());
    let mut all: Vec<_> = shown.cloned().collect();
    let run = root.find_subcommand("run").unwrap();
    all.extend(models().iter().map(|model| field::add(run.clone(), model)));
    all
}

fn flags(command: &Command) -> BTreeSet<String> {
    let longs = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let longs = longs.filter_map(|arg| arg.get_long().map(str::to_owned));
    longs.chain(["help".to_owned()]).collect()
}

fn unsafe_flags(command: &Command) -> BTreeSet<String> {
    let all = command.get_arguments().filter(|arg| is_unsafe(arg));
    all.filter_map(|arg| arg.get_long().map(str::to_owned))
        .collect()
}

#[test]
fn a_typo_is_corrected_and_never_into_a_flag_that_turns_a_check_off() {
    // What all models have in common is tried once.
    let mut tried = BTreeSet::new();
    for command in commands() {
        let (all, no_check) = (flags(&command), unsafe_flags(&command));
        for meant in &all {
            if !tried.insert((command.get_name().to_owned(), meant.clone())) {
                continue;
            }
            for typed in typos_of(meant) {
                if all.contains(&typed) {
                    continue;
                }
                let found = flag(&command, &typed);
                let found = found.as_deref().map(|found| &found[2..]);
                let name = command.get_name();
                if meant.len() > 3 {
                    assert!(found.is_some(), "{name}: {typed} for {meant}");
                }
                if let Some(found) = found {
                    let is_own = found == meant;
                    assert!(
                        !no_check.contains(found) || is_own,
                        "{name}: {typed}: {found}"
                    );
                }
            }
        }
    }
}

/// The flags and typos of one command at every other, and other words.
#[test]
fn no_other_word_leads_to_a_flag_that_turns_a_check_off() {
    let mut words: BTreeSet<String> = commands().iter().flat_map(flags).collect();
    let other = [
        "fast",
        "forward",
        "four",
        "format",
        "allow",
        "no",
        "private",
        "retry",
        "http",
        "no-check",
        "unsafe",
        "accept",
        "insecure",
        "skip",
        "as-is",
        "loss",
        "files",
        "yess",
        "no-verify",
        "safety",
        "no-log",
        "ledgers",
        "created",
        "retry-all",
        "allow-files",
        "allow-https-only",
    ];
    words.extend(other.map(str::to_owned));
    for command in commands() {
        let (all, no_check) = (flags(&command), unsafe_flags(&command));
        for word in &words {
            if all.contains(word) {
                continue;
            }
            let Some(found) = flag(&command, word) else {
                continue;
            };
            let found = &found[2..];
            let is_typo = strsim::osa_distance(word, found) <= max_typos(found);
            let name = command.get_name();
            assert!(
                !no_check.contains(found) || is_typo,
                "{name}: {word}: {found}"
            );
        }
    }
}

/// What is not safe is named here, or is known by its name to be harmless.
#[test]
fn each_flag_that_sounds_unsafe_is_listed() {
    let harmless = ["retry_failed", "no_wait"];
    for command in commands() {
        for arg in command.get_arguments() {
            let id = arg.get_id().as_str();
            let starts = [
                "allow_",
                "no_",
                "force",
                "accept_",
                "retry_",
                "yes",
                "skip_check",
            ];
            let sounds = starts.iter().any(|start| id.starts_with(start));
            assert!(!sounds || is_unsafe(arg) || harmless.contains(&id), "{id}");
        }
    }
}

#[test]
fn only_near_words_are_suggested() {
    let words = ["run", "create", "complete", "list", "wait"];
    for (typed, found) in [
        ("rnu", Some("run")),
        ("creat", Some("create")),
        ("lits", Some("list")),
        ("wiat", Some("wait")),
        ("comp", Some("complete")),
        ("delete", None),
        ("schnell", None),
        ("", None),
    ] {
        assert_eq!(word(typed, words), found, "{typed}");
    }
}

#[test]
fn the_end_of_a_flag_is_enough() {
    let run = Cli::command().find_subcommand("run").unwrap().clone();
    let schnell = cometapi::models::find("flux-schnell").unwrap();
    let run = field::add(run, schnell);
    for (typed, found) in [
        ("format", Some("--output-format")),
        ("ratio", Some("--aspect-ratio")),
        ("out", Some("--output")),
        ("go_fast", Some("--go-fast")),
        ("aspect_rato", Some("--aspect-ratio")),
        ("private-files", None),
        ("ledgr", Some("--ledger")),
    ] {
        assert_eq!(flag(&run, typed).as_deref(), found, "{typed}");
    }
}

#[test]
fn no_typo_in_a_command_leads_to_a_hidden_one() {
    let root = Cli::command();
    let (hidden, shown): (Vec<_>, Vec<_>) = root
        .get_subcommands()
        .map(|command| (command.get_name().to_owned(), command.is_hide_set()))
        .partition(|(_, is_hidden)| *is_hidden);
    assert!(!hidden.is_empty());
    let found = |typed: &str| command_like(&root, typed).map(str::to_owned);
    for (name, _) in &hidden {
        for typed in typos_of(name).iter().chain([name]) {
            assert_ne!(found(typed).as_ref(), Some(name), "{typed}");
        }
    }
    for (name, _) in &shown {
        for typed in typos_of(name) {
            let found = found(&typed);
            let is_shown = |found: &String| shown.iter().any(|(name, _)| name == found);
            assert!(found.as_ref().is_some_and(is_shown), "{typed}: {found:?}");
        }
    }
}
