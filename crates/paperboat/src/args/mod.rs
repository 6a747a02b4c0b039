//! The command line, as a person types it.

mod batch;
mod command;
mod destination;
mod fault;
pub(crate) mod field;
mod gallery;
mod messages;
mod money;
mod parse;
mod setup;
mod shared;
pub(crate) mod topics;
mod value;
pub(crate) mod walk;

use clap::{Parser, Subcommand};

pub(crate) use self::batch::{Batch, List, Prune, RowFormat};
pub(crate) use self::command::{
    Again, Complete, Completions, Create, Get, Man, Mock, Models, Run, RunOptions, Schema, Shell,
    Show, Wait,
};
pub(crate) use self::destination::{Destination, FORMAT};
pub(crate) use self::gallery::Gallery;
pub(crate) use self::messages::{LogFormat, MessageFlags};
pub(crate) use self::money::{Prices, Resolve};
pub(crate) use self::parse::{command_for, parse};
pub(crate) use self::setup::{Doctor, Login, Logout};
pub(crate) use self::shared::{Key, LedgerPlace, Outputs, SentFiles, Service, What};

// Nothing here is `Debug`: a key may be in it.

/// Run image models on CometAPI: create predictions, wait for them, save their files
#[derive(Parser)]
#[command(name = "paperboat", version, max_term_width = 92, after_help = after_help())]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) messages: MessageFlags,
}

const BEGIN: &str = "\
Without a key and without cost:
  paperboat run --mock flux-schnell \"a red fox\" -o out";

/// What the help of the program itself ends with.
fn after_help() -> String {
    format!("{BEGIN}\n\n{}", topics::text())
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a model and save its files
    Run(Run),
    /// Run a prediction once more, with changes
    Again(Again),
    /// Create a prediction and print its id
    Create(Create),
    /// Poll a prediction once, and show how it stands
    Get(Get),
    /// Wait for predictions and save their files
    Wait(Wait),
    /// Run each row of a file once, however often the command is started
    Batch(Batch),
    /// List recorded predictions
    List(List),
    /// Show everything that is recorded of a prediction
    Show(Show),
    /// Write a page that shows the files of a batch, or all since a time
    Gallery(Gallery),
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
    /// Print a shell completion script, or install it
    Completions(Completions),
    /// Show a manual page, or write all pages to a folder
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

    /// No field of a model may have the flag of every command.
    #[test]
    fn the_flags_of_every_command_are_no_flags_of_fields() {
        let root = Cli::command();
        let names = root.get_arguments().filter(|arg| arg.is_global_set());
        let names: Vec<_> = names.filter_map(clap::Arg::get_long).collect();
        assert_eq!(names, field::LATER[2..]);
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
