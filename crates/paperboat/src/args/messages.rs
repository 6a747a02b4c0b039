//! What every command says on stderr.

use clap::{ArgAction, Args, ValueEnum};

/// The flags of every command.
#[derive(Args, Clone, Copy)]
pub(crate) struct MessageFlags {
    /// Print only errors on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = HEADING)]
    pub(crate) quiet: bool,
    /// Print each request on stderr; -vv also headers, without secrets, and retries
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = HEADING)]
    pub(crate) verbose: u8,
    /// Print messages on stderr as text, or each as a JSON object
    #[arg(long, value_name = "FORMAT", global = true, default_value = "text", hide_default_value = true, help_heading = HEADING)]
    pub(crate) log_format: LogFormat,
}

const HEADING: &str = "Messages";

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    // Without doc comments, which would make a second, longer help.
    Text,
    Json,
}
