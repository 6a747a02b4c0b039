//! What each command takes.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use cometapi::wire::PredictionId;
use cometapi_mock::{Pace, Price};

use super::fault::{self, FaultParser, FaultShare};
use super::ledger::LedgerAddress;
use super::money::Money;
use super::shared::{Key, LedgerPlace, Outputs, SAVED_LATER, SentFiles, Service, What};
use super::value;

#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// How a prediction is run.
#[derive(Args)]
pub(crate) struct RunOptions {
    /// Create N predictions of the input
    ///
    /// The files of each are saved.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub(crate) repeat: u32,
    /// Run at most N at once
    ///
    /// This counts where there are several predictions. There are fewer while the service answers
    /// 429.
    #[arg(
        short,
        long,
        value_name = "N",
        default_value_t = 4,
        value_parser = value::jobs(),
        hide_short_help = true
    )]
    pub(crate) jobs: u16,
    /// Create the prediction, and print its id
    ///
    /// It is not waited for, as with `create`.
    #[arg(
        long,
        conflicts_with_all = ["mock", "sidecar", "show", "open", "timeout"],
        hide_short_help = true
    )]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) key: Key,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
    #[command(flatten)]
    pub(crate) money: Money,
    /// Print what would be sent, and its cost
    ///
    /// The input is checked. Nothing is created or recorded.
    #[arg(long, conflicts_with_all = ["open", "show", "no_wait"])]
    pub(crate) dry_run: bool,
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

const AGAIN_HELP: &str = "\
Model and input are those of the prediction in the ledger, with the changes that KEY=VALUE makes; seed= \
leaves a field out. What was not given then, such as a random seed, is another now. A prediction that the \
ledger does not know is looked up at the service, which shows inputs for about an hour.";

#[derive(Args)]
#[command(after_long_help = AGAIN_HELP)]
pub(crate) struct Again {
    /// The prediction's id, or a file that was saved of it
    #[arg(value_name = "ID|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) prediction: OsString,
    /// Another prompt, and other changes of the input
    ///
    /// The prompt is one argument; other changes are pairs.
    #[arg(value_name = "PROMPT|KEY=VALUE")]
    pub(crate) pairs: Vec<String>,
    /// Send the input as written, even if it fails the check
    #[arg(long, hide_short_help = true)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) files: SentFiles,
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) key: Key,
    /// Print the prediction as JSON instead of its id
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) ledger: LedgerPlace,
    #[command(flatten)]
    pub(crate) service: Service,
}

#[derive(Args)]
pub(crate) struct Get {
    /// The prediction's id
    pub(crate) id: PredictionId,
    /// Print the prediction as JSON instead of its status and URLs
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: Service,
}

#[derive(Args)]
pub(crate) struct Show {
    /// The prediction's id, or a file that was saved of it
    #[arg(value_name = "ID|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) prediction: OsString,
    /// Print what is recorded as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print a curl command that creates it once more
    ///
    /// It works on any machine, and costs as much again.
    #[arg(long, conflicts_with = "json")]
    pub(crate) curl: bool,
    /// The ledger that is read
    ///
    /// The default is PAPERBOAT_LEDGER, else the one in the user's data folder.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath, value_parser = value::ledger(), hide_short_help = true)]
    pub(crate) ledger: Option<LedgerAddress>,
}

#[derive(Args)]
pub(crate) struct Open {
    /// The prediction's id, a saved file, or a folder
    ///
    /// The default is the newest prediction with files.
    #[arg(value_name = "ID|FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub(crate) prediction: Option<OsString>,
    /// The ledger that is read
    ///
    /// The default is PAPERBOAT_LEDGER, else the one in the user's data folder.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath, value_parser = value::ledger())]
    pub(crate) ledger: Option<LedgerAddress>,
}

#[derive(Args)]
#[command(after_long_help = "\
It starts a mock of the service and runs commands against it, each as it would be typed: a prediction, \
another like it, a batch, the list. Their files and records stay in the folder, apart from yours.")]
pub(crate) struct Demo {
    /// The folder for its files, which must not exist yet
    #[arg(
        short,
        long,
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        default_value = "paperboat-demo"
    )]
    pub(crate) output: PathBuf,
}

