//! What several commands take.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]
#![allow(rustdoc::bare_urls, reason = "these texts are read in a terminal")]

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueHint};
use cometapi::ModelRef;

use super::destination::Destination;
use super::value;

/// Which model, on what input.
#[derive(Args)]
pub(crate) struct What {
    /// The model, such as black-forest-labs/flux-schnell, or flux-schnell for short
    #[arg(value_name = "OWNER/NAME", value_parser = value::model)]
    pub(crate) model: ModelRef,
    /// The prompt as one argument, and other fields of the model's input as pairs
    #[arg(value_name = "PROMPT|KEY=VALUE")]
    pub(crate) pairs: Vec<String>,
    /// Read input fields from a JSON object in FILE, or from stdin (-); pairs win over it
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(crate) input: Option<PathBuf>,
    /// Send model and input as written, even if the name looks misspelled or the input fails the check
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) files: SentFiles,
}

/// What may be sent of files.
#[derive(Args, Clone, Copy)]
pub(crate) struct SentFiles {
    /// How large a file may be to be sent inside the request
    #[arg(long, value_name = "SIZE", value_parser = value::size, default_value = "256kB")]
    pub(crate) max_file_size: usize,
    /// Scale images down to at most PIXELS on the longer side, such as 2048, and encode anew those that
    /// are larger than that or than --max-file-size
    #[arg(long, value_name = "PIXELS", value_parser = value::pixels())]
    pub(crate) image_max: Option<u32>,
}

/// Which prediction it is, when the same command is run again.
#[derive(Args)]
pub(crate) struct Key {
    /// Create the prediction at most once for this NAME, in whichever process runs the command: run
    /// again, it continues with the prediction of that name or prints its files
    #[arg(long, value_name = "NAME", conflicts_with = "no_ledger", value_parser = value::key)]
    pub(crate) once: Option<String>,
    /// With --once: also create the prediction again if it is unresolved; it may already have been
    /// accepted, so you may pay twice
    #[arg(long, requires = "once")]
    pub(crate) retry_unresolved: bool,
}

/// What becomes of the outcome.
#[derive(Args)]
pub(crate) struct Outputs {
    /// Save files and text in this folder, or under this name: fox.png, out/{seed}.{ext}; - is
    /// stdout. Without it, files go to the current folder and text to stdout
    #[arg(
        short,
        long,
        value_name = "DIR|NAME|-",
        value_hint = ValueHint::AnyPath,
        value_parser = OsStringValueParser::new().try_map(Destination::read)
    )]
    pub(crate) output: Option<Destination>,
    /// Print the final prediction with the saved paths as JSON, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the prediction as JSON beside each file: fox.webp.json
    #[arg(long)]
    pub(crate) sidecar: bool,
    /// Stop waiting after this long, such as 90s or 5m; downloads are extra
    #[arg(long, value_name = "DURATION", value_parser = value::duration, default_value = "15m")]
    pub(crate) timeout: Duration,
    /// Download files also from private networks and this machine; the service then chooses
    /// what is fetched there
    #[arg(long)]
    pub(crate) allow_private_files: bool,
}

/// Which service, with which key.
#[derive(Args)]
pub(crate) struct Service {
    /// The API key, instead of COMETAPI_KEY or the stored one; process lists show this flag
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Base URL of the service, instead of COMETAPI_BASE_URL; by default https://api.cometapi.com
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Use the base URL as it stands, without appending /replicate/v1 where it has no path
    #[arg(long)]
    pub(crate) base_url_as_is: bool,
    /// Send the key over plain http to another machine
    #[arg(long)]
    pub(crate) allow_http: bool,
}

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
