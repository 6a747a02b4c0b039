//! From words to arguments. A model that is named brings its fields as flags, so it is looked
//! for first.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};
use cometapi::models::{self, Model};

use super::refusal::{Refusal, Refused, command_like};
use super::walk::{Walk, walk};
use super::{Cli, Help, field, help, layout, topics};

/// Why a command line is not run.
pub(crate) enum Stop {
    /// Help or the version was asked for; or nothing was, so that help is shown instead.
    Shown(clap::Error),
    /// A topic of the help was asked for.
    Topic(String),
    /// It cannot be read.
    Refused(Refusal),
}

/// The arguments that `words` spell, also as clap matched them; the first of them is the name of the
/// program.
pub(crate) fn parse(words: Vec<OsString>) -> Result<(Cli, ArgMatches), Stop> {
    let plain = plain(&words);
    let named = Named::by(&plain);
    let mut root = named.command();
    let stop = |error| named.stop(error, &plain);
    let words = attached(&root, words).map_err(stop)?;
    let matches = match root.try_get_matches_from_mut(&words) {
        Ok(matches) => matches,
        Err(error) if is_shown(&error) => return Err(named.shown(&words, error)),
        Err(error) => return Err(stop(error)),
    };
    let mut cli = Cli::from_arg_matches(&matches).map_err(|e| stop(e.format(&mut root)))?;
    if let super::Command::Help(help) = &cli.command {
        return Err(page(&root, help));
    }
    if let (Some(model), Some((_, matches)), Some(what)) =
        (named.known, matches.subcommand(), cli.command.what_mut())
    {
        what.pairs = pairs(matches, model);
    }
    Ok((cli, matches))
}

/// What `paperboat help` shows.
fn page(root: &Command, help: &Help) -> Stop {
    let Some(name) = &help.page else {
        return shown(["paperboat", "--help"].map(OsString::from).to_vec());
    };
    if let Some(topic) = topics::find(name) {
        let text = topic.text(layout::width());
        return Stop::Topic(format!("{}\n\n{text}", topic.about));
    }
    let mut commands = root.get_subcommands().filter(|it| !it.is_hide_set());
    if commands.any(|command| command.get_name() == name) {
        let mut words = vec![OsString::from("paperboat"), name.into()];
        words.extend(help.model.iter().map(OsString::from));
        words.push("--help".into());
        return shown(words);
    }
    let refusal = Refusal::new(format!("{name:?} is neither a command nor a topic"));
    let near = topics::like(name).or_else(|| command_like(root, name));
    let refusal = match near {
        Some(near) => refusal.with_advice(format!("did you mean {near}?")),
        None => refusal,
    };
    Stop::Refused(refusal.with_advice("both are listed by: paperboat help"))
}

/// The help that is shown for `words`.
fn shown(words: Vec<OsString>) -> Stop {
    match parse(words) {
        Err(stop) => stop,
        // Not reached: the words ask for help.
        Ok(_) => Stop::Topic(String::new()),
    }
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
        Self {
            root,
            command,
            model,
            known,
        }
    }

    /// With flags for the fields of the model.
    fn command(&self) -> Command {
        let root = self.root.clone();
        match (self.command, self.known) {
            (Some(command), Some(model)) => {
                root.mut_subcommand(command, |command| field::add(command, model))
            }
            _ => root,
        }
    }

    /// What `words` ask to see, which is `error` but for the ends of the help. They cost several times as
    /// much as a parse, so that only those who see them pay for them.
    fn shown(&self, words: &[OsString], error: clap::Error) -> Stop {
        if error.kind() == ErrorKind::DisplayVersion {
            return Stop::Shown(error);
        }
        let whole = help::with_ends(self.command()).try_get_matches_from(words);
        Stop::Shown(whole.err().unwrap_or(error))
    }

    /// Why the words are not run.
    fn stop(&self, error: clap::Error, words: &[String]) -> Stop {
        let mut root = self.command();
        root.build();
        let at = walk(&root, words.get(1..).unwrap_or_default());
        let refused = Refused {
            root: &root,
            command: at.command,
            model: self.model.as_deref(),
            known: self.known,
            flags: at.flags,
        };
        Stop::Refused(refused.explain(&error))
    }
}

/// Whether help or the version is to be shown.
fn is_shown(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::DisplayVersion
    )
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

fn plain(words: &[OsString]) -> Vec<String> {
    words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

/// Pairs and flags alike as pairs, in the order in which they were given. Of the flags of a field, the
/// last counts, unless it takes a list.
fn pairs(matches: &ArgMatches, model: &Model) -> Vec<String> {
    let mut pairs = values(matches, "pairs");
    for field in model.fields() {
        let ids = field::ids(field.name());
        let mut given: Vec<_> = ids.iter().flat_map(|id| values(matches, id)).collect();
        given.sort_by_key(|(at, _)| *at);
        let first = if field::is_list(field) {
            0
        } else {
            given.len().saturating_sub(1)
        };
        let pair = |value| format!("{}={value}", field.name());
        let given = given.into_iter().skip(first);
        pairs.extend(given.map(|(at, value)| (at, pair(value))));
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
