//! What the commands take that set a service up and check it.
#![expect(clippy::doc_markdown, reason = "these comments are printed as help")]
#![allow(rustdoc::bare_urls, reason = "these texts are read in a terminal")]

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use cometapi::ModelRef;

use super::shared::{LedgerPlace, Service};
use super::value;

#[derive(Args)]
#[command(after_long_help = "\
The key is read from a prompt that does not show it, or from the first line of stdin:
  paperboat login
  pass show cometapi | paperboat login

It is stored in credentials.toml, in the folder paperboat of the user's folder for configuration, \
such as ~/.config; only the user may read the file. It is sent only to the service that it was \
stored for. A key of the environment is used instead of it.")]
pub(crate) struct Login {
    /// A key that is given as an argument, to be refused without showing it
    #[arg(hide = true)]
    pub(crate) argument: Vec<OsString>,
    /// Store the account's access token instead
    ///
    /// Only the account's task list needs one; nothing else is stored.
    #[arg(long)]
    pub(crate) access_token: bool,
    /// Base URL of the service that it is for
    ///
    /// The default is COMETAPI_BASE_URL, else https://api.cometapi.com.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
}

#[derive(Args)]
pub(crate) struct Logout {
    /// Base URL of the service whose secrets are removed
    ///
    /// The default is COMETAPI_BASE_URL, else https://api.cometapi.com.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
}

#[derive(Args)]
#[command(after_long_help = "\
Each check is a line of stdout: ok, warning, failed with the next step, or skipped. Nothing costs \
anything, unless --smoke is given. To see whether the key is accepted, a prediction that does not \
exist is polled.

The exit code is 0 if nothing failed, 5 if the key was refused, and 1 if anything else failed. A \
smoke request that fails ends with the code that it has as `run`.")]
pub(crate) struct Doctor {
    /// Print the checks as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Longest time of a request
    ///
    /// It is written as 3s.
    #[arg(long, value_name = "DURATION", value_parser = value::duration, default_value = "10s")]
    pub(crate) timeout: Duration,
    /// Also create a small prediction, which costs money
    ///
    /// It does so if nothing failed, and asks first.
    #[arg(long)]
    pub(crate) smoke: bool,
    /// With --smoke: the model of the prediction
    #[arg(
        long,
        value_name = "OWNER/NAME",
        value_parser = value::model,
        default_value = "black-forest-labs/flux-schnell",
        requires = "smoke",
        hide_short_help = true
    )]
    pub(crate) model: ModelRef,
    /// With --smoke: create the prediction without asking
    #[arg(long, requires = "smoke")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) ledger: LedgerPlace,
    #[command(flatten)]
    pub(crate) service: Service,
}
