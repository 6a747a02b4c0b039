//! Where one is in a command line, without parsing it: it may be unfinished, or wrong, or use
//! flags that only the model named in it brings.

use clap::{Arg, ArgAction, Command};
use cometapi::models::{Kind, Model, models};

use super::field;

/// What the words so far come to.
pub(crate) struct Walk<'c, 'w> {
    /// The innermost command that they name.
    pub(crate) command: &'c Command,
    /// The flag whose value comes next.
    pub(crate) pending: Option<&'c Arg>,
    /// A `--` has been: no flags any more.
    pub(crate) escaped: bool,
    pub(crate) positionals: Vec<&'w str>,
    /// The flags that were given.
    pub(crate) flags: Vec<&'c Arg>,
}

/// Walks `words`, which begin after the name of the program.
pub(crate) fn walk<'c, 'w>(root: &'c Command, words: &'w [String]) -> Walk<'c, 'w> {
    let mut at = Walk {
        command: root,
        pending: None,
        escaped: false,
        positionals: Vec::new(),
        flags: Vec::new(),
    };
    let mut skip = false;
    for word in words {
        if std::mem::take(&mut skip) || at.pending.take().is_some() {
            continue;
        }
        if at.escaped {
            at.positionals.push(word);
        } else if word == "--" {
            at.escaped = true;
        } else if let Some(flag) = word.strip_prefix("--") {
            skip = at.long(flag);
        } else if let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) {
            at.short(flags);
        } else if let Some(command) = at.command.find_subcommand(word) {
            at.command = command;
        } else {
            at.positionals.push(word);
        }
    }
    at
}

impl<'c> Walk<'c, '_> {
    /// The positional argument that the next word is for.
    pub(crate) fn positional(&self) -> Option<&'c Arg> {
        let all: Vec<_> = self.command.get_positionals().collect();
        let repeated = |arg: &&Arg| matches!(arg.get_action(), ArgAction::Append);
        let next = all.get(self.positionals.len()).copied();
        next.or_else(|| all.last().copied().filter(repeated))
    }

    /// Whether the word after it is its value although no flag of the command is called so.
    fn long(&mut self, flag: &str) -> bool {
        let (name, has_value) = match flag.split_once('=') {
            Some((name, _)) => (name, true),
            None => (flag, false),
        };
        let Some(arg) = long(self.command, name) else {
            return !has_value && is_field_with_value(name);
        };
        self.flags.push(arg);
        if arg.get_action().takes_values() && !has_value && !arg.is_require_equals_set() {
            self.pending = Some(arg);
        }
        false
    }

    fn short(&mut self, flags: &str) {
        for (index, flag) in flags.char_indices() {
            let Some(arg) = self
                .command
                .get_arguments()
                .find(|arg| arg.get_short() == Some(flag))
            else {
                return;
            };
            self.flags.push(arg);
            if arg.get_action().takes_values() {
                let is_last = index + flag.len_utf8() == flags.len();
                self.pending = is_last.then_some(arg);
                return;
            }
        }
    }
}

/// The flag `--name` of `command`.
pub(crate) fn long<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|arg| {
        arg.get_long() == Some(name)
            || arg
                .get_all_aliases()
                .is_some_and(|aliases| aliases.contains(&name))
    })
}

/// The model may come after the flags of its fields.
fn is_field_with_value(flag: &str) -> bool {
    models()
        .iter()
        .flat_map(Model::fields)
        .any(|known| field::flag(known.name()) == flag && known.kind() != Kind::Boolean)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn the_model_is_found_wherever_it_stands() {
        let root = Cli::command();
        for line in [
            "run a/b",
            "run --mock a/b x=1",
            "run -o out a/b",
            "run -oout a/b",
            "run --output=out --json a/b",
            "create --input in.json --force a/b",
            "run --timeout 5m --aspect-ratio 16:9 a/b",
            "run --go-fast a/b",
            "run --prompt=x --seed 1 --go-fast=false a/b --prompt y",
            "run --unheard-of a/b",
            "run --json -- a/b --x",
        ] {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            let at = walk(&root, &words);
            assert_eq!(at.command.get_name(), words[0]);
            assert_eq!(at.positionals.first(), Some(&"a/b"), "{line}");
        }
        for line in ["", "run", "--version", "run -o a/b", "run --prompt a/b"] {
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            assert!(walk(&root, &words).positionals.is_empty(), "{line}");
        }
    }
}
