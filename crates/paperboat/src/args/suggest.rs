//! What a misspelled word was probably meant to be.

use clap::{Arg, Command};

use super::field;

/// The flags that turn a check off or give a safeguard up, by their names in clap. None of them is
/// suggested for another flag: somebody who follows the suggestion would lose what it protects.
const UNSAFE: [&str; 11] = [
    "force",
    "allow_http",
    "allow_private_files",
    "base_url_as_is",
    "no_files",
    "no_ledger",
    "retry_unresolved",
    "accept_loss",
    "not_created",
    "yes",
    "field.disable_safety_checker",
];

/// Whether a flag turns a check off.
fn is_unsafe(arg: &Arg) -> bool {
    UNSAFE.contains(&arg.get_id().as_str())
}

/// The flag of `command` that `--typed` was meant to be.
pub(super) fn flag(command: &Command, typed: &str) -> Option<String> {
    let shown = |arg: &&Arg| !arg.is_hide_set() || field::is_negation(arg);
    let flags = command.get_arguments().filter(shown);
    let spelled = flags.flat_map(|arg| {
        let aliases = arg.get_all_aliases().unwrap_or_default();
        let name = arg.get_long();
        let spellings = name.into_iter().chain(aliases);
        spellings.filter_map(move |spelling| Some((spelling, name?, is_unsafe(arg))))
    });
    // Clap adds this one later.
    let all = spelled.chain([("help", "help", false)]);
    let near = all.filter_map(|(spelling, name, is_unsafe)| {
        let distance = distance(typed, spelling)?;
        // Of a flag that turns a check off only a typo is corrected.
        (!is_unsafe || distance <= max_typos(spelling)).then_some((distance, is_unsafe, name))
    });
    near.min().map(|(.., name)| format!("--{name}"))
}

/// The one of `words` that `typed` was meant to be.
pub(super) fn word<'w>(typed: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let near = words
        .into_iter()
        .filter_map(|word| Some((distance(typed, word)?, word)));
    near.min().map(|(_, word)| word)
}

/// How many typos lie between two words that are near to each other; `None` of others.
fn distance(typed: &str, word: &str) -> Option<usize> {
    let lower = typed.to_lowercase();
    let most = (word.len() / 3).min(4);
    if lower.len().abs_diff(word.len()) <= most {
        let distance = strsim::osa_distance(&lower, word);
        if distance <= most {
            return Some(distance);
        }
    }
    // What begins or ends like it is near, but any typo is nearer.
    let ends = || {
        word.strip_suffix(&lower)
            .is_some_and(|head| head.ends_with('-'))
    };
    let is_part = lower.len() >= 3 && (word.starts_with(&lower) || ends());
    is_part.then_some(word.len())
}

/// How many characters of a flag that turns a check off may be mistyped.
fn max_typos(word: &str) -> usize {
    match word.len() {
        0..=3 => 0,
        4..=6 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
