//! What `paperboat gallery` takes.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, ValueHint};

use super::batch::since;
use super::ledger::LedgerAddress;
use super::value;

#[derive(Args)]
#[command(after_long_help = "\
The page works from disk, without a network: filter by text, model or status, mark the good ones, and copy \
their ids. Marks stay in the browser. Every batch writes it into its folder, as index.html.")]
pub(crate) struct Gallery {
    /// The folder of a batch; its index.html is written
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, required_unless_present = "since")]
    pub(crate) dir: Option<PathBuf>,
    /// Instead of DIR: since TIME: 2h, 3days, or 2026-03-20
    ///
    /// The page has every prediction with saved files that was created since then.
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "dir")]
    pub(crate) since: Option<SystemTime>,
    /// File for the page of --since
    #[arg(
        short,
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        default_value = "gallery.html",
        conflicts_with = "dir"
    )]
    pub(crate) output: PathBuf,
    /// The ledger that is read
    ///
    /// The default is PAPERBOAT_LEDGER, else the one in the user's data folder.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath, value_parser = value::ledger(), hide_short_help = true)]
    pub(crate) ledger: Option<LedgerAddress>,
}
