//! The commands in groups, as the help of the program lists them.

use std::fmt::Write as _;

use clap::Command;
use unicode_width::UnicodeWidthStr;

use super::{examples, topics};

/// A heading, and the commands below it.
pub(super) type Group = (&'static str, &'static [&'static str]);

/// The left and the right column of the screen.
pub(super) const COLUMNS: [&[Group]; 2] = [
    &[
        ("Run", &["run", "batch", "again", "create", "wait", "get"]),
        ("Models", &["models", "schema", "prices"]),
        ("Try", &["demo", "mock"]),
    ],
    &[
        (
            "Look",
            &["list", "show", "open", "gallery", "resolve", "prune"],
        ),
        (
            "Setup",
            &["login", "logout", "doctor", "completions", "man", "help"],
        ),
    ],
];

/// Between the two columns.
const GAP: usize = 2;

const TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}{after-help}";

/// `root` with its commands in groups: side by side for `-h`, so that they fit on a screen, and below
/// each other for `--help`.
pub(super) fn with_screen(root: Command, width: usize) -> Command {
    let [left, right] = COLUMNS.map(|groups| blocks(&root, groups));
    let all = [&left[..], &right[..]].concat().join("\n\n");
    let short = beside(&left.join("\n\n"), &right.join("\n\n"), width).unwrap_or(all.clone());
    // Clap renders the options of the program by itself.
    let options = root
        .clone()
        .help_template("{options}")
        .after_help("")
        .after_long_help("")
        .render_long_help();
    let long = format!(
        "{all}\n\nOptions:\n{}\n\n{}\n\nTopics:\n{}",
        options.to_string().trim_end(),
        examples::text(root.get_name(), width),
        topics::list(width),
    );
    let topics: Vec<_> = topics::TOPICS.iter().map(|topic| topic.name).collect();
    let short = format!(
        "{short}\n\n`paperboat COMMAND -h` explains a command, `paperboat help TOPIC` one of\n{}; --help has examples",
        topics.join(", ")
    );
    root.help_template(TEMPLATE)
        .after_help(short)
        .after_long_help(long)
}

/// Each group as lines.
fn blocks(root: &Command, groups: &[Group]) -> Vec<String> {
    let shown = |name: &&&str| {
        let found = root.find_subcommand(name);
        found.filter(|command| !command.is_hide_set())
    };
    let names = groups.iter().flat_map(|(_, names)| names.iter());
    let widest = names.map(|name| name.len()).max().unwrap_or(0);
    let block = |(heading, names): &Group| {
        let mut block = format!("{heading}:");
        for command in names.iter().filter_map(|name| shown(&name)) {
            let about = command.get_about().map(ToString::to_string);
            let about = about.unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = write!(block, "\n  {:<widest$}  {about}", command.get_name());
        }
        block
    };
    groups.iter().map(block).collect()
}

/// Both texts side by side, if they fit.
fn beside(left: &str, right: &str, width: usize) -> Option<String> {
    let (left, right): (Vec<_>, Vec<_>) = (left.lines().collect(), right.lines().collect());
    let widest = |lines: &[&str]| lines.iter().map(|line| line.width()).max().unwrap_or(0);
    let column = widest(&left) + GAP;
    if column + widest(&right) > width {
        return None;
    }
    let line = |index: usize| {
        let at = |lines: &[&'_ str]| lines.get(index).map_or(String::new(), ToString::to_string);
        let line = format!("{:<column$}{}", at(&left), at(&right));
        line.trim_end().to_owned()
    };
    let lines = 0..left.len().max(right.len());
    Some(lines.map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn every_visible_command_is_in_one_group() {
        let root = Cli::command();
        let shown = root.get_subcommands().filter(|it| !it.is_hide_set());
        let mut shown: Vec<_> = shown.map(Command::get_name).collect();
        let groups = COLUMNS.iter().copied().flatten();
        let mut named: Vec<_> = groups
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        shown.sort_unstable();
        named.sort_unstable();
        assert_eq!(named, shown);
    }

    #[test]
    fn columns_are_side_by_side_only_where_both_fit() {
        assert_eq!(
            beside("a\nbcd", "x\ny\nz", 6).unwrap(),
            "a    x\nbcd  y\n     z"
        );
        assert_eq!(beside("a\nbcd", "x", 5), None);
    }
}
