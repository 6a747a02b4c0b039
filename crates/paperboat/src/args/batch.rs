//! What the commands on many predictions take.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]
#![expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as people set it"
)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};
use cometapi::ModelRef;

use super::destination::Destination;
use super::ledger::LedgerAddress;
use super::money::Money;
use super::shared::{LedgerPlace, Service};
use super::topics::codes_of_batch;
use super::value;

const ROWS_HELP: &str = concat!("\
Rows:
  JSONL  {\"model\": \"OWNER/NAME\", \"input\": {\"prompt\": \"a red fox\"}}
         or flat: {\"prompt\": \"a red fox\", \"seed\": 7}, with --model
         or all of them in one JSON list; \"labels\": {\"client\": \"ACME\"} is kept and not sent
  CSV    a column per field, named in the first line; an empty cell is not sent
         separated by commas, semicolons or tabs; a quote in a quoted cell is doubled
         Aspect Ratio is aspect_ratio; other columns of a known model are labels
  TXT    one prompt a line, with --model

A row for each image of a folder:
  paperboat batch --each photos \"as a watercolor\" --model flux-kontext-pro -o out

In a field that takes an image, @photo.jpg is a file beside the rows. KEY=VALUE is for rows that lack the \
field; seed=1..20 runs each of them with every seed, and the row fox becomes fox-1 to fox-20. With \
--repeat, its number follows.

A row's `id` identifies it and names its files. Rows without one are identified by their \
content, so lines may be moved, added and removed. A file in the folder, .cometapi-batch, \
identifies the batch, so the folder can be moved; with --batch a name does.

The folder gets an index, index.csv and index.jsonl: a line for each file, and for each row without one; \
and failed.csv, with the rows that failed: edit it, and run it with --retry-failed --update.

Every row is checked before the first prediction is created. The same command, run again, does \
what is missing: it skips finished rows, waits for running ones and creates the others. Rows \
that were refused are sent again; predictions that failed are created again only with --retry-failed.

Ctrl-C stops creating and waits for running predictions; a second Ctrl-C leaves at once. SIGTERM \
and SIGHUP stop creating, wait up to 8 s for responses to create requests, and leave running \
predictions to the next start. ", codes_of_batch!(), "

--max-cost is for the batch in all its runs: what was spent and what is in flight never exceed it. What \
failed is not counted, what is unresolved is. With --no-ledger, it is for this run.");

#[derive(Args)]
#[command(
    after_long_help = ROWS_HELP,
    override_usage = "paperboat batch [OPTIONS] -o <DIR> [FILE|-] [PROMPT|KEY=VALUE]..."
)]
pub(crate) struct Batch {
    /// The rows, or - for stdin
    #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath, required_unless_present = "each")]
    pub(crate) file: Option<PathBuf>,
    /// Fields of the rows that lack them
    ///
    /// Without a key, it is the prompt.
    #[arg(value_name = "PROMPT|KEY=VALUE")]
    pub(crate) pairs: Vec<OsString>,
    /// Instead of FILE: a row for each image
    ///
    /// A glob gives a row for each file that matches, a folder one for each image in it. A row's id
    /// is the file's path there, without its extension; two files of one id are refused.
    #[arg(long, value_name = "GLOB|DIR", value_hint = ValueHint::AnyPath)]
    pub(crate) each: Option<PathBuf>,
    /// The field for the files of --each
    ///
    /// The default is the one that takes an image.
    #[arg(long, value_name = "NAME", requires = "each", hide_short_help = true)]
    pub(crate) field: Option<String>,
    /// The model of rows that name none
    ///
    /// Known models may be named by their short names, such as flux-schnell.
    #[arg(long, value_name = "OWNER/NAME", value_parser = value::model)]
    pub(crate) model: Option<ModelRef>,
    /// Run only the rows of these ids
    ///
    /// Where a row's id holds commas, the whole of it names that row.
    #[arg(long, value_name = "ID,…", hide_short_help = true)]
    pub(crate) only: Vec<String>,
    /// Run each row N times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), hide_short_help = true)]
    pub(crate) repeat: Option<u32>,
    /// Format of the rows
    ///
    /// By default, it is detected from the file's name or its first character.
    #[arg(long, conflicts_with = "each", hide_short_help = true)]
    pub(crate) format: Option<RowFormat>,
    /// Largest size of a row in FILE
    #[arg(long, value_name = "SIZE", value_parser = value::size, default_value = "1MB", hide_short_help = true)]
    pub(crate) max_row_size: usize,
    /// Largest size of a file that a row names
    #[arg(long, value_name = "SIZE", value_parser = value::size, default_value = "256kB", hide_short_help = true)]
    pub(crate) max_file_size: usize,
    /// Scale images down to at most PIXELS on the longer side
    ///
    /// 2048 is an example. Images that are larger than that or than --max-file-size are encoded
    /// anew.
    #[arg(long, value_name = "PIXELS", value_parser = value::pixels(), hide_short_help = true)]
    pub(crate) image_max: Option<u32>,
    /// Save files in this folder
    ///
    /// It is created if needed. A template, such as out/{id}-{seed}.{ext}, names the files in it.
    /// The folder identifies the batch, unless --batch does. A name that ends in .png, or in another format
    /// of the model, sets output_format: it is a part of each row's input, so that another makes another row.
    #[arg(
        short,
        long,
        value_name = "DIR|TEMPLATE",
        value_hint = ValueHint::AnyPath,
        value_parser = OsStringValueParser::new().try_map(Destination::of_batch)
    )]
    pub(crate) output: Destination,
    /// Record URLs, save no files
    ///
    /// The service removes the files about an hour after a prediction has ended. -o still names the folder of the
    /// batch and its index.
    #[arg(long, conflicts_with_all = ["sidecar", "open"], hide_short_help = true)]
    pub(crate) no_files: bool,
    /// Identify the batch by this name instead of its folder
    #[arg(long = "batch", value_name = "NAME", hide_short_help = true)]
    pub(crate) name: Option<String>,
    /// Run at most N rows at once
    ///
    /// There are fewer while the service answers 429.
    #[arg(
        short,
        long,
        value_name = "N",
        default_value_t = 4,
        value_parser = value::jobs()
    )]
    pub(crate) jobs: u16,
    /// Have at most N predictions in flight in all processes
    ///
    /// They are those of all commands that share the ledger, at the same service. Predictions that were left running
    /// do not count. Other commands keep their own limits.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), hide_short_help = true)]
    pub(crate) max_in_flight: Option<u32>,
    /// Longest wait for a row
    ///
    /// It is written as 90s or 5m; downloads are extra.
    #[arg(long, value_name = "DURATION", value_parser = value::duration, default_value = "15m")]
    pub(crate) timeout: Duration,
    /// Create at most N new predictions
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) money: Money,
    /// Stop creating after N rows have failed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), hide_short_help = true)]
    pub(crate) max_failures: Option<u64>,
    /// Give up after this long without progress
    ///
    /// This counts while the service cannot be reached, is rate limiting, or files cannot be
    /// downloaded. If it was never reached, 30s are enough.
    #[arg(long, value_name = "DURATION", value_parser = value::duration, default_value = "10m", hide_short_help = true)]
    pub(crate) give_up_after: Duration,
    /// Create failed rows again; each is paid again
    #[arg(long)]
    pub(crate) retry_failed: bool,
    /// Create rows again whose input has changed
    ///
    /// The files of the earlier prediction are kept. Each is paid again.
    #[arg(long, hide_short_help = true)]
    pub(crate) update: bool,
    /// Create unresolved rows again
    ///
    /// They may already have been accepted, so you may pay twice.
    #[arg(long, hide_short_help = true)]
    pub(crate) retry_unresolved: bool,
    /// Skip rows that cannot be used
    #[arg(long, hide_short_help = true)]
    pub(crate) skip_bad: bool,
    /// Also fail if --skip-bad or --limit left rows out
    #[arg(long, hide_short_help = true)]
    pub(crate) strict: bool,
    /// Send rows as written
    ///
    /// They are sent even if a model looks misspelled or an input fails the check.
    #[arg(long, hide_short_help = true)]
    pub(crate) force: bool,
    /// Check the rows, print what they cost
    ///
    /// It also prints what would be done. Nothing is created or recorded.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print a line of JSON for each row
    ///
    /// The line is printed as the row ends, and nothing else is printed.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the prediction as JSON beside each file: fox.webp.json
    #[arg(long, hide_short_help = true)]
    pub(crate) sidecar: bool,
    /// Open the batch's page at the end
    ///
    /// It is index.html, and is opened with the desktop's browser.
    #[arg(long, conflicts_with = "dry_run", hide_short_help = true)]
    pub(crate) open: bool,
    /// Download files also from private networks
    ///
    /// This includes this machine; the service then chooses what is fetched there.
    #[arg(long, hide_short_help = true)]
    pub(crate) allow_private_files: bool,
    /// Run against a mock: no key and no cost
    ///
    /// The mock is inside this process; there is no network.
    #[arg(long, conflicts_with_all = ["base_url", "key"])]
    pub(crate) mock: bool,
    #[command(flatten)]
    pub(crate) ledger: LedgerPlace,
    #[command(flatten)]
    pub(crate) service: Service,
}

