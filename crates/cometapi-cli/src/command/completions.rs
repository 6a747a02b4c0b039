//! `cometapi completions`: what makes a shell complete.
//!
//! Each script is a few lines that hand the words to `cometapi complete` and its answer to the
//! shell: what may follow hangs on the model that is named, which no static script knows.

use crate::args::{Completions, Shell};
use crate::failure::Failure;
use crate::print;

pub(crate) fn execute(args: &Completions) -> Result<(), Failure> {
    print::document(script(args.shell).trim_end())
}

fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../shells/cometapi.bash"),
        Shell::Zsh => include_str!("../shells/cometapi.zsh"),
        Shell::Fish => include_str!("../shells/cometapi.fish"),
        Shell::Powershell => include_str!("../shells/cometapi.ps1"),
        Shell::Elvish => include_str!("../shells/cometapi.elv"),
    }
}
