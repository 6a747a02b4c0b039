//! A known model's fields as flags.

use clap::{Arg, ArgAction, Command, ValueHint};
use cometapi::models::{Field, Kind, Model, OutputKind, models};

/// The commands that take a model's fields.
pub(super) const COMMANDS: [&str; 2] = ["run", "create"];

/// Before a field's name in the id of its flag; no other id holds a dot.
const ID: &str = "field.";

/// The id of a field's flag.
pub(super) fn id(field: &str) -> String {
    format!("{ID}{field}")
}

/// The field that a flag is for.
pub(crate) fn of<'m>(arg: &Arg, model: &'m Model) -> Option<&'m Field> {
    model.field(arg.get_id().as_str().strip_prefix(ID)?)
}

/// Whether a flag is `field`'s.
pub(crate) fn is(arg: &Arg, field: &Field) -> bool {
    arg.get_id().as_str().strip_prefix(ID) == Some(field.name())
}

/// `aspect_ratio` as it is written after `--`.
pub(crate) fn flag(field: &str) -> String {
    field.replace('_', "-")
}

/// The fields of all known models whose flag is `--flag`.
pub(super) fn with_flag(flag: &str) -> impl Iterator<Item = &'static Field> {
    let fields = models().iter().flat_map(Model::fields);
    fields.filter(move |field| self::flag(field.name()) == flag)
}

/// The flag `--name` of `command`.
pub(crate) fn long<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|arg| {
        arg.get_long() == Some(name)
            || arg
                .get_all_aliases()
                .is_some_and(|aliases| aliases.contains(&name))
    })
}

/// `command` with the fields of `model` as flags. One whose flag the command has already is
/// left to `key=value`.
pub(super) fn add(mut command: Command, model: &Model) -> Command {
    let mut left = Vec::new();
    for field in own(model) {
        if is_free(&command, &flag(field.name())) {
            command = command.arg(arg(field, model));
        } else {
            left.push(field);
        }
    }
    command.after_help(after_help(model, &left))
}

/// The fields of the model's own schema. What only the gateway's pages show may never arrive:
/// it can be given, and is no flag.
fn own(model: &Model) -> impl Iterator<Item = &Field> {
    model
        .fields()
        .iter()
        .filter(|field| !field.is_gateway_only())
}

fn is_free(command: &Command, flag: &str) -> bool {
    // Clap adds these two later.
    !["help", "version"].contains(&flag) && long(command, flag).is_none()
}

fn arg(field: &Field, model: &Model) -> Arg {
    let flag = flag(field.name());
    let arg = Arg::new(id(field.name()))
        .help(help(field))
        .help_heading(format!("Input of {}", model.name()))
        .value_name(value_name(field.kind()))
        // Twice is for the input to judge: a list grows by it.
        .action(ArgAction::Append);
    let arg = if flag == field.name() {
        arg
    } else {
        arg.alias(field.name().to_owned())
    };
    let arg = arg.long(flag);
    match field.kind() {
        Kind::Boolean => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Kind::Image { .. } | Kind::Images { .. } => arg.value_hint(ValueHint::FilePath),
        _ => arg,
    }
}

fn value_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Choice { .. } => "WORD",
        Kind::Integer { .. } | Kind::IntegerChoice { .. } | Kind::Number { .. } => "NUMBER",
        Kind::Boolean => "true|false",
        Kind::Image { .. } | Kind::Images { .. } => "URL|@FILE",
        Kind::Json => "JSON",
        _ => "TEXT",
    }
}

/// What it does, what it takes, what it is when it is not given.
fn help(field: &Field) -> String {
    let takes = match field.kind() {
        Kind::Image { .. } => "a URL or @FILE".to_owned(),
        Kind::Images {
            min_items,
            max_items,
            ..
        } => {
            let count = match (min_items.filter(|least| *least > 0), max_items) {
                (Some(least), Some(most)) => format!(", {least}–{most}"),
                (Some(least), None) => format!(", {least} at least"),
                (None, Some(most)) => format!(", {most} at most"),
                (None, None) => String::new(),
            };
            format!("a URL or @FILE, once for each{count}")
        }
        kind => kind.to_string(),
    };
    let mut help = format!("{} [{takes}]", field.description());
    let mut note = |text: String| {
        help.push_str(" [");
        help.push_str(&text);
        help.push(']');
    };
    if field.is_required() {
        note("required".to_owned());
    }
    if let Some(default) = field.default() {
        note(format!("default: {default}"));
    }
    if let Some(when) = field.only_with() {
        note(format!("only with {when}"));
    }
    if let Some(when) = field.not_with() {
        note(format!("not with {when}"));
    }
    if field.is_deprecated() {
        note("deprecated".to_owned());
    }
    help
}

fn after_help(model: &Model, left: &[&Field]) -> String {
    let name = model.name();
    let output = match model.output_kind() {
        OutputKind::Files => "Returns a list of files.",
        OutputKind::OneFile => "Returns one file.",
        OutputKind::Text => "Returns text.",
        _ => "Returns JSON.",
    };
    let mut text = format!("{name}: {} {output}\n", model.description());
    if !left.is_empty() {
        let left: Vec<_> = left.iter().map(|field| field.name()).collect();
        text.push_str("\nAs key=value only, for the flags are taken: ");
        text.push_str(&left.join(", "));
        text.push('\n');
    }
    let extra = model
        .fields()
        .iter()
        .filter(|field| field.is_gateway_only());
    let extra: Vec<_> = extra.map(Field::name).collect();
    if !extra.is_empty() {
        text.push_str("\nAs key=value only, shown by the gateway's pages alone: ");
        text.push_str(&extra.join(", "));
        text.push('\n');
    }
    text.push_str(
        "
A field is given as a flag or as a pair, with the same values; a list grows by each. What is \
not given is not sent: the default is the model's own.
  key=value    as --key value, where the flag has - for _
  key:=JSON    JSON, whatever the field takes
  key=@FILE    the content of a file: an image as a data URI, text as text",
    );
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use cometapi::models::find;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn a_flag_of_the_commands_own_is_left_to_it() {
        let model = find("black-forest-labs/flux-schnell").unwrap();
        let own = Command::new("run").arg(Arg::new("mine").long("seed").action(ArgAction::SetTrue));
        let mut command = add(own, model);
        let seed = long(&command, "seed").unwrap();
        assert_eq!(seed.get_id(), "mine");
        assert!(long(&command, "go-fast").is_some());
        assert!(long(&command, "go_fast").is_some());
        let help = command.render_help().to_string();
        assert!(
            help.contains("As key=value only, for the flags are taken: seed\n"),
            "{help}"
        );
        assert!(!is_free(&command, "help"));
    }

    #[test]
    fn every_model_makes_a_consistent_command() {
        for model in models() {
            for name in COMMANDS {
                let command = Cli::command().mut_subcommand(name, |command| add(command, model));
                command.debug_assert();
            }
        }
    }
}