/// What rows are written in.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum RowFormat {
    // Without doc comments, which would make a second, longer help.
    Jsonl,
    Csv,
    Text,
}

#[derive(Args)]
pub(crate) struct List {
    /// Only unresolved predictions
    ///
    /// They may have been accepted.
    #[arg(long)]
    pub(crate) unresolved: bool,
    /// Only predictions that are not over
    ///
    /// They are being created or are running.
    #[arg(long)]
    pub(crate) running: bool,
    /// Only failed predictions
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only rows of the batch in this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) batch: Option<PathBuf>,
    /// Only predictions of this model
    #[arg(long, value_name = "OWNER/NAME", value_parser = value::model)]
    pub(crate) model: Option<ModelRef>,
    /// Only since TIME: 2h, 3days, or 2026-03-20
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<SystemTime>,
    /// Print at most N; 0 prints all
    ///
    /// The newest are first.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// Print each recorded prediction as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Accept a ledger that has lost records
    ///
    /// It continues with what it still holds.
    #[arg(long, hide_short_help = true)]
    pub(crate) accept_loss: bool,
    /// The ledger that is read
    ///
    /// The default is PAPERBOAT_LEDGER, else the one in the user's data folder.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath, value_parser = value::ledger(), hide_short_help = true)]
    pub(crate) ledger: Option<LedgerAddress>,
}

