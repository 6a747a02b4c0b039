//! Where predictions are written down.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Where predictions are written down.
#[derive(Args)]
pub(crate) struct LedgerPlace {
    /// Write predictions down in this file, in place of COMETAPI_LEDGER and the user's data folder
    #[arg(long, value_name = "FILE", conflicts_with = "no_ledger", value_hint = ValueHint::FilePath)]
    pub(crate) ledger: Option<PathBuf>,
    /// Write nothing down: what is created and then lost from sight stays lost
    #[arg(long)]
    pub(crate) no_ledger: bool,
}

/// The same for what is nothing without one.
#[derive(Args)]
pub(crate) struct LedgerNeeded {
    /// The ledger, in place of COMETAPI_LEDGER and the one in the user's data folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ledger: Option<PathBuf>,
}
