//! The command line, as a person types it.

mod batch;
mod command;
mod destination;
pub(crate) mod examples;
mod fault;
pub(crate) mod field;
mod gallery;
mod groups;
pub(crate) mod help;
mod layout;
mod ledger;
mod messages;
mod money;
mod parse;
mod refusal;
mod setup;
mod shared;
mod suggest;
pub(crate) mod topics;
mod value;
pub(crate) mod walk;

use clap::{Parser, Subcommand};

pub(crate) use self::batch::{Batch, List, Prune, RowFormat};
pub(crate) use self::command::{
    Again, Complete, Completions, Create, Demo, Get, Man, Mock, Models, Open, Run, RunOptions,
    Schema, Shell, Show, Wait,
};
pub(crate) use self::destination::{Destination, FORMAT};
pub(crate) use self::gallery::Gallery;
pub(crate) use self::help::Help;
pub(crate) use self::ledger::{Database, LedgerAddress};
pub(crate) use self::messages::{LogFormat, MessageFlags};
pub(crate) use self::money::{Prices, Resolve};
pub(crate) use self::parse::{Stop, command_for, parse};
pub(crate) use self::refusal::Refusal;
pub(crate) use self::setup::{Doctor, Login, Logout};
pub(crate) use self::shared::{Key, LedgerPlace, Look, Outputs, SentFiles, Service, What};

// Nothing here is `Debug`: a key may be in it.

/// Run image models on CometAPI: create predictions, wait, save the files
#[derive(Parser)]
#[command(
    name = "paperboat",
    version,
    args_override_self = true,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) messages: MessageFlags,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a model, save its files
    Run(Run),
    /// Run a prediction once more
    ///
    /// Changes of its input may be given.
    Again(Again),
    /// Create a prediction
    ///
    /// Its id is printed; `paperboat wait` saves its files.
    Create(Create),
    /// Poll a prediction once
    ///
    /// Its status and its URLs are printed.
    Get(Get),
    /// Wait, and save the files
    Wait(Wait),
    /// Run each row of a file
    ///
    /// Each is run once, however often the command is started.
    Batch(Batch),
    /// List recorded predictions
    List(List),
    /// Show a prediction
    ///
    /// It prints everything that is recorded of the prediction.
    Show(Show),
    /// Open saved files
    ///
    /// It opens those of a prediction, or the page of a batch, with the desktop's programs.
    Open(Open),
    /// Show files on a page
    ///
    /// It writes a page of a batch's files, or of all since a time, and prints its path.
    Gallery(Gallery),
    /// Remove old records
    ///
    /// It removes records of ended predictions from the ledger.
    Prune(Prune),
    /// Resolve unknown outcomes
    ///
    /// It finds out what became of predictions that may have been created.
    Resolve(Resolve),
    /// Show what predictions cost
    Prices(Prices),
    /// List or search the models
    Models(Models),
    /// Print an input's JSON Schema
    Schema(Schema),
    /// Take a tour on a mock
    ///
    /// It runs commands against a mock of the service. No key or network is needed, and nothing
    /// costs anything.
    Demo(Demo),
    /// Serve a mock service
    ///
    /// It runs on this machine. Any key is accepted, and nothing costs anything.
    Mock(Mock),
    /// Store the API key
    Login(Login),
    /// Remove what login stored
    Logout(Logout),
    /// Check key and service
    ///
    /// It also checks this machine.
    Doctor(Doctor),
    /// Set up TAB completion
    ///
    /// It prints a script for the shell, or installs it.
    Completions(Completions),
    /// Show a manual page
    ///
    /// It can also write all pages to a folder.
    Man(Man),
    /// Explain commands, topics
    Help(Help),
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