#[derive(Args)]
#[command(mut_arg("output", |arg| arg.long_help(SAVED_LATER)))]
pub(crate) struct Wait {
    /// The predictions' ids
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(crate) ids: Vec<PredictionId>,
    /// Wait for every prediction that is still running
    ///
    /// These are the predictions in the ledger.
    #[arg(long, conflicts_with_all = ["ids", "no_ledger"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
    #[command(flatten)]
    pub(crate) ledger: LedgerPlace,
    #[command(flatten)]
    pub(crate) service: Service,
}

#[derive(Args)]
#[command(after_long_help = "\
The models are those that this version knows, not those that the service has today. Any other \
OWNER/NAME runs as well; its input is not checked. A name without its owner is enough where one \
known model has it.")]
pub(crate) struct Models {
    /// Show only models with all of these words
    ///
    /// The words may be in name, description, kind of output or fields. A single model is shown
    /// with its fields.
    pub(crate) words: Vec<String>,
    /// Print the models and their fields as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Schema {
    /// The model: see `paperboat models`
    ///
    /// black-forest-labs/flux-schnell is an example; flux-schnell is its short name.
    // Not a `ModelRef`: a model has to be known, whatever its name.
    #[arg(value_name = "OWNER/NAME")]
    pub(crate) model: String,
}

#[derive(Args)]
#[command(after_long_help = "\
GET / of the mock lists its endpoints with a curl command for each. Every request is a line on \
stderr: method, path, status, duration.

It also serves the account: prices, balance and tasks, which follow the predictions made there.")]
pub(crate) struct Mock {
    /// Port to listen on; 0 picks one
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) bind: IpAddr,
    /// Wrap predictions in the gateway's task envelope
    #[arg(long)]
    pub(crate) wrapped: bool,
    /// Accept this key alone
    ///
    /// By default, every key that is not empty is accepted.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// How long predictions run
    ///
    /// It is written as 5s; `instant` ends them at the first poll.
    #[arg(long, value_name = "DURATION", value_parser = value::pace, default_value = "1200ms")]
    pub(crate) pace: Pace,
    /// Delay every response by this long, such as 300ms
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    pub(crate) latency: Option<Duration>,
    /// Inject a fault into a share of the requests
    #[arg(
        long,
        value_name = "NAME[:SHARE]",
        value_parser = FaultParser,
        hide_possible_values = true,
        long_help = fault::help()
    )]
    pub(crate) fault: Vec<FaultShare>,
    /// What a prediction of this model costs there
    ///
    /// The price is in US dollars; repeat the flag for more models. By default, known models have
    /// made-up prices, and others cost nothing.
    #[arg(long, value_name = "MODEL=USD", value_parser = value::price)]
    pub(crate) price: Vec<(String, Price)>,
    /// What the mock's account has at the start
    ///
    /// The amount is in US dollars; a prediction that costs more than what is left is refused. By
    /// default, it is 100 dollars and nothing is refused.
    #[arg(long, value_name = "USD", value_parser = value::balance)]
    pub(crate) balance: Option<String>,
    /// Seed of ids, images and faults; by default random
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

#[derive(Args)]
#[command(after_long_help = "\
With --install, the script is written to where the shell looks for it (bash, zsh and fish). For the \
others, or to try it, add to your shell's startup file:
  bash        source <(paperboat completions bash)
  zsh         source <(paperboat completions zsh)      # after compinit
  fish        paperboat completions fish | source
  powershell  paperboat completions powershell | Out-String | Invoke-Expression
  elvish      eval (paperboat completions elvish | slurp)")]
pub(crate) struct Completions {
    /// The shell; by default the one of SHELL
    pub(crate) shell: Option<Shell>,
    /// Write the script to where the shell looks for it
    ///
    /// That is the user's folder for completions of this shell; the path is printed.
    #[arg(long)]
    pub(crate) install: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

#[derive(Args)]
pub(crate) struct Man {
    /// The command; without one, the page of paperboat itself
    #[arg(value_name = "COMMAND")]
    pub(crate) page: Option<String>,
    /// Write every page into this folder
    ///
    /// It is created if needed; no page is printed.
    #[arg(long, value_name = "DIR", conflicts_with = "page", value_hint = ValueHint::DirPath)]
    pub(crate) write: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Complete {
    /// The word so far, up to the cursor
    #[arg(long)]
    pub(crate) word: String,
    /// The words before it, from the name of the command on
    #[arg(last = true)]
    pub(crate) before: Vec<String>,
}
