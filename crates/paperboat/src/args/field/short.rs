//! The short help of a command with the fields of a model: what is used most, a line each.

use clap::Command;
use cometapi::models::{Field, Kind, Model};

/// The flags of a command that are shown beside the fields.
const ESSENTIAL: [&str; 5] = ["output", "json", "max_cost", "dry_run", "mock"];

/// How many fields are shown at most.
const FEW: usize = 6;

/// The fields that are set most often, after those that are required.
const COMMON: [&str; 8] = [
    "prompt",
    "aspect_ratio",
    "input_image",
    "input_images",
    "image",
    "num_outputs",
    "seed",
    "output_format",
];

/// The width of a screen that every line fits on.
const SCREEN: usize = 80;

/// What clap puts around a flag: `      --` before it and two spaces after it.
const AROUND: usize = 10;

/// `command` with a short help of what is used most. Its flags are in `long` already.
pub(super) fn shorten<'f>(
    command: Command,
    model: &Model,
    fields: impl Iterator<Item = &'f Field>,
) -> Command {
    let mut fields: Vec<_> = fields.collect();
    // Equal ones stay in the model's own order.
    fields.sort_by_key(|field| {
        let common = COMMON.iter().position(|name| *name == field.name());
        let common = common.unwrap_or(COMMON.len());
        (!field.is_required(), field.is_deprecated(), common)
    });
    fields.truncate(FEW);
    let widths = fields.iter().map(|field| {
        // A switch has brackets around its value.
        let brackets = match field.kind() {
            Kind::Boolean => "[=<>]".len(),
            _ => " <>".len(),
        };
        field.name().len() + super::value_name(field.kind()).len() + brackets
    });
    let width = SCREEN - AROUND - widths.max().unwrap_or(0);
    command.mut_args(|arg| {
        let field = super::of(&arg, model);
        let field = field.filter(|field| fields.iter().any(|it| it.name() == field.name()));
        let is_shown = field.is_some() || ESSENTIAL.contains(&arg.get_id().as_str());
        let arg = arg.hide_short_help(!is_shown);
        match field {
            Some(field) => arg.help(help(field, width)),
            None => arg,
        }
    })
}

/// What a field takes, or what it does, where that says more; and what it is when it is not given.
fn help(field: &Field, width: usize) -> String {
    let note = match field.default() {
        _ if field.is_required() => " [required]".to_owned(),
        Some(default) => format!(" [default: {default}]"),
        None => String::new(),
    };
    let takes = match field.kind() {
        Kind::Choice { .. } | Kind::IntegerChoice { .. } => {
            choices(&field.kind().to_string(), width.saturating_sub(note.len()))
        }
        Kind::Integer { .. } | Kind::Number { .. } => field.kind().to_string(),
        _ => cut(sentence(field), width),
    };
    if takes.chars().count() + note.chars().count() > width {
        return takes;
    }
    format!("{takes}{note}")
}

/// The first choices that fit, and an ellipsis for the others.
fn choices(all: &str, width: usize) -> String {
    const MORE: &str = ", …";
    let mut all = all.split(" | ").peekable();
    let mut shown = all.next().unwrap_or_default().to_owned();
    while let Some(choice) = all.next() {
        let rest = if all.peek().is_some() { MORE.len() } else { 0 };
        if shown.len() + ", ".len() + choice.len() + rest > width {
            return shown + MORE;
        }
        shown = format!("{shown}, {choice}");
    }
    shown
}

/// The first sentence of what a field does.
pub(super) fn sentence(field: &Field) -> &str {
    let text = field.description().split(". ").next();
    text.unwrap_or_default().trim_end_matches('.')
}

/// The words of `text` that fit.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut words = String::new();
    for word in text.split(' ') {
        if words.chars().count() + word.chars().count() + 2 > width {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out() {
        assert_eq!(choices("1:1 | 16:9 | 3:2", 14), "1:1, 16:9, 3:2");
        assert_eq!(choices("1:1 | 16:9 | 3:2", 13), "1:1, …");
        assert_eq!(cut("a red fox", 9), "a red fox");
        assert_eq!(cut("a red fox", 8), "a red…");
    }
}
