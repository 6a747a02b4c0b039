//! Where one is in a command line, without parsing it: it may be unfinished, or wrong, or use
//! flags that only the model named in it brings.

use clap::{Arg, ArgAction, Command};
use cometapi::models::{Field, Kind};

use super::field::{self, long};

/// What the words so far mean.
pub(crate) struct Walk<'c, 'w> {
    /// The program, whose flags every command has.
    root: &'c Command,
    /// The innermost command that they name.
    pub(crate) command: &'c Command,
    /// The flag whose value comes next.
    pub(crate) pending: Option<&'c Arg>,
    /// A `--` has been: no flags any more.
    pub(crate) escaped: bool,
    pub(crate) positionals: Vec<&'w str>,
    pub(crate) flags: Vec<&'c Arg>,
    /// The switch before, whose value the next word is if it is `true` or `false`.
    pub(crate) switch: Option<&'c Arg>,
    /// What the next word is to a flag that the command does not have yet.
    next: Next,
}

/// What a word is to the flag before it, if only a model that is named later brings that flag.
#[derive(Clone, Copy, Default)]
enum Next {
    /// Not its value.
    #[default]
    Word,
    /// Its value.
    Value,
    /// Its value if it is `true` or `false`.
    SwitchValue,
}

/// Walks `words`, which begin after the name of the program.
pub(crate) fn walk<'c, 'w>(root: &'c Command, words: &'w [String]) -> Walk<'c, 'w> {
    let mut at = Walk::new(root);
    for word in words {
        at.step(word);
    }
    at
}

impl<'c, 'w> Walk<'c, 'w> {
    pub(crate) fn new(root: &'c Command) -> Self {
        Self {
            root,
            command: root,
            pending: None,
            escaped: false,
            positionals: Vec::new(),
            flags: Vec::new(),
            switch: None,
            next: Next::Word,
        }
    }

    /// Takes the next word.
    pub(crate) fn step(&mut self, word: &'w str) {
        let is_switch_value = self.is_switch_value(word);
        self.switch = None;
        let is_due = matches!(std::mem::take(&mut self.next), Next::Value);
        let is_value = is_due | self.pending.take().is_some();
        if is_switch_value || is_value && !self.is_flag(word) {
            return;
        }
        if self.escaped {
            self.positionals.push(word);
        } else if word == "--" {
            self.escaped = true;
        } else if let Some(flag) = word.strip_prefix("--") {
            self.next = self.long(flag);
        } else if let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) {
            self.next = self.short(flags);
        } else if let Some(command) = self.command.find_subcommand(word) {
            self.command = command;
        } else {
            self.positionals.push(word);
        }
    }

    /// Whether `word` is the value of the switch before it. Any other word is one of its own: a
    /// switch needs no value.
    pub(crate) fn is_switch_value(&self, word: &str) -> bool {
        let follows = self.switch.is_some() || matches!(self.next, Next::SwitchValue);
        follows && field::is_switch_value(word)
    }

    /// Whether `word`, where the value of a flag is due, is itself a flag, so that the value is
    /// missing. In doubt it is one: the error costs nothing, and a flag that is sent as a prompt
    /// costs a prediction.
    pub(crate) fn is_flag(&self, word: &str) -> bool {
        let Some(rest) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            return false;
        };
        let name = rest.strip_prefix('-').unwrap_or(rest);
        let name = name.split_once('=').map_or(name, |(name, _)| name);
        // With one hyphen it is a slip for the same flag.
        if name.is_empty() || name == "help" || self.own_long(name).is_some() {
            return true;
        }
        // No flag holds a space.
        !word.contains(char::is_whitespace) && (rest.starts_with('-') || self.are_short(rest))
    }

    /// Whether `flags` are flags of one letter, the last perhaps with its value.
    fn are_short(&self, flags: &str) -> bool {
        for flag in flags.chars() {
            match self.own_short(flag) {
                Some(arg) if arg.get_action().takes_values() => return true,
                Some(_) => {}
                None if field::is_short(flag) => return true,
                None if flag == 'h' => {}
                None => return false,
            }
        }
        true
    }
}

