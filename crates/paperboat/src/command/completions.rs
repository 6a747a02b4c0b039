//! `paperboat completions` and `paperboat complete`: what makes a shell complete.
//!
//! Each script is a few lines that hand the words to `paperboat complete` and its answer to the
//! shell: what may follow hangs on the model that is named, which no static script knows.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::args::{Complete, Completions, Shell};
use crate::complete::candidates;
use crate::failure::Failure;
use crate::print;

pub(crate) fn execute(args: &Completions) -> Result<(), Failure> {
    let shell = match args.shell {
        Some(shell) => shell,
        None => of_environment().ok_or_else(|| {
            Failure::usage("SHELL names no shell that can complete")
                .with_advice("name it: paperboat completions bash, zsh, fish, powershell or elvish")
        })?,
    };
    if args.install {
        return install(shell);
    }
    print::document(script(shell).trim_end())
}

/// The user's own shell.
fn of_environment() -> Option<Shell> {
    let shell = env::var_os("SHELL")?;
    Some(match Path::new(&shell).file_name()?.to_str()? {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        "pwsh" => Shell::Powershell,
        "elvish" => Shell::Elvish,
        _ => return None,
    })
}

/// Writes the script to where the shell looks for it, and prints its path.
fn install(shell: Shell) -> Result<(), Failure> {
    let path = place(shell)?;
    let folder = path.parent().unwrap_or(&path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, script(shell)));
    written.map_err(|e| {
        Failure::usage(format!("{} cannot be written", path.display())).caused_by(&e)
    })?;
    print::path(&path)?;
    match shell {
        Shell::Zsh => print::note(format_args!(
            "zsh reads it if this is in .zshrc before compinit: fpath+=({})",
            folder.display()
        )),
        _ => print::note("new shells complete with it"),
    }
    Ok(())
}

/// Where a shell looks for a user's script.
fn place(shell: Shell) -> Result<PathBuf, Failure> {
    let base = etcetera::choose_base_strategy()
        .map_err(|e| Failure::usage("there is no home folder for the script").caused_by(&e))?;
    let (data, config) = (base.data_dir(), base.config_dir());
    match shell {
        Shell::Bash => Ok(data.join("bash-completion/completions/paperboat")),
        Shell::Zsh => Ok(data.join("zsh/site-functions/_paperboat")),
        Shell::Fish => Ok(config.join("fish/completions/paperboat.fish")),
        Shell::Powershell | Shell::Elvish => Err(Failure::usage(
            "this shell has no folder for scripts of completions",
        )
        .with_advice("what to add to its startup file: paperboat completions --help")),
    }
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
