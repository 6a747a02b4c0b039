//! `paperboat man`: manual pages, from the same source as the help.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::{Command as Process, Stdio};

use clap::{Command, CommandFactory};

use crate::args::{Cli, Man};
use crate::failure::Failure;
use crate::page::Page;
use crate::print;

pub(crate) fn execute(args: &Man) -> Result<(), Failure> {
    let mut root = Cli::command();
    root.build();
    if let Some(folder) = &args.write {
        return write_all(&root, folder);
    }
    let command = match &args.page {
        None => &root,
        Some(name) => found(&root, name)?,
    };
    let page = Page::of(&root, command);
    let text = page
        .roff()
        .map_err(|e| Failure::other("the manual page cannot be made", &e))?;
    if io::stdout().is_terminal() && is_shown(&text) {
        return Ok(());
    }
    print::document(text.trim_end())
}

/// The command of this name.
fn found<'c>(root: &'c Command, name: &str) -> Result<&'c Command, Failure> {
    let mut commands = root.get_subcommands().filter(|it| !it.is_hide_set());
    let name = name.strip_prefix("paperboat-").unwrap_or(name);
    commands.find(|it| it.get_name() == name).ok_or_else(|| {
        Failure::usage(format!("{name:?} is not a command"))
            .with_advice("the commands: paperboat help")
            .with_advice("to write the pages to a folder: paperboat man --write DIR")
    })
}

/// Whether `man` has shown the page. It may not be installed, or not read a page from stdin.
fn is_shown(text: &str) -> bool {
    let started = Process::new("man")
        .args(["-l", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut process) = started else {
        return false;
    };
    let stdin = process.stdin.take();
    // A reader that leaves early has seen enough.
    let _ = stdin.map(|mut stdin| stdin.write_all(text.as_bytes()));
    process.wait().is_ok_and(|status| status.success())
}

fn write_all(root: &Command, folder: &Path) -> Result<(), Failure> {
    let write = || {
        std::fs::create_dir_all(folder)?;
        let shown = root.get_subcommands().filter(|it| !it.is_hide_set());
        for command in std::iter::once(root).chain(shown) {
            let page = Page::of(root, command);
            std::fs::write(folder.join(page.file_name()), page.roff()?)?;
        }
        Ok(())
    };
    write().map_err(|e: io::Error| {
        Failure::usage(format!("{} cannot hold the pages", folder.display())).caused_by(&e)
    })
}
