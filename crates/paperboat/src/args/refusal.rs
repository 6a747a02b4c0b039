//! A command line that cannot be read: why, and what to type instead.
//!
//! Clap says what is wrong; it is said in the words and the form of the command's own errors.

mod context;

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, Command};
use cometapi::models::{self, Model};

use self::context::{argument, first_line, flag_of, name_of, string, strings, tip};
use super::field::{self, long};
use super::{examples, suggest};

/// Why a command line is refused, and what to do.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) cause: Option<String>,
    pub(crate) advice: Vec<String>,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            cause: None,
            advice: Vec::new(),
        }
    }

    fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub(super) fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }
}

/// The command line that is refused.
pub(super) struct Refused<'c> {
    /// The program with all of its commands.
    pub(super) root: &'c Command,
    /// The innermost command that was named.
    pub(super) command: &'c Command,
    /// The name of its model, and the model if it is a known one.
    pub(super) model: Option<&'c str>,
    pub(super) known: Option<&'static Model>,
    /// The flags that were given.
    pub(super) flags: Vec<&'c Arg>,
}

/// The flags that are only for a command line with another one: each, and the one that it needs.
const NEEDS: [(&str, &str); 4] = [
    ("field", "each"),
    ("retry_unresolved", "once"),
    ("model", "smoke"),
    ("yes", "smoke"),
];

