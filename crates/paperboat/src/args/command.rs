//! What each command takes.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use cometapi::wire::PredictionId;
use cometapi_mock::{Pace, Price};

use super::fault::{FaultParser, FaultShare};
use super::money::Money;
use super::shared::{Key, LedgerPlace, Outputs, SentFiles, Service, What};
use super::value;

const PAIRS_HELP: &str = "\
Values are JSON if they parse as JSON, else strings; `prompt` is always a string.
  \"a red fox\"  an argument that is not key=value is the prompt
  key=value    steps=4, go_fast=false, aspect_ratio=16:9, prompt=1984
  key:=JSON    always JSON: size:='[1,2]', note:='\"@text\"'
  key=@FILE    the content of a file: UTF-8 text as text, anything else as a data URI;
               @- is stdin, and so is prompt=-
  seed=1..20   each of these whole numbers, in a prediction of its own (run and again)

For known models (`paperboat models`), values are read as the type of their field, each \
input_images=@FILE adds to the list, the input is checked before it is sent, and each \
field is also a flag: --aspect-ratio 16:9, --go-fast, --no-go-fast, -n 2. Choices may be in \
capitals, and jpeg is jpg. To see the fields of a model, name it before --help.

If no prompt is given, known models take it from stdin, where that is a pipe or a file: echo \
\"a red fox\" | paperboat run flux-schnell. If one is given, stdin is left alone. In a loop over \
stdin, give the prompt, or add </dev/null.";

#[derive(Args)]
#[command(after_help = PAIRS_HELP)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// How a prediction is run.
#[derive(Args)]
pub(crate) struct RunOptions {
    /// Create N predictions of the input, and save the files of each
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        hide_default_value = true,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub(crate) repeat: u32,
    #[command(flatten)]
    pub(crate) key: Key,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
    #[command(flatten)]
    pub(crate) money: Money,
    /// Check the input and print what would be sent and what it costs; create and record nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Run against a mock inside this process: no key, no network, no cost
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
ledger does not know is looked up at the service, which shows inputs for about an hour.

Examples:
  paperboat again fox.webp \"a blue fox\"
  paperboat again q4chw5rey9rmt0cww76t4h3ma4 seed=1..4 -o foxes";

#[derive(Args)]
#[command(after_help = AGAIN_HELP)]
pub(crate) struct Again {
    /// The prediction's id, or a file that was saved of it
    #[arg(value_name = "ID|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) prediction: OsString,
    /// Another prompt as one argument, and other changes of the input as pairs
    #[arg(value_name = "PROMPT|KEY=VALUE")]
    pub(crate) pairs: Vec<String>,
    /// Send the input as written, even if it fails the check
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) files: SentFiles,
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

#[derive(Args)]
#[command(after_help = PAIRS_HELP)]
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
    /// Print a curl command that creates it once more, from any machine; it costs as much again
    #[arg(long, conflicts_with = "json")]
    pub(crate) curl: bool,
    /// The ledger, instead of PAPERBOAT_LEDGER or the one in the user's data folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ledger: Option<PathBuf>,
}

#[derive(Args)]
#[command(mut_arg("output", |arg| arg.help(
    "Save files and text in this folder, or under this name: fox.png, out/{seed}.{ext}; - is stdout. \
     Without it, where -o was to save them when the prediction was created, or else files go to the \
     current folder and text to stdout"
)))]
pub(crate) struct Wait {
    /// The predictions' ids
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(crate) ids: Vec<PredictionId>,
    /// Wait for every prediction in the ledger that is still running
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
#[command(after_help = "\
The models are those that this version knows, not those that the service has today. Any other \
OWNER/NAME runs as well; its input is not checked. A name without its owner is enough where one \
known model has it.

Examples:
  paperboat models kontext          the models of this name
  paperboat models edit image       those with both words in name, description or fields
  paperboat models flux-schnell     one model with its fields
  paperboat run flux-schnell --help")]
pub(crate) struct Models {
    /// Show only models with all of these words in their name, description, kind of output or
    /// fields; a single one is shown with its fields
    pub(crate) words: Vec<String>,
    /// Print the models and their fields as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Schema {
    /// The model, such as black-forest-labs/flux-schnell, or flux-schnell for short
    // Not a `ModelRef`: a model has to be known, whatever its name.
    #[arg(value_name = "OWNER/NAME")]
    pub(crate) model: String,
}

#[derive(Args)]
#[command(after_help = "\
GET / of the mock lists its endpoints with a curl command for each. Every request is a line on \
stderr: method, path, status, duration.

It also serves the account: prices, balance and tasks, which follow the predictions made there.

Examples:
  paperboat mock --fault bad-gateway-page:0.1       every tenth response is an error page
  paperboat mock --price flux-dev=0.03 --balance 1  enough for 33 predictions")]
pub(crate) struct Mock {
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) bind: IpAddr,
    /// Wrap predictions in the gateway's task envelope
    #[arg(long)]
    pub(crate) wrapped: bool,
    /// Accept this key alone; by default, every key that is not empty
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// How long predictions run, such as 5s; `instant` ends them at the first poll
    #[arg(long, value_name = "DURATION", value_parser = value::pace, default_value = "1200ms")]
    pub(crate) pace: Pace,
    /// Delay every response by this long, such as 300ms
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    pub(crate) latency: Option<Duration>,
    /// Inject a fault into this share of the requests, 0 to 1; without SHARE, into all of them.
    /// Repeat it for more faults; the first one drawn is used
    #[arg(long, value_name = "NAME[:SHARE]", value_parser = FaultParser)]
    pub(crate) fault: Vec<FaultShare>,
    /// What a prediction of this model costs on the mock, in dollars; repeat it for more models.
    /// By default, known models have made-up prices, and any other costs nothing
    #[arg(long, value_name = "MODEL=USD", value_parser = value::price)]
    pub(crate) price: Vec<(String, Price)>,
    /// What the mock's account has at the start, in dollars; a prediction that costs more than
    /// what is left is refused. By default, 100 dollars and nothing is refused
    #[arg(long, value_name = "USD", value_parser = value::balance)]
    pub(crate) balance: Option<String>,
    /// Seed of ids, images and injected faults; by default random
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

#[derive(Args)]
#[command(after_help = "\
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
    /// Write the script to the user's folder for completions of this shell, and print its path
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
#[command(after_help = "\
Examples:
  paperboat man                         the page of paperboat itself
  paperboat man batch                   the page of a command
  paperboat man --write ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// The command; without one, the page of paperboat itself
    #[arg(value_name = "COMMAND")]
    pub(crate) page: Option<String>,
    /// Write every page into this folder, creating it if needed, instead of printing one
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
