//! Where predictions are recorded.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Where predictions are recorded.
#[derive(Args)]
pub(crate) struct LedgerPlace {
    /// Record predictions in this file, instead of PAPERBOAT_LEDGER or the user's data folder
    #[arg(long, value_name = "FILE", conflicts_with = "no_ledger", value_hint = ValueHint::FilePath)]
    pub(crate) ledger: Option<PathBuf>,
    /// Do not record predictions; if this process dies, they cannot be resumed
    #[arg(long)]
    pub(crate) no_ledger: bool,
}

/// The same for commands that need a ledger.
#[derive(Args)]
pub(crate) struct LedgerNeeded {
    /// The ledger, instead of PAPERBOAT_LEDGER or the one in the user's data folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ledger: Option<PathBuf>,
}
