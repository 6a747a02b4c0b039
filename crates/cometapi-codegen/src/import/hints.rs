//! Notes on limits that a schema states in prose only.

use super::field::Field;
use super::kind::{Kind, words};
use super::note::Notes;

/// Notes on ranges, steps and conditions that only the description tells.
pub(super) fn note_limits_in_prose(field: &Field, all: &[Field], notes: &mut Notes) {
    let Some(description) = &field.description else {
        return;
    };
    let text = description.to_lowercase();
    let words: Vec<_> = words(&text).collect();
    let has = |word: &str| words.contains(&word);
    let open = match &field.kind {
        Kind::Integer { minimum, maximum } | Kind::Number { minimum, maximum } => {
            minimum.is_none() || maximum.is_none()
        }
        Kind::Files { items, .. } | Kind::Texts { items } => items.maximum.is_none(),
        _ => false,
    };
    if open && text.bytes().any(|byte| byte.is_ascii_digit()) {
        notes.add_to(
            &field.name,
            "a number in its description may be a limit that the schema does not give",
        );
    }
    let number = matches!(field.kind, Kind::Integer { .. } | Kind::Number { .. });
    if number && (has("multiple") || has("multiples") || has("divisible") || has("rounded")) {
        notes.add_to(
            &field.name,
            "its description tells of multiples; write `x-rounded-to` if it is rounded to them",
        );
    }
    let conditional = ["only", "ignored", "ignores", "unused", "when", "unless"];
    if conditional.into_iter().any(has) || text.contains("not used") {
        let other = all
            .iter()
            .find(|other| other.name != field.name && names(&text, &other.name.to_lowercase()));
        if let Some(other) = other {
            notes.add_to(
                &field.name,
                format!(
                    "its description tells of `{}`; write `x-only-with` or `x-not-with` if it \
                     hangs on that",
                    super::note::shown(&other.name)
                ),
            );
        }
    }
}

/// Whether the text speaks of the field: many fields have names that are also plain words.
fn names(text: &str, field: &str) -> bool {
    let quoted = ["`", "'", "\""].map(|quote| format!("{quote}{field}{quote}"));
    let quoted = quoted.iter().any(|quoted| text.contains(quoted));
    let mut words = words(text).peekable();
    let compared = ["is", "equals", "set"];
    let mut named = false;
    while let Some(word) = words.next() {
        let next = words.peek();
        named |= word == field
            && (field.contains('_') || next.is_some_and(|next| compared.contains(next)));
    }
    quoted || named || text.contains(&format!("{field}="))
}
