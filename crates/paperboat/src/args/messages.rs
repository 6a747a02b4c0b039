//! What every command says on stderr.

use clap::{ArgAction, Args, ValueEnum};

/// The flags of every command.
#[derive(Args, Clone, Copy)]
pub(crate) struct MessageFlags {
    /// Print only errors on stderr
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        display_order = 900,
        hide_short_help = true
    )]
    pub(crate) quiet: bool,
    /// Print each request on stderr
    ///
    /// -vv also prints headers, without secrets, and retries.
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 900, hide_short_help = true)]
    pub(crate) verbose: u8,
    /// Format of messages on stderr
    ///
    /// In JSON, each is an object on a line of its own.
    #[arg(
        long,
        value_name = "FORMAT",
        global = true,
        default_value = "text",
        hide_default_value = true,
        display_order = 900,
        hide_short_help = true
    )]
    pub(crate) log_format: LogFormat,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    // Without doc comments, which would make a second, longer help.
    Text,
    Json,
}
