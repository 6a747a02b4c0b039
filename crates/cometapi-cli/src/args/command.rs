//! What each command takes.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use cometapi::wire::PredictionId;

use super::ledger::LedgerPlace;
use super::shared::{Outputs, Service, What};

const PAIRS_HELP: &str = "\
Values: JSON where it parses as JSON, text otherwise; `prompt` is always text.
  key=value    steps=4, go_fast=false, aspect_ratio=16:9, prompt=1984
  key:=JSON    always JSON: size:='[1,2]', note:='\"@text\"'
  key=@FILE    the content of a file: UTF-8 text as text, anything else as a data URI

Known models (`cometapi models`): a value is read as what its field takes, a list \
grows by each input_images=@FILE, the input is checked before it is sent, and each \
field is a flag, too: --aspect-ratio 16:9. To see the fields of one, name it before \
--help.";

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
    pub(crate) ledger: LedgerPlace,
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
    pub(crate) ledger: LedgerPlace,
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
    /// The predictions' ids
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(crate) ids: Vec<PredictionId>,
    /// Every prediction in the ledger that was created and has not ended
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
Any other model runs as well, its input unchecked. What the fields of one take:
  cometapi run OWNER/NAME --help")]
pub(crate) struct Models {
    /// Print everything that is known of them as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Schema {
    /// The model, such as black-forest-labs/flux-schnell
    // Not a `ModelRef`: what is no name of a model is near to one, too.
    #[arg(value_name = "OWNER/NAME")]
    pub(crate) model: String,
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

#[derive(Args)]
#[command(after_help = "\
In the file that the shell reads when it starts:
  bash        source <(cometapi completions bash)
  zsh         source <(cometapi completions zsh)      # after compinit
  fish        cometapi completions fish | source
  powershell  cometapi completions powershell | Out-String | Invoke-Expression
  elvish      eval (cometapi completions elvish | slurp)")]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
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
    /// Write every page into this folder, made if need be
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
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
