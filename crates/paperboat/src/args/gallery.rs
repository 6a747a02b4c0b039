//! What `paperboat gallery` takes.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, ValueHint};

use super::batch::since;

#[derive(Args)]
#[command(after_help = "\
The page works from disk, without a network: filter by text, model or status, mark the good ones, and copy \
their ids. Marks stay in the browser. Every batch writes it into its folder, as index.html.

Examples:
  paperboat gallery out               write out/index.html
  paperboat gallery --since 2h        write gallery.html in this folder
  paperboat gallery --since 7days -o week.html")]
pub(crate) struct Gallery {
    /// The folder of a batch; its index.html is written
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, required_unless_present = "since")]
    pub(crate) dir: Option<PathBuf>,
    /// Instead of DIR: every prediction with saved files created since TIME: 2h, 3days, or 2026-03-20
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "dir")]
    pub(crate) since: Option<SystemTime>,
    /// Write the page of --since to this file
    #[arg(
        short,
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        default_value = "gallery.html",
        conflicts_with = "dir"
    )]
    pub(crate) output: PathBuf,
    /// The ledger, instead of PAPERBOAT_LEDGER or the one in the user's data folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ledger: Option<PathBuf>,
}
