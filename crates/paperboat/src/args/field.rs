//! A known model's fields as flags.

mod short;

use clap::{Arg, ArgAction, Command, ValueHint};
use cometapi::models::{Field, Kind, Model, OutputKind, models};

/// The commands that take a model's fields.
pub(super) const COMMANDS: [&str; 2] = ["run", "create"];

/// Before a field's name in the id of its flag; no other id holds a dot.
const ID: &str = "field.";

/// Before a field's name in the id of the flag that turns it off.
const NO_ID: &str = "no-field.";

/// The fields that also have a flag of one letter, on every model that has them.
const SHORT: [(char, &str); 1] = [('n', "num_outputs")];

/// The ids of a field's flags: its own, and the one that turns it off.
pub(super) fn ids(field: &str) -> [String; 2] {
    [format!("{ID}{field}"), format!("{NO_ID}{field}")]
}

/// The name of the field that a flag is for.
fn name(arg: &Arg) -> Option<&str> {
    let id = arg.get_id().as_str();
    id.strip_prefix(ID).or_else(|| id.strip_prefix(NO_ID))
}

/// The field that a flag is for.
pub(crate) fn of<'m>(arg: &Arg, model: &'m Model) -> Option<&'m Field> {
    model.field(name(arg)?)
}

/// Whether a flag is `field`'s.
pub(crate) fn is(arg: &Arg, field: &Field) -> bool {
    name(arg) == Some(field.name())
}

/// Whether it is the flag of a field.
pub(super) fn is_flag(arg: &Arg) -> bool {
    arg.get_id().as_str().starts_with(ID)
}

/// Whether a field takes a list, which grows by each value.
pub(crate) fn is_list(field: &Field) -> bool {
    matches!(field.kind(), Kind::Images { .. } | Kind::Strings { .. })
}

/// Whether it is the flag that turns a field off, such as `--no-go-fast`.
pub(crate) fn is_negation(arg: &Arg) -> bool {
    arg.get_id().as_str().starts_with(NO_ID)
}

/// Whether `flag` alone means true, and the word after it is its value if that is true or false.
pub(super) fn is_switch(arg: &Arg) -> bool {
    name(arg).is_some() && arg.is_require_equals_set()
}

/// Whether `word` is the value of a switch before it.
pub(super) fn is_switch_value(word: &str) -> bool {
    ["true", "false"]
        .iter()
        .any(|value| value.eq_ignore_ascii_case(word))
}

/// Whether the field of some known model has the flag `-letter`.
pub(super) fn is_short(letter: char) -> bool {
    SHORT.iter().any(|(short, _)| *short == letter)
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
            let short = short(field).filter(|letter| is_free_short(&command, *letter));
            let arg = arg(field, model);
            command = command.arg(match short {
                Some(letter) => arg.short(letter),
                None => arg,
            });
        } else {
            left.push(field);
        }
    }
    // After all fields: one may have the name of such a flag.
    for field in own(model).filter(|field| field.kind() == Kind::Boolean) {
        if is_free(&command, &negated(field)) {
            command = command.arg(negation(field));
        }
    }
    short::shorten(command, model, own(model)).after_long_help(after_help(model, &left))
}

/// The fields of the model's own schema. What only the gateway's pages show may never arrive:
/// it can be given, and is no flag.
fn own(model: &Model) -> impl Iterator<Item = &Field> {
    model
        .fields()
        .iter()
        .filter(|field| !field.is_gateway_only())
}

/// What clap adds to each command later: two flags of its own, and those of every command.
pub(super) const LATER: [&str; 5] = ["help", "version", "quiet", "verbose", "log-format"];

fn is_free(command: &Command, flag: &str) -> bool {
    !LATER.contains(&flag) && long(command, flag).is_none()
}

fn is_free_short(command: &Command, letter: char) -> bool {
    !['h', 'V', 'q', 'v'].contains(&letter)
        && !command
            .get_arguments()
            .any(|arg| arg.get_short() == Some(letter))
}

fn short(field: &Field) -> Option<char> {
    let mut shorts = SHORT.iter();
    shorts.find_map(|(letter, name)| (*name == field.name()).then_some(*letter))
}

/// `no-go-fast`, the flag that turns a field off.
fn negated(field: &Field) -> String {
    format!("no-{}", flag(field.name()))
}

/// The flag that turns a field off; the help of the field itself names it.
fn negation(field: &Field) -> Arg {
    let [_, id] = ids(field.name());
    Arg::new(id)
        .help(format!("Same as --{}=false", flag(field.name())))
        .hide(true)
        .long(negated(field))
        .alias(format!("no_{}", field.name()))
        .action(ArgAction::Append)
        .num_args(0)
        .default_missing_value("false")
}

fn arg(field: &Field, model: &Model) -> Arg {
    let flag = flag(field.name());
    let [id, _] = ids(field.name());
    let arg = Arg::new(id)
        .help(short::sentence(field).to_owned())
        .long_help(help(field))
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
    if field.kind() == Kind::Boolean {
        help = format!("{help} [off: --{}]", negated(field));
    }
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
  \"TEXT\"       the prompt; without one, text that is piped to the command
  key=value    as --key value, where the flag has - for _
  key:=JSON    JSON, whatever the field takes
  key=@FILE    the content of a file: an image as a data URI, text as text; @- is stdin",
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
        let help = command.render_long_help().to_string();
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
