//! From words to arguments. A model that is named brings its fields as flags, so it is looked
//! for first.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};
use cometapi::models::{self, Model};

use super::walk::{Walk, walk};
use super::{Cli, field};

/// The arguments that `words` spell, also as clap matched them; the first of them is the name of the
/// program.
pub(crate) fn parse(words: Vec<OsString>) -> Result<(Cli, ArgMatches), clap::Error> {
    let named = Named::by(&plain(&words));
    let mut root = named.command();
    let words = attached(&root, words)?;
    let matches = root
        .try_get_matches_from_mut(words)
        .map_err(|e| named.explain(e))?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut root))?;
    if let (Some(model), Some((_, matches)), Some(what)) =
        (named.known, matches.subcommand(), cli.command.what_mut())
    {
        what.pairs = pairs(matches, model);
    }
    Ok((cli, matches))
}

/// Writes `--flag -value` as `--flag=-value`. Clap takes the second, and takes a value that begins
/// with a hyphen for a flag in the first; set to allow hyphens, it would take a flag for the value
/// that is missing before it. Likewise `--go-fast false`, which clap would take for a switch and a
/// positional argument.
fn attached(root: &Command, words: Vec<OsString>) -> Result<Vec<OsString>, clap::Error> {
    let plain = plain(&words);
    let mut at = Walk::new(root);
    let mut attached: Vec<OsString> = Vec::with_capacity(words.len());
    for (index, (word, text)) in words.into_iter().zip(&plain).enumerate() {
        match (at.pending, attached.last_mut()) {
            (Some(arg), Some(flag)) if at.is_flag(text) => {
                return Err(without_value(root, arg, &flag.to_string_lossy(), text));
            }
            (Some(_), Some(flag)) if text.starts_with('-') => {
                flag.push("=");
                flag.push(word);
            }
            (None, Some(flag)) if at.is_switch_value(text) => {
                flag.push("=");
                flag.push(word);
            }
            _ => attached.push(word),
        }
        // The first is the name of the program.
        if index > 0 {
            at.step(text);
        }
    }
    Ok(attached)
}

/// The error of a flag that is followed by another in the place of its value.
fn without_value(root: &Command, arg: &Arg, flag: &str, next: &str) -> clap::Error {
    let names = arg.get_value_names().unwrap_or_default();
    let value = names.first().map_or("VALUE", |name| name.as_str());
    let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(root);
    error.insert(
        ContextKind::InvalidArg,
        ContextValue::String(format!("{flag} <{value}>")),
    );
    // Empty, as clap's own for a value that is missing.
    error.insert(
        ContextKind::InvalidValue,
        ContextValue::String(String::new()),
    );
    let tip = format!("'{next}' looks like a flag; if it is the value: {flag}='{next}'");
    error.insert(
        ContextKind::Suggested,
        ContextValue::StyledStrs(vec![tip.into()]),
    );
    error
}

/// The command that `words` are for, and the model whose fields it has as flags.
pub(crate) fn command_for(words: &[String]) -> (Command, Option<&'static Model>) {
    let named = Named::by(words);
    (named.command(), named.known)
}

/// What the words name.
struct Named {
    root: Command,
    /// Whether it is the command that stores a key, so that any value may be one.
    is_login: bool,
    /// One of the commands that take a model's fields.
    command: Option<&'static str>,
    model: Option<String>,
    known: Option<&'static Model>,
}

impl Named {
    fn by(words: &[String]) -> Self {
        let root = Cli::command();
        let at = walk(&root, words.get(1..).unwrap_or_default());
        let name = at.command.get_name();
        let command = field::COMMANDS.into_iter().find(|taker| *taker == name);
        let model = command.and(at.positionals.first().map(|model| (*model).to_owned()));
        let known = model.as_deref().and_then(known);
        let is_login = name == "login";
        Self {
            root,
            is_login,
            command,
            model,
            known,
        }
    }

    /// With flags for the fields of the model.
    fn command(&self) -> Command {
        match (self.command, self.known) {
            (Some(command), Some(model)) => self
                .root
                .clone()
                .mut_subcommand(command, |command| field::add(command, model)),
            _ => self.root.clone(),
        }
    }

    /// Says of a flag that there is none of, where flags of fields come from; hides what may be a
    /// key.
    fn explain(&self, mut error: clap::Error) -> clap::Error {
        if self.is_login && error.get(ContextKind::InvalidValue).is_some() {
            error.insert(
                ContextKind::InvalidValue,
                ContextValue::String("…".to_owned()),
            );
        }
        let Some(command) = self.command else {
            return error;
        };
        if error.kind() != ErrorKind::UnknownArgument {
            return error;
        }
        let tip = match (self.known, &self.model) {
            (Some(model), _) => {
                let name = model.name();
                format!("its fields and their flags: paperboat {command} {name} --help")
            }
            (None, Some(model)) => {
                let near = models::candidates(model);
                let near = near.first().map_or_else(String::new, |near| {
                    format!(" (did you mean {}?)", near.name())
                });
                let model: String = model.chars().take(80).collect();
                format!("{model} is not a model known here{near}: give its fields as key=value")
            }
            (None, None) if is_field(&error) => {
                "name a model: the fields of a known one are flags, too".to_owned()
            }
            (None, None) => return error,
        };
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
        error
    }
}

/// The known model; or one that a name without an owner may be meant for, so that it is the name
/// that is refused and not the flags.
fn known(name: &str) -> Option<&'static Model> {
    let near = || {
        let candidates = models::candidates(name);
        candidates.first().copied().filter(|_| !name.contains('/'))
    };
    models::find(name).or_else(near)
}

/// Whether it is about a flag that some known model brings.
fn is_field(error: &clap::Error) -> bool {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return false;
    };
    // With the name of its value, if it has one.
    let flag = flag.split(' ').next().unwrap_or_default();
    if let Some(flag) = flag.strip_prefix("--") {
        return field::with_flag(flag).next().is_some();
    }
    let letter = flag.strip_prefix('-').and_then(|flag| flag.chars().next());
    letter.is_some_and(field::is_short)
}

fn plain(words: &[OsString]) -> Vec<String> {
    words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// Pairs and flags alike as pairs, in the order in which they were given.
fn pairs(matches: &ArgMatches, model: &Model) -> Vec<String> {
    let mut pairs = values(matches, "pairs");
    for field in model.fields() {
        for id in field::ids(field.name()) {
            let flag = values(matches, &id);
            let pair = |value| format!("{}={value}", field.name());
            pairs.extend(flag.into_iter().map(|(at, value)| (at, pair(value))));
        }
    }
    pairs.sort_by_key(|(at, _)| *at);
    pairs.into_iter().map(|(_, pair)| pair).collect()
}

/// Where each value of an argument stands, and the value.
fn values(matches: &ArgMatches, id: &str) -> Vec<(usize, String)> {
    // A field that has no flag has no such id, which is an error here and a panic there.
    let Ok(Some(given)) = matches.try_get_many::<String>(id) else {
        return Vec::new();
    };
    let at = matches.indices_of(id).into_iter().flatten();
    at.zip(given.cloned()).collect()
}

#[cfg(test)]
mod tests;