#[derive(Args)]
#[command(after_long_help = "\
Running and unresolved predictions, those of --once and the rows of batches are kept. Saved files are not touched, \
and the ledger's file keeps its size: later records use the space.")]
pub(crate) struct Prune {
    /// Remove what ended longer ago: 12h, 30d
    ///
    /// These are records of single predictions.
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    pub(crate) older_than: Duration,
    /// Print the number of removed records as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// The ledger that is read
    ///
    /// The default is PAPERBOAT_LEDGER, else the one in the user's data folder.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath, value_parser = value::ledger(), hide_short_help = true)]
    pub(crate) ledger: Option<LedgerAddress>,
}

/// A time: a duration ago, or a date.
pub(super) fn since(text: &str) -> Result<SystemTime, String> {
    let text = text.trim();
    if let Ok(ago) = humantime::parse_duration(text) {
        return SystemTime::now().checked_sub(ago).ok_or_else(|| {
            "it is before all time; write it as 2h, 3days or 2026-03-20".to_owned()
        });
    }
    let whole = format!("{text} 00:00:00");
    humantime::parse_rfc3339_weak(text)
        .or_else(|_| humantime::parse_rfc3339_weak(&whole))
        .map_err(|_| "it is not a time; write it as 2h, 3days or 2026-03-20".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_duration_ago_or_a_date() {
        let day = Duration::from_secs(24 * 60 * 60);
        assert!(since("3days").unwrap() < SystemTime::now() - day);
        let date = since("2026-03-20").unwrap();
        assert_eq!(date, since("2026-03-20T00:00:00Z").unwrap());
        assert_eq!(date + day, since("2026-03-21 00:00:00").unwrap());
        for bad in ["", "soon", "2026-13-01", "3 moons"] {
            assert!(since(bad).is_err(), "{bad}");
        }
    }
}
