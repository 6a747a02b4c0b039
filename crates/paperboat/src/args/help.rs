//! What `-h`, `--help` and `paperboat help` show besides what clap shows by itself.
//!
//! `-h` of a command fits on a screen: its last line names `--help`, which has every flag, details and
//! examples. Rare flags are left out of it by `hide_short_help`.

use clap::{Arg, Args, Command};

use super::groups;
use super::{examples, field, layout, topics};

#[derive(Args)]
pub(crate) struct Help {
    /// A command or a topic; without one, the commands and topics are listed
    #[arg(value_name = "COMMAND|TOPIC")]
    pub(crate) page: Option<String>,
    /// The model whose fields are shown, with run or create
    #[arg(value_name = "OWNER/NAME", requires = "page")]
    pub(crate) model: Option<String>,
}

/// `root` and its commands with what their help ends with, at the width of the terminal.
pub(super) fn with_ends(root: Command) -> Command {
    with_ends_at(root, layout::width())
}

/// [`with_ends`] for a terminal of `width` columns.
pub(super) fn with_ends_at(root: Command, width: usize) -> Command {
    let everywhere = root.get_arguments().filter(|arg| arg.is_global_set());
    let everywhere: Vec<_> = everywhere.cloned().collect();
    let root = root
        .mut_args(with_help)
        .term_width(width)
        .mut_subcommands(|command| with_end(command, &everywhere, width));
    groups::with_screen(root, width)
}

/// A command with what its help ends with; `everywhere` are the flags that every command has.
fn with_end(command: Command, everywhere: &[Arg], width: usize) -> Command {
    let long = [
        layout::wrapped(&details(&command, width), width),
        examples::text(command.get_name(), width),
    ];
    let long: Vec<_> = long.into_iter().filter(|part| !part.is_empty()).collect();
    let short = short_end(&command, everywhere);
    let command = command.mut_args(with_help);
    command.after_help(short).after_long_help(long.join("\n\n"))
}

/// An argument with its long help in one paragraph.
fn with_help(arg: Arg) -> Arg {
    let long = arg.get_long_help().map(ToString::to_string);
    match long {
        Some(long) => arg.long_help(in_one_paragraph(&long)),
        None => arg,
    }
}

/// The help of an argument, whose first paragraph is the short one, without empty lines.
fn in_one_paragraph(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|it| it.trim().trim_end_matches('.'));
    paragraphs.collect::<Vec<_>>().join(". ")
}

/// The last line of `-h`.
fn short_end(command: &Command, everywhere: &[Arg]) -> String {
    let all = command.get_arguments().chain(everywhere);
    let shown: Vec<_> = all.filter(|arg| !arg.is_hide_set()).collect();
    let hides = shown.iter().any(|arg| arg.is_hide_short_help_set());
    let fields = shown.iter().filter(|arg| field::is_flag(arg)).count();
    // Clap adds `--help` later.
    let flags = shown.iter().filter(|arg| !arg.is_positional()).count() + 1;
    match (hides, fields) {
        (false, _) => "--help shows details and examples".to_owned(),
        (true, 0) => format!("--help shows all {flags} flags, details and examples"),
        (true, fields) => format!(
            "--help shows all {fields} fields and {} other flags",
            flags - fields
        ),
    }
}

/// What is to be known of a command besides its arguments.
pub(crate) fn details(command: &Command, width: usize) -> String {
    if let Some(own) = command.get_after_long_help() {
        return own.to_string();
    }
    match command.get_name() {
        name if field::COMMANDS.contains(&name) => topics::INPUT.text(width),
        "help" => format!("Topics:\n{}", topics::list(width)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
