use clap::CommandFactory;
use cometapi::models::models;
use unicode_width::UnicodeWidthStr;

use super::*;
use crate::args::Cli;

/// The lines of a terminal.
const LINES: usize = 24;

/// The program and each of its visible commands, for a terminal of `width` columns.
fn commands(width: usize) -> Vec<Command> {
    let mut root = with_ends_at(Cli::command(), width);
    root.build();
    let shown = root.get_subcommands().filter(|it| !it.is_hide_set());
    let shown: Vec<_> = shown.cloned().collect();
    std::iter::once(root).chain(shown).collect()
}

/// Each with the fields of a model.
fn commands_with_fields(width: usize) -> Vec<Command> {
    let fields = |name| models().iter().map(move |model| (name, model));
    let all = field::COMMANDS.into_iter().flat_map(fields);
    all.map(|(name, model)| {
        let root = Cli::command().mut_subcommand(name, |it| field::add(it, model));
        let mut root = with_ends_at(root, width);
        root.build();
        root.find_subcommand(name).unwrap().clone()
    })
    .collect()
}

#[track_caller]
fn check_width(text: &str, width: usize) {
    for line in text.lines() {
        // A URL or a path is not broken.
        // Nor does clap break a usage.
        let is_word = line.split_whitespace().count() == 1 || line.starts_with("Usage: ");
        let is_word = is_word && width < 80;
        assert!(line.width() <= width || is_word, "{width}: {line}\n{text}");
    }
}

#[test]
fn short_help_fits_on_a_screen_and_ends_with_the_way_to_the_long_one() {
    for mut command in commands(80).into_iter().chain(commands_with_fields(80)) {
        let help = command.render_help().to_string();
        assert!(help.lines().count() <= LINES, "{help}");
        check_width(&help, 80);
        assert!(help.lines().last().unwrap().contains("--help"), "{help}");
    }
}

#[test]
fn long_help_has_everything_within_the_width() {
    for width in [60, 80, 100] {
        for mut command in commands(width)
            .into_iter()
            .chain(commands_with_fields(width))
        {
            let help = command.render_long_help().to_string();
            check_width(&help, width);
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let Some(long) = arg.get_long() else { continue };
                assert!(help.contains(&format!("--{long}")), "{long}\n{help}");
            }
            let has_examples = !examples::of(command.get_name()).is_empty();
            let is_of_model = help.contains("\nInput of ");
            assert!(help.contains("\nExamples:\n") || is_of_model, "{help}");
            assert!(has_examples);
        }
    }
}

/// Short help lists what is not hidden from it, and says how much there is.
#[test]
fn the_last_line_counts_the_flags() {
    // That of the program names the topics.
    for command in commands(80).into_iter().skip(1) {
        let shown = command.get_opts().chain(command.get_arguments());
        let flags = command
            .get_arguments()
            .filter(|arg| !arg.is_positional() && !arg.is_hide_set())
            .count();
        let hidden = shown.filter(|arg| arg.is_hide_short_help_set()).count();
        let end = command.get_after_help().unwrap().to_string();
        assert_eq!(
            end.contains(&format!("all {flags} flags")),
            hidden > 0,
            "{end}"
        );
    }
}

#[test]
fn wide_terminals_get_longer_lines_up_to_a_limit() {
    let widest = |width: usize| {
        let all = commands(width)
            .into_iter()
            .map(|mut command| command.render_long_help());
        let lines: Vec<_> = all.map(|help| help.to_string()).collect();
        let widths = lines
            .iter()
            .flat_map(|help| help.lines().map(UnicodeWidthStr::width));
        widths.max().unwrap()
    };
    assert!(widest(80) <= 80);
    assert!((90..=layout::MAX_WIDTH).contains(&widest(layout::MAX_WIDTH)));
}

#[test]
fn narrow_terminals_get_one_column_of_commands() {
    let mut root = commands(60).remove(0);
    let help = root.render_help().to_string();
    check_width(&help, 60);
    assert!(help.contains("\n  list "), "{help}");
}

/// A flag that every command has counts at each.
#[test]
fn a_flag_of_every_command_is_counted() {
    let new = Arg::new("new").long("new").global(true);
    let new = new.action(clap::ArgAction::SetTrue).hide_short_help(true);
    let end = |root: Command| {
        let root = with_ends_at(root, 80);
        let schema = root.find_subcommand("schema").unwrap();
        schema.get_after_help().unwrap().to_string()
    };
    let flags = |root: &Command| {
        let mut root = root.clone();
        root.build();
        let schema = root.find_subcommand("schema").unwrap();
        schema
            .get_arguments()
            .filter(|arg| !arg.is_positional())
            .count()
    };
    let root = Cli::command().arg(new);
    let all = format!(
        "--help shows all {} flags, details and examples",
        flags(&root)
    );
    assert_eq!(end(root), all);
}