impl Refused<'_> {
    /// Says why, and what to do.
    pub(super) fn explain(&self, error: &clap::Error) -> Refusal {
        let arg = string(error, ContextKind::InvalidArg);
        let value = string(error, ContextKind::InvalidValue);
        match (error.kind(), arg) {
            (ErrorKind::UnknownArgument, Some(arg)) => self.unknown_argument(arg),
            (ErrorKind::InvalidSubcommand, _) => {
                let name = string(error, ContextKind::InvalidSubcommand);
                self.unknown_command(name.unwrap_or_default())
            }
            (ErrorKind::MissingRequiredArgument, _) => {
                self.missing(&strings(error, ContextKind::InvalidArg))
            }
            (ErrorKind::ArgumentConflict, Some(arg)) => {
                let others = strings(error, ContextKind::PriorArg);
                self.conflict(arg, &others)
            }
            (ErrorKind::InvalidValue, Some(arg)) if value.is_none_or(str::is_empty) => {
                let refusal = Refusal::new(format!("{} needs a value", flag_of(arg)));
                match tip(error) {
                    Some(advice) => refusal.with_advice(advice),
                    None => refusal.with_advice(format!("write {arg}")),
                }
            }
            (ErrorKind::InvalidValue, Some(arg)) => {
                let value = value.unwrap_or_default();
                let valid = strings(error, ContextKind::ValidValue);
                self.invalid_choice(arg, value, &valid)
            }
            (ErrorKind::ValueValidation, Some(arg)) => {
                self.invalid_value(arg, value.unwrap_or_default(), error)
            }
            (ErrorKind::TooManyValues, Some(arg)) => {
                let value = self.shown(arg, value.unwrap_or_default());
                Refusal::new(format!("{} takes no value, got {value:?}", flag_of(arg)))
                    .with_advice(format!("write {}", flag_of(arg)))
            }
            _ => self.with_usage(Refusal::new(short(&first_line(error)))),
        }
    }

    fn unknown_argument(&self, arg: &str) -> Refusal {
        let Some(typed) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            let message = format!("{:?} is one argument too many", short(arg));
            return self.with_usage(Refusal::new(message));
        };
        let typed = typed.strip_prefix('-').unwrap_or(typed);
        // Clap names the value with a flag that has one.
        let typed = typed.split([' ', '=']).next().unwrap_or_default();
        let flag = flag_of(arg);
        let refusal = Refusal::new(format!("unknown flag {}", short(flag)));
        let near = arg
            .starts_with("--")
            .then(|| suggest::flag(self.command, typed))
            .flatten();
        let refusal = match &near {
            Some(near) => refusal.with_advice(format!("did you mean {near}?")),
            None => refusal,
        };
        // No flag holds a space; a prompt may begin with hyphens.
        let takes_prompt = || {
            let mut args = self.command.get_arguments();
            args.any(|arg| arg.get_id() == "pairs")
        };
        let refusal = if arg.contains(' ') && takes_prompt() {
            refusal.with_advice(format!("if it is the prompt: prompt={:?}", short(arg)))
        } else {
            refusal
        };
        match self.about_fields(flag) {
            Some(advice) => refusal.with_advice(advice),
            None if near.is_some() => refusal,
            None => refusal.with_advice(format!("the flags: {} --help", self.name())),
        }
    }

    /// Where flags of fields come from, if it may be meant for one.
    fn about_fields(&self, flag: &str) -> Option<String> {
        let command = self.command.get_name();
        if !field::COMMANDS.contains(&command) {
            return None;
        }
        match (self.known, self.model) {
            (Some(model), _) => Some(format!(
                "its fields and their flags: paperboat {command} {} --help",
                model.name()
            )),
            (None, Some(model)) => {
                let near = models::candidates(model);
                let near = near.first().map_or_else(String::new, |near| {
                    format!(" (did you mean {}?)", near.name())
                });
                let model = short(model);
                Some(format!(
                    "{model} is not a model known here{near}: give its fields as key=value"
                ))
            }
            (None, None) if is_field(flag) => {
                Some("name a model: the fields of a known one are flags, too".to_owned())
            }
            (None, None) => None,
        }
    }

    fn unknown_command(&self, name: &str) -> Refusal {
        let refusal = Refusal::new(format!("unknown command {:?}", short(name)));
        if let Some(model) = models::find(name) {
            let run = format!("paperboat run {} \"a red fox\"", model.short_name());
            return refusal.with_advice(format!("to run this model: {run}"));
        }
        let refusal = match command_like(self.root, name) {
            Some(near) => refusal.with_advice(format!("did you mean {near}?")),
            None => refusal,
        };
        refusal.with_advice("the commands: paperboat help")
    }

    fn missing(&self, args: &[&str]) -> Refusal {
        let missing: Vec<_> = args.iter().filter_map(|usage| self.find(usage)).collect();
        let needed = missing.iter().find_map(|arg| {
            let needs =
                |given: &&&Arg| NEEDS.contains(&(given.get_id().as_str(), arg.get_id().as_str()));
            Some((self.flags.iter().find(needs)?, arg))
        });
        if let Some((given, needed)) = needed {
            let (given, needed) = (given.get_long(), needed.to_string());
            let given = given.unwrap_or_default();
            return Refusal::new(format!("--{given} needs {needed}"))
                .with_advice(format!("add {needed}, or leave --{given} out"));
        }
        let mut names: Vec<_> = args.iter().map(|usage| argument(usage)).collect();
        // Flags after what is given without one.
        names.sort_by_key(|name| name.starts_with('-'));
        let refusal = Refusal::new(format!("missing {}", names.join(" and ")));
        let next = missing.iter().find_map(|arg| match arg.get_id().as_str() {
            "ids" => Some("for every running prediction: paperboat wait --all"),
            "id" | "prediction" => Some("the recorded predictions: paperboat list"),
            "model" => Some("the known models: paperboat models"),
            "dir" => Some("without a batch: --since TIME"),
            "file" => Some("for the images of a folder: --each DIR"),
            _ => None,
        });
        let refusal = next.into_iter().fold(refusal, Refusal::with_advice);
        match examples::of(self.command.get_name()).first() {
            Some(example) => {
                refusal.with_advice(format!("for example: paperboat {}", example.line))
            }
            None => self.with_usage(refusal),
        }
    }

    fn conflict(&self, arg: &str, others: &[&str]) -> Refusal {
        let flag = name_of(arg);
        if others.is_empty() || others.contains(&arg) {
            return self.with_usage(Refusal::new(format!("{flag} is given twice")));
        }
        let others: Vec<_> = others.iter().map(|other| name_of(other)).collect();
        Refusal::new(format!("{flag} cannot be used with {}", others.join(", ")))
            .with_advice(format!("leave {flag} or {} out", others.join(", ")))
    }

    fn invalid_choice(&self, arg: &str, value: &str, valid: &[&str]) -> Refusal {
        let refusal = Refusal::new(format!("invalid value {:?} for {arg}", short(value)));
        let near = suggest::word(value, valid.iter().copied());
        let refusal = match near {
            Some(near) => refusal.with_advice(format!("did you mean {near}?")),
            None => refusal,
        };
        if valid.is_empty() {
            return self.with_usage(refusal);
        }
        refusal.with_advice(format!("write one of {}", valid.join(", ")))
    }

    fn invalid_value(&self, arg: &str, value: &str, error: &clap::Error) -> Refusal {
        let value = self.shown(arg, value);
        let refusal = Refusal::new(format!("invalid value {value:?} for {arg}"));
        let source = std::error::Error::source(error).map(ToString::to_string);
        let source = source.unwrap_or_default();
        let (cause, step) = parts(&source);
        let refusal = match cause {
            "" => refusal,
            cause => refusal.with_cause(cause),
        };
        match step {
            Some(step) => refusal.with_advice(step),
            None => refusal.with_advice(format!("what it takes: {} --help", self.name())),
        }
    }

    fn with_usage(&self, refusal: Refusal) -> Refusal {
        let usage = self.command.clone().render_usage().to_string();
        // Of a command that is not built, it begins with its own name.
        let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
        let usage = usage.trim_end();
        let usage = match usage.strip_prefix("paperboat") {
            Some(_) => usage.to_owned(),
            None => format!("paperboat {usage}"),
        };
        refusal.with_advice(format!("what it takes: {usage}"))
    }

    /// The value of an argument as it is shown: not what is typed as a key.
    fn shown(&self, arg: &str, value: &str) -> String {
        let is_key = self.command.get_name() == "login" || flag_of(arg) == "--key";
        if is_key {
            "…".to_owned()
        } else {
            short(value)
        }
    }

    /// The command as it is typed.
    fn name(&self) -> String {
        match self.command.get_name() {
            "paperboat" => "paperboat".to_owned(),
            name => format!("paperboat {name}"),
        }
    }

    /// The argument whose usage clap shows as `usage`, such as `--each <GLOB|DIR>` or `<ID>...`.
    fn find(&self, usage: &str) -> Option<&Arg> {
        if let Some(flag) = flag_of(usage).strip_prefix("--") {
            return long(self.command, flag);
        }
        let name = usage.trim_end_matches('.');
        let name = name.trim_matches(|c| "<>[]".contains(c));
        let mut positionals = self.command.get_positionals();
        positionals.find(|arg| {
            let names = arg.get_value_names().unwrap_or_default();
            names.iter().any(|it| name.starts_with(it.as_str())) || arg.get_id() == name
        })
    }
}

/// The visible command that `name` was meant to be.
pub(super) fn command_like<'c>(root: &'c Command, name: &str) -> Option<&'c str> {
    let shown = root.get_subcommands().filter(|it| !it.is_hide_set());
    suggest::word(name, shown.map(Command::get_name))
}

/// The cause and the next step of an error of a value, which are separated by a semicolon.
fn parts(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once("; ") {
        // What is quoted may hold one.
        Some((cause, step)) if step.matches('"').count() % 2 == 0 => (cause, Some(step)),
        _ => match text.split_once(": did you mean ") {
            Some((cause, _)) => (cause, Some(&text[cause.len() + 2..])),
            None => (text, None),
        },
    }
}

/// A word of the command line, which may be of any length.
fn short(word: &str) -> String {
    const MOST: usize = 80;
    let mut short: String = word.chars().take(MOST).collect();
    if short.len() < word.len() {
        short.push('…');
    }
    short
}

/// Whether it is a flag that some known model brings.
fn is_field(flag: &str) -> bool {
    if let Some(flag) = flag.strip_prefix("--") {
        return field::with_flag(flag).next().is_some();
    }
    let letter = flag.strip_prefix('-').and_then(|flag| flag.chars().next());
    letter.is_some_and(field::is_short)
}
