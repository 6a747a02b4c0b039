//! The command line, as a person types it.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]
#![allow(rustdoc::bare_urls, reason = "these texts are read in a terminal")]

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use cometapi::ModelRef;
use cometapi::wire::PredictionId;

// Nothing here is `Debug`: a key may be in it.

/// Run image models on CometAPI: create, keep the id, wait, bring the pictures home.
#[derive(Parser)]
#[command(name = "cometapi", version, max_term_width = 92, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Without a key and without cost:
  cometapi run --mock black-forest-labs/flux-schnell prompt='a red fox' -o out

Exit codes:
    0  succeeded
    1  anything else
    2  usage, or refused before anything was sent
    3  the prediction failed, was canceled or aborted
    4  stopped waiting; `cometapi wait ID` goes on
    5  the key was refused
    6  rate limited or out of quota
    7  a create may have been accepted; nothing was sent again
    8  the outputs are gone
  130  stopped waiting by ctrl-c

stdout is data, stderr is talk. Environment: COMETAPI_KEY, COMETAPI_BASE_URL.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a model to the end and save its files
    Run(Run),
    /// Start a run, print its id, and leave
    Create(Create),
    /// Look once at a prediction
    Get(Get),
    /// Wait for a prediction to end and save its files
    Wait(Wait),
    /// Serve a mock of the service on this machine
    Mock(Mock),
}

const PAIRS_HELP: &str = "\
Values: JSON where it parses as JSON, text otherwise; `prompt` is always text.
  key=value    steps=4, go_fast=false, aspect_ratio=16:9, prompt=1984
  key:=JSON    always JSON: size:='[1,2]', note:='\"@text\"'
  key=@FILE    the content of a file: text as text, anything else as a data URI";

#[derive(Args)]
#[command(after_help = PAIRS_HELP)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
    /// Run against a mock inside this process: no key, no network, no cost
    #[arg(long, conflicts_with_all = ["base_url", "key"])]
    pub(crate) mock: bool,
    #[command(flatten)]
    pub(crate) service: Service,
}

#[derive(Args)]
#[command(after_help = PAIRS_HELP)]
pub(crate) struct Create {
    #[command(flatten)]
    pub(crate) what: What,
    /// Print the prediction as JSON instead of its id
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: Service,
}

#[derive(Args)]
pub(crate) struct Get {
    /// The prediction's id
    pub(crate) id: PredictionId,
    /// Print the prediction as JSON instead of its status and addresses
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: Service,
}

#[derive(Args)]
pub(crate) struct Wait {
    /// The prediction's id
    pub(crate) id: PredictionId,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
    #[command(flatten)]
    pub(crate) service: Service,
}

#[derive(Args)]
pub(crate) struct Mock {
    /// The port to serve on; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// The address to serve on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) bind: IpAddr,
    /// Answer polls in the gateway's task envelope
    #[arg(long)]
    pub(crate) wrapped: bool,
}

/// Which model, on what input.
#[derive(Args)]
pub(crate) struct What {
    /// The model, such as black-forest-labs/flux-schnell
    #[arg(value_name = "OWNER/NAME")]
    pub(crate) model: ModelRef,
    /// The model's input, field by field
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) pairs: Vec<String>,
    /// Read input fields from a JSON object in FILE, or from stdin (-); pairs win over it
    #[arg(long, value_name = "FILE|-")]
    pub(crate) input: Option<PathBuf>,
}

/// What becomes of the outcome.
#[derive(Args)]
pub(crate) struct Outputs {
    /// Save the files in this folder, made if need be
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub(crate) output: PathBuf,
    /// Print the final prediction with the saved paths as JSON, and nothing else
    #[arg(long)]
    pub(crate) json: bool,
    /// Stop waiting after this long, such as 90s or 5m; downloads are extra
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "15m",
          allow_negative_numbers = true)]
    pub(crate) timeout: Duration,
}

/// Which service, with which key.
#[derive(Args)]
pub(crate) struct Service {
    /// The key, in place of COMETAPI_KEY; better kept there, where no process list shows it
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Where the service is, in place of COMETAPI_BASE_URL and https://api.cometapi.com
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Send the key over plain http to another machine
    #[arg(long)]
    pub(crate) allow_http: bool,
}

/// `90s`, `5m`, `1h 30m`, or a plain number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.trim().parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string()),
        Err(_) => humantime::parse_duration(text).map_err(|e| e.to_string()),
    };
    match parsed {
        Ok(duration) if duration.is_zero() => Err("must be longer than nothing".to_owned()),
        result => result.map_err(|e| format!("{e}; write it as 90s, 5m or 1h30m")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_argument_is_documented() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let (command, id) = (command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "{command}: {id}");
            }
        }
    }

    #[test]
    fn durations_are_read_in_units_or_seconds() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            (" 2m ", 120),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "0", "0s", "-1", "soon", "1e400"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
