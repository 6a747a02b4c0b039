//! What the commands on many predictions take.
#![expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as people set it"
)]

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum, ValueHint};
use cometapi::ModelRef;

use super::ledger::{LedgerNeeded, LedgerPlace};
use super::shared::Service;
use super::value;

const ROWS_HELP: &str = "\
Rows:
  JSONL  {\"model\": \"OWNER/NAME\", \"input\": {\"prompt\": \"a red fox\"}}
         or flat: {\"prompt\": \"a red fox\", \"seed\": 7}, with --model
         or all of them in one JSON list
  CSV    a column per field, named in the first line; an empty cell is not sent
         separated by commas, semicolons or tabs; a quote in a quoted cell is doubled

An `id` in a row names it, and its files. Without one, a row is what it holds: lines may be \
moved, added and taken out at will. The batch is named by its folder.

Every row is checked before the first is created. Given again, the same command does what is \
missing: what is done is left alone, what runs is waited for, what was never created is \
created. What failed is created again only with --retry-failed.

Ctrl-C stops creating and waits for what runs; twice leaves at once. SIGTERM and SIGHUP stop \
creating, wait up to 8 s for responses to create requests, and leave what runs to the next \
start. Exit code 0: every row succeeded; else that of the most severe error, or 4 when some are left to do.";

#[derive(Args)]
#[command(after_help = ROWS_HELP)]
pub(crate) struct Batch {
    /// The rows, or - for stdin
    #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The model of rows that name none
    #[arg(long, value_name = "OWNER/NAME", value_parser = value::model)]
    pub(crate) model: Option<ModelRef>,
    /// What the rows are; told by the file's name, or by its first character, unless given
    #[arg(long)]
    pub(crate) format: Option<RowFormat>,
    /// How long a row may be, as it is written in FILE
    #[arg(long, value_name = "SIZE", value_parser = value::size, default_value = "1MB")]
    pub(crate) max_row_size: usize,
    /// Save the files in this folder, made if need be; it names the batch
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output: PathBuf,
    /// How many rows run at once, at most; fewer while the service says 429
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
    /// Stop waiting for a row after this long, such as 90s or 5m; downloads are extra
    #[arg(long, value_name = "DURATION", value_parser = value::duration, default_value = "15m")]
    pub(crate) timeout: Duration,
    /// Create so many at most
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Stop creating once so many rows have failed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_failures: Option<u64>,
    /// Give up after this long without progress while the service cannot be reached, is rate
    /// limiting, or files cannot be downloaded; after 30s if it was never reached
    #[arg(long, value_name = "DURATION", value_parser = value::duration, default_value = "10m")]
    pub(crate) give_up_after: Duration,
    /// Create rows again whose prediction failed; each may cost again
    #[arg(long)]
    pub(crate) retry_failed: bool,
    /// Create rows again of which nobody knows whether they were accepted; each may cost twice
    #[arg(long)]
    pub(crate) retry_unresolved: bool,
    /// Go on without the rows that cannot be used
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Send inputs that do not fit what is known of their model all the same
    #[arg(long)]
    pub(crate) force: bool,
    /// Check the rows and say what there is to do; send and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do what is missing; always on
    #[arg(long, hide = true)]
    pub(crate) resume: bool,
    /// Print a line of JSON for each row as it ends, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    /// Download files also from private networks and this machine; the service then chooses
    /// what is fetched there
    #[arg(long)]
    pub(crate) allow_private_files: bool,
    /// Run against a mock inside this process: no key, no network, no cost
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
    // No texts of their own, which would make a second, longer help.
    Jsonl,
    Csv,
}

#[derive(Args)]
pub(crate) struct List {
    /// Only such of which nobody knows whether they were accepted
    #[arg(long)]
    pub(crate) unresolved: bool,
    /// Only such that are being created, or created and not ended
    #[arg(long)]
    pub(crate) running: bool,
    /// Only such that ended otherwise than well
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only those of this model
    #[arg(long, value_name = "OWNER/NAME", value_parser = value::model)]
    pub(crate) model: Option<ModelRef>,
    /// Only those begun since: 2h, 3days, or 2026-03-20
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<SystemTime>,
    /// How many at most, newest first; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// Print a line of JSON for each, with all that is written down
    #[arg(long)]
    pub(crate) json: bool,
    /// Accept a ledger whose records were lost: what it still holds is all there is from now on
    #[arg(long)]
    pub(crate) accept_loss: bool,
    #[command(flatten)]
    pub(crate) ledger: LedgerNeeded,
}

/// A moment: so long ago, or a date.
fn since(text: &str) -> Result<SystemTime, String> {
    let text = text.trim();
    if let Ok(ago) = humantime::parse_duration(text) {
        return SystemTime::now()
            .checked_sub(ago)
            .ok_or_else(|| "is before all time".to_owned());
    }
    let whole = format!("{text} 00:00:00");
    humantime::parse_rfc3339_weak(text)
        .or_else(|_| humantime::parse_rfc3339_weak(&whole))
        .map_err(|_| "is no time; write it as 2h, 3days or 2026-03-20".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_so_long_ago_or_a_date() {
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
