//! What an error of clap holds, and the names of arguments in it.

use clap::error::{ContextKind, ContextValue};

/// An argument as clap shows it in a usage, but without what says how often it may come.
pub(super) fn argument(usage: &str) -> String {
    let usage = usage.trim_end_matches("...");
    match usage
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(name) => format!("<{name}>"),
        None => usage.to_owned(),
    }
}

/// A flag without the name of its value, or another argument.
pub(super) fn name_of(usage: &str) -> String {
    if usage.starts_with('-') {
        flag_of(usage).to_owned()
    } else {
        argument(usage)
    }
}

/// A flag without the name of its value.
pub(super) fn flag_of(arg: &str) -> &str {
    arg.split([' ', '=', '['])
        .next()
        .filter(|it| !it.is_empty())
        .unwrap_or(arg)
}

/// What it suggests.
pub(super) fn tip(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::Suggested)? {
        ContextValue::StyledStrs(tips) => tips.first().map(ToString::to_string),
        _ => None,
    }
}

/// What it says, without what clap adds below.
pub(super) fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// A part of it that is one string, or the first of several.
pub(super) fn string(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        ContextValue::Strings(texts) => texts.first().map(String::as_str),
        _ => None,
    }
}

/// A part of it that is several strings, or one.
pub(super) fn strings(error: &clap::Error, kind: ContextKind) -> Vec<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text],
        Some(ContextValue::Strings(texts)) => texts.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}
