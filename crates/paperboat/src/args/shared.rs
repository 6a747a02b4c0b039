//! What several commands take.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]
#![allow(rustdoc::bare_urls, reason = "these texts are read in a terminal")]

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueHint};
use cometapi::ModelRef;

use super::destination::Destination;
use super::ledger::LedgerAddress;
use super::value;

/// Which model, on what input.
#[derive(Args)]
pub(crate) struct What {
    /// The model: see `paperboat models`
    ///
    /// black-forest-labs/flux-schnell is an example; flux-schnell is its short name.
    #[arg(value_name = "OWNER/NAME", value_parser = value::model)]
    pub(crate) model: ModelRef,
    /// The prompt, and other fields of the input
    ///
    /// The prompt is one argument; other fields of the model's input are pairs.
    #[arg(value_name = "PROMPT|KEY=VALUE")]
    pub(crate) pairs: Vec<String>,
    /// Read input fields from a JSON object
    ///
    /// It is read from FILE, or from stdin (-); pairs win over it.
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(crate) input: Option<PathBuf>,
    /// Send model and input as written
    ///
    /// They are sent even if the name looks misspelled or the input fails the check.
    #[arg(long, hide_short_help = true)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) files: SentFiles,
}

/// What may be sent of files.
#[derive(Args, Clone, Copy)]
pub(crate) struct SentFiles {
    /// Largest size of a file that is sent inside the request
    #[arg(long, value_name = "SIZE", value_parser = value::size, default_value = "256kB", hide_short_help = true)]
    pub(crate) max_file_size: usize,
    /// Scale images down to at most PIXELS on the longer side
    ///
    /// 2048 is an example. Images that are larger than that or than --max-file-size are encoded
    /// anew.
    #[arg(long, value_name = "PIXELS", value_parser = value::pixels(), hide_short_help = true)]
    pub(crate) image_max: Option<u32>,
}

/// Which prediction it is, when the same command is run again.
#[derive(Args)]
pub(crate) struct Key {
    /// Create the prediction at most once for this NAME
    ///
    /// This holds for all processes: run again, the command continues with the prediction of that
    /// name or prints its files.
    #[arg(long, value_name = "NAME", conflicts_with = "no_ledger", value_parser = value::key)]
    pub(crate) once: Option<String>,
    /// With --once: create an unresolved prediction again
    ///
    /// It may already have been accepted, so you may pay twice.
    #[arg(long, requires = "once", hide_short_help = true)]
    pub(crate) retry_unresolved: bool,
}

/// The help of `-o` for predictions that were created before.
pub(super) const SAVED_LATER: &str = "\
Save in this folder or under this name

A folder is created if needed. A name is a file's, such as fox.png, or a template, such as \
out/{seed}.{ext}; - is stdout. By default, files are saved where -o was to save them when the prediction \
was created; else they go to the current folder, and text to stdout.";

/// What becomes of the outcome.
#[derive(Args)]
pub(crate) struct Outputs {
    /// Save in this folder or under this name
    ///
    /// A folder is created if needed. A name is a file's, such as fox.png, or a template, such as
    /// out/{seed}.{ext}; - is stdout. One that ends in .png, or in another format of the model, sets
    /// output_format. By default, files go to the current folder and text to
    /// stdout.
    #[arg(
        short,
        long,
        value_name = "DIR|NAME|-",
        value_hint = ValueHint::AnyPath,
        value_parser = OsStringValueParser::new().try_map(Destination::read)
    )]
    pub(crate) output: Option<Destination>,
    /// Print the prediction and the saved paths as JSON
    ///
    /// It prints the final prediction, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the prediction as JSON beside each file: fox.webp.json
    #[arg(long, hide_short_help = true)]
    pub(crate) sidecar: bool,
    #[command(flatten)]
    pub(crate) look: Look,
    /// Stop waiting after this long
    ///
    /// It is written as 90s or 5m; downloads are extra.
    #[arg(long, value_name = "DURATION", value_parser = value::duration, default_value = "15m")]
    pub(crate) timeout: Duration,
    /// Download files also from private networks
    ///
    /// This includes this machine; the service then chooses what is fetched there.
    #[arg(long, hide_short_help = true)]
    pub(crate) allow_private_files: bool,
}

/// How saved files are looked at.
#[derive(Args, Clone, Copy, Default)]
pub(crate) struct Look {
    /// Draw each saved image in the terminal
    ///
    /// Where stdout is no terminal, nothing is drawn.
    #[arg(long, conflicts_with = "json", hide_short_help = true)]
    pub(crate) show: bool,
    /// Open the saved files
    ///
    /// The desktop's programs open them. Of more than 10 files, their folder is opened.
    #[arg(long, hide_short_help = true)]
    pub(crate) open: bool,
}

/// Which service, with which key.
#[derive(Args)]
pub(crate) struct Service {
    /// The API key, instead of COMETAPI_KEY or the stored one
    ///
    /// Process lists show this flag.
    #[arg(long, value_name = "KEY", hide_short_help = true)]
    pub(crate) key: Option<String>,
    /// Base URL of the service, instead of COMETAPI_BASE_URL
    ///
    /// The default is https://api.cometapi.com.
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub(crate) base_url: Option<String>,
    /// Use the base URL as it stands
    ///
    /// Without this flag, /replicate/v1 is appended where it has no path.
    #[arg(long, hide_short_help = true)]
    pub(crate) base_url_as_is: bool,
    /// Send the key over plain http to another machine
    #[arg(long, hide_short_help = true)]
    pub(crate) allow_http: bool,
}

/// Where predictions are recorded.
#[derive(Args)]
pub(crate) struct LedgerPlace {
    /// Record predictions in this ledger
    ///
    /// It is a file, or a PostgreSQL database: postgres://USER@HOST/DATABASE. The default is PAPERBOAT_LEDGER, else the one in the user's data folder.
    #[arg(long, value_name = "FILE|URL", conflicts_with = "no_ledger", value_hint = ValueHint::FilePath, value_parser = value::ledger(), hide_short_help = true)]
    pub(crate) ledger: Option<LedgerAddress>,
    /// Do not record predictions
    ///
    /// If this process dies, they cannot be resumed.
    #[arg(long, hide_short_help = true)]
    pub(crate) no_ledger: bool,
}
