//! The command line, as a person types it.

mod batch;
mod command;
mod destination;
mod fault;
pub(crate) mod field;
mod money;
mod parse;
mod setup;
mod shared;
mod value;
pub(crate) mod walk;

use clap::{Parser, Subcommand};

pub(crate) use self::batch::{Batch, List, Prune, RowFormat};
pub(crate) use self::command::{
    Again, Complete, Completions, Create, Get, Man, Mock, Models, Run, RunOptions, Schema, Shell,
    Wait,
};
pub(crate) use self::destination::Destination;
pub(crate) use self::money::{Prices, Resolve};
pub(crate) use self::parse::{command_for, parse};
pub(crate) use self::setup::{Doctor, Login, Logout};
pub(crate) use self::shared::{Key, LedgerPlace, Outputs, SentFiles, Service, What};

// Nothing here is `Debug`: a key may be in it.

/// Run image models on CometAPI: create predictions, wait for them, save their files
#[derive(Parser)]
#[command(name = "paperboat", version, max_term_width = 92, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Without a key and without cost:
  paperboat run --mock black-forest-labs/flux-schnell prompt='a red fox' -o out

Exit codes:
    0  succeeded
    1  anything else
    2  usage, or refused before anything was sent
    3  the prediction failed, was canceled or aborted
    4  stopped waiting; `paperboat wait ID` continues
    5  the key was refused
    6  rate limited or out of quota
    7  a request may have been accepted; nothing was sent again
    8  the outputs are gone
  130  ended by ctrl-c
  143  ended by SIGTERM
  129  ended by SIGHUP

stdout is data, stderr is for people.

Environment:
  COMETAPI_KEY           the API key; else COMETAPI_KEY_COMMAND, a command
                         that prints it; else that of `paperboat login`,
                         or of CometAPI's own command
  COMETAPI_ACCESS_TOKEN  the account's access token, for its task list;
                         likewise
  COMETAPI_BASE_URL      the service
  COMETAPI_ACCOUNT_URL   its account, if it is elsewhere
  PAPERBOAT_LEDGER       where predictions are recorded";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a model and save its files
    Run(Run),
    /// Run a prediction once more, with changes
    Again(Again),
    /// Create a prediction and print its id
    Create(Create),
    /// Show a prediction
    Get(Get),
    /// Wait for predictions and save their files
    Wait(Wait),
    /// Run each row of a file once, however often the command is started
    Batch(Batch),
    /// List recorded predictions
    List(List),
    /// Remove old records of ended predictions from the ledger
    Prune(Prune),
    /// Find out what became of predictions that may have been created
    Resolve(Resolve),
    /// Show what predictions cost
    Prices(Prices),
    /// List the known models, or search them
    Models(Models),
    /// Print the JSON Schema of a known model's input
    Schema(Schema),
    /// Serve a mock of the service on this machine
    Mock(Mock),
    /// Store the API key for this user
    Login(Login),
    /// Remove what was stored by login
    Logout(Logout),
    /// Check the key, the service and this machine
    Doctor(Doctor),
    /// Print a shell completion script
    Completions(Completions),
    /// Print the manual page, or write all pages to a folder
    Man(Man),
    /// Print completions of a word, for the completion scripts
    #[command(hide = true)]
    Complete(Complete),
}

impl Command {
    /// Which model, on what input, of a command that takes them.
    fn what_mut(&mut self) -> Option<&mut What> {
        match self {
            Self::Run(args) => Some(&mut args.what),
            Self::Create(args) => Some(&mut args.what),
            _ => None,
        }
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
}
