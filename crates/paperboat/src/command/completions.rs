//! `paperboat completions` and `paperboat complete`: what makes a shell complete.
//!
//! Each script is a few lines that hand the words to `paperboat complete` and its answer to the
//! shell: what may follow hangs on the model that is named, which no static script knows.

use crate::args::{Complete, Completions, Shell};
use crate::complete::candidates;
use crate::failure::Failure;
use crate::print;

pub(crate) fn execute(args: &Completions) -> Result<(), Failure> {
    print::document(script(args.shell).trim_end())
}

fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../shells/paperboat.bash"),
        Shell::Zsh => include_str!("../shells/paperboat.zsh"),
        Shell::Fish => include_str!("../shells/paperboat.fish"),
        Shell::Powershell => include_str!("../shells/paperboat.ps1"),
        Shell::Elvish => include_str!("../shells/paperboat.elv"),
    }
}

/// Prints the completions of a word, one per line, a tab before its help.
pub(crate) fn complete(args: &Complete) -> Result<(), Failure> {
    let candidates = candidates(&args.before, &args.word);
    candidates.into_iter().try_for_each(print::document)
}
