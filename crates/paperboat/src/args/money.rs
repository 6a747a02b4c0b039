//! What commands take that have to do with money.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]

use clap::{Args, ValueHint};
use cometapi::wire::PredictionId;
use cometapi_batch::Usd;

use super::ledger::LedgerAddress;
use super::shared::{Outputs, SAVED_LATER, Service};
use super::value;

/// What predictions may cost.
#[derive(Args)]
pub(crate) struct Money {
    /// Spend at most this many US dollars
    ///
    /// Prices are those of the service's list: see `paperboat prices`.
    #[arg(long, value_name = "USD", value_parser = value::dollars)]
    pub(crate) max_cost: Option<Usd>,
    /// What a prediction costs if its price is not known
    ///
    /// The price is in US dollars, and counts where the service lists none for the model, or its list cannot
    /// be read.
    #[arg(long, value_name = "USD", value_parser = value::dollars, hide_short_help = true)]
    pub(crate) assume_price: Option<Usd>,
}

#[derive(Args)]
#[command(after_long_help = "\
Prices are those of the service's list, per prediction, before and after the discount that it names. \
They are kept for an hour. It is not known whether the service charges the discounted price, so limits \
count the higher one.")]
pub(crate) struct Prices {
    /// Only this model: see `paperboat models`
    ///
    /// black-forest-labs/flux-schnell is an example; flux-schnell is its short name.
    #[arg(value_name = "OWNER/NAME", value_parser = value::model)]
    pub(crate) model: Option<cometapi::ModelRef>,
    /// Print the prices as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) service: Service,
}

const RESOLVE_HELP: &str = "\
The account's tasks say what was submitted. A task that the ledger does not know, that was submitted \
while the request was in flight, and that has its model and input is its prediction, if no other may \
be: its id is recorded. It is then waited for, with all others that are running, as `paperboat wait \
--all` does; files of a batch go to its folder. Anything else is left to you. The service shows \
inputs for about an hour; after that, only model and time are left.

It needs an access token, which is not the API key: create one at \
https://www.cometapi.com/console/personal, then run `paperboat login --access-token` or set \
COMETAPI_ACCESS_TOKEN. Without one, look for the request among the account's tasks on \
https://www.cometapi.com/console, then use --adopt or --not-created with --force.

With --json, each prediction is a line with its `number`, the `finding` (adopted, candidates, absent, \
unproven, settled, not_created or unknown) and the `candidates`; each one that was waited for is \
another, as `paperboat batch --json` prints it.

The exit code is 0 if nothing is unresolved any more, else 7, or that of the most severe error.";

#[derive(Args)]
#[command(after_long_help = RESOLVE_HELP)]
#[command(mut_arg("output", |arg| arg.long_help(SAVED_LATER)))]
#[command(mut_arg("json", |arg| {
    let help = "Print what is found, and how it ends, as JSON";
    arg.help(help).long_help(format!("{help}\n\nEach is a line."))
}))]
pub(crate) struct Resolve {
    /// Record that number N is this prediction
    ///
    /// N is the number of an unresolved prediction, ID the id of the one that it is.
    #[arg(long, value_name = "N=ID", value_parser = adoption)]
    pub(crate) adopt: Vec<(u64, PredictionId)>,
    /// Record that number N was not created
    ///
    /// N is the number of an unresolved prediction. It is offered where the account lists one sent before
    /// it and one sent after it, but not it.
    #[arg(long, value_name = "N")]
    pub(crate) not_created: Vec<u64>,
    /// Record what --adopt and --not-created say
    ///
    /// It is recorded even if the account's tasks do not show it.
    #[arg(long, hide_short_help = true)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
    /// The ledger that is read
    ///
    /// The default is PAPERBOAT_LEDGER, else the one in the user's data folder.
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath, value_parser = value::ledger(), hide_short_help = true)]
    pub(crate) ledger: Option<LedgerAddress>,
    #[command(flatten)]
    pub(crate) service: Service,
}

/// The number of a prediction in the ledger, and its id.
fn adoption(text: &str) -> Result<(u64, PredictionId), String> {
    let (number, id) = text
        .split_once('=')
        .ok_or("expected N=ID, as `paperboat resolve` prints it")?;
    let number = number.trim().parse();
    let number = number.map_err(|_| "expected a number before =".to_owned())?;
    let id = id.trim().parse::<PredictionId>();
    Ok((number, id.map_err(|e| e.to_string())?))
}
