//! `paperboat man`: manual pages, from the same source as the help.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man as Page;

use crate::args::{Cli, Man};
use crate::failure::Failure;
use crate::print;

pub(crate) fn execute(args: &Man) -> Result<(), Failure> {
    let root = Cli::command();
    match &args.dir {
        Some(folder) => write_all(root, folder),
        None => print::document(text(root)?.trim_end()),
    }
}

fn text(root: Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    Page::new(root)
        .render(&mut page)
        .map_err(|e| Failure::other("the manual page cannot be made", &e))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn write_all(root: Command, folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(root, folder))
        .map_err(|e| {
            Failure::usage(format!("{} cannot hold the pages", folder.display())).caused_by(&e)
        })
}
