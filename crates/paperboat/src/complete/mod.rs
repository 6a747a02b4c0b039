//! Completion of a word of the command line.

mod path;
mod recorded;
mod value;

use std::fmt;

use clap::{Arg, Command};
use cometapi::models::{Field, Model};

use crate::args::command_for;
use crate::args::field::{self, long};
use crate::args::topics::TOPICS;
use crate::args::walk::{Walk, walk};
use crate::print::printable;

/// A completion of a word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The whole word. One that ends with `=`, `@` or `/` can be completed further.
    word: String,
    help: String,
}

impl Candidate {
    fn new(word: impl Into<String>, help: impl fmt::Display) -> Self {
        Self {
            word: word.into(),
            help: help.to_string(),
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name of a file may hold anything; one that breaks the line is no candidate.
        let help = self.help.lines().next().unwrap_or_default();
        write!(f, "{}\t{}", self.word, printable(help))
    }
}

/// Completions of `word` after the words `before`, which begin with the name of the program.
pub(crate) fn candidates(before: &[String], word: &str) -> Vec<Candidate> {
    let (mut root, model) = command_for(before);
    root.build();
    let at = walk(&root, before.get(1..).unwrap_or_default());
    let mut all = begun(&root, &at, model, before, word);
    all.retain(|candidate| {
        candidate.word.starts_with(word) && !candidate.word.contains(char::is_control)
    });
    all
}

fn begun(
    root: &Command,
    at: &Walk<'_, '_>,
    model: Option<&'static Model>,
    before: &[String],
    word: &str,
) -> Vec<Candidate> {
    if let Some(arg) = at.pending {
        return value::of_arg(arg, model, "", word);
    }
    if !at.escaped && word.starts_with('-') {
        return match word
            .strip_prefix("--")
            .and_then(|flag| flag.split_once('='))
        {
            Some((flag, value)) => long(at.command, flag)
                .filter(|arg| !field::is_negation(arg))
                .map(|arg| value::of_arg(arg, model, &format!("--{flag}="), value))
                .unwrap_or_default(),
            None => flags(at, model),
        };
    }
    if at.command.has_subcommands() {
        return subcommands(at.command);
    }
    let mut all = match at.switch {
        Some(arg) => value::of_arg(arg, model, "", word),
        None => Vec::new(),
    };
    all.extend(match at.positional() {
        Some(arg) if arg.get_id() == "pairs" => {
            model.map_or_else(Vec::new, |model| pairs(at, model, word))
        }
        Some(arg) => {
            let mut found = match arg.get_id().as_str() {
                "page" => pages(root, at.command),
                "ids" => recorded::ids(before, true),
                "id" | "prediction" => recorded::ids(before, false),
                _ => Vec::new(),
            };
            found.extend(value::of_arg(arg, model, "", word));
            found
        }
        None => Vec::new(),
    });
    all
}

fn subcommands(command: &Command) -> Vec<Candidate> {
    let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    shown
        .map(|sub| Candidate::new(sub.get_name(), about(sub)))
        .collect()
}

/// What a page of the help, or of the manual, can be about.
fn pages(root: &Command, at: &Command) -> Vec<Candidate> {
    let mut pages = subcommands(root);
    if at.get_name() == "help" {
        let topics = TOPICS.iter();
        pages.extend(topics.map(|topic| Candidate::new(topic.name, topic.about)));
    }
    pages
}

fn about(command: &Command) -> String {
    command
        .get_about()
        .map_or_else(String::new, ToString::to_string)
}

fn flags(at: &Walk<'_, '_>, model: Option<&Model>) -> Vec<Candidate> {
    let shown = |arg: &Arg| !arg.is_hide_set() || field::is_negation(arg);
    let free = |arg: &&Arg| shown(arg) && may_come(at, model, arg);
    let args = at.arguments().filter(free);
    args.flat_map(|arg| {
        let help = arg.get_help().map_or_else(String::new, ToString::to_string);
        let long = arg.get_long().map(|long| format!("--{long}"));
        let short = arg.get_short().map(|short| format!("-{short}"));
        let words = long.into_iter().chain(short);
        words.map(move |word| Candidate::new(word, &help))
    })
    .collect()
}

/// Whether a flag may be given now: once, but for the items of a list.
fn may_come(at: &Walk<'_, '_>, model: Option<&Model>, arg: &Arg) -> bool {
    match model.and_then(|model| field::of(arg, model)) {
        Some(field) => is_open(at, field),
        None => at.flags.iter().all(|given| given.get_id() != arg.get_id()),
    }
}

/// Whether a field may be given now, by flag or by pair.
fn is_open(at: &Walk<'_, '_>, field: &Field) -> bool {
    let by_flag = at.flags.iter().any(|given| field::is(given, field));
    let by_pair = at.positionals.iter().skip(1).any(|pair| {
        // Without a key it is the prompt.
        let key = pair
            .split_once('=')
            .map_or("prompt", |(key, _)| key.trim_end_matches(':'));
        key == field.name()
    });
    field::is_list(field) || !(by_flag || by_pair)
}

fn pairs(at: &Walk<'_, '_>, model: &Model, word: &str) -> Vec<Candidate> {
    match word.split_once('=') {
        Some((key, value)) => match model.field(key) {
            Some(field) => value::of_field(field, &format!("{key}="), value),
            None => Vec::new(),
        },
        None => model
            .fields()
            .iter()
            .filter(|field| is_open(at, field))
            .map(|field| Candidate::new(format!("{}=", field.name()), field.description()))
            .collect(),
    }
}

#[cfg(test)]
mod tests;