impl<'c> Walk<'c, '_> {
    /// The arguments of the command, with the flags of every command.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &'c Arg> {
        let is_root = std::ptr::eq(self.root, self.command);
        let global = self.root.get_arguments();
        let global = global.filter(move |arg| !is_root && arg.is_global_set());
        self.command.get_arguments().chain(global)
    }

    /// The flag `--name` of the command.
    fn own_long(&self, name: &str) -> Option<&'c Arg> {
        long(self.command, name).or_else(|| long(self.root, name))
    }

    /// The flag `-letter` of the command.
    fn own_short(&self, letter: char) -> Option<&'c Arg> {
        short(self.command, letter).or_else(|| short(self.root, letter))
    }

    /// The positional argument that the next word is for.
    pub(crate) fn positional(&self) -> Option<&'c Arg> {
        let all: Vec<_> = self.command.get_positionals().collect();
        let repeated = |arg: &&Arg| matches!(arg.get_action(), ArgAction::Append);
        let next = all.get(self.positionals.len()).copied();
        next.or_else(|| all.last().copied().filter(repeated))
    }

    /// What the word after it is to it, if no flag of the command is called so.
    fn long(&mut self, flag: &str) -> Next {
        let (name, has_value) = match flag.split_once('=') {
            Some((name, _)) => (name, true),
            None => (flag, false),
        };
        let Some(arg) = self.own_long(name) else {
            // The model may come after the flags of its fields.
            let takes_value = |field: &Field| field.kind() != Kind::Boolean;
            let is_field = |wanted: bool| field::with_flag(name).any(|f| takes_value(f) == wanted);
            return if has_value {
                Next::Word
            } else if is_field(true) {
                Next::Value
            } else if is_field(false) {
                Next::SwitchValue
            } else {
                Next::Word
            };
        };
        self.flags.push(arg);
        if has_value || field::is_negation(arg) {
            // The next word is not its value.
        } else if field::is_switch(arg) {
            self.switch = Some(arg);
        } else if arg.get_action().takes_values() && !arg.is_require_equals_set() {
            self.pending = Some(arg);
        }
        Next::Word
    }

    /// As [`long`](Self::long), of flags of one letter, the last perhaps with its value.
    fn short(&mut self, flags: &str) -> Next {
        for (index, flag) in flags.char_indices() {
            let is_last = index + flag.len_utf8() == flags.len();
            let Some(arg) = self.own_short(flag) else {
                return if is_last && field::is_short(flag) {
                    Next::Value
                } else {
                    Next::Word
                };
            };
            self.flags.push(arg);
            if arg.get_action().takes_values() {
                self.pending = is_last.then_some(arg);
                break;
            }
        }
        Next::Word
    }
}

fn short(command: &Command, flag: char) -> Option<&Arg> {
    command
        .get_arguments()
        .find(|arg| arg.get_short() == Some(flag))
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
            "run --go-fast false a/b",
            "run --go-fast TRUE a/b",
            "run --no-go-fast a/b",
            "run -n 4 a/b",
            "run -n4 a/b",
            "run --prompt -n 4 a/b",
            "run --prompt=x --seed 1 --go-fast=false a/b --prompt y",
            "run --unheard-of a/b",
            "run --json -- a/b --x",
            "run --prompt -dramatic a/b",
            "run --timeout -1 a/b",
            "run --timeout --json a/b",
            "run --prompt --json a/b",
            "run -o -odd a/b",
            "run -v --log-format json a/b",
            "--log-format json -vv run a/b",
            "run --log-format=json -q a/b",
        ] {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            let at = walk(&root, &words);
            assert_eq!(
                at.command.get_name(),
                ["run", "create"][usize::from(line.starts_with("create"))]
            );
            assert_eq!(at.positionals.first(), Some(&"a/b"), "{line}");
        }
        for line in ["", "run", "--version", "run -o a/b", "run --prompt a/b"] {
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            assert!(walk(&root, &words).positionals.is_empty(), "{line}");
        }
    }
}
