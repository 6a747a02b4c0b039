//! What is said to the person who imports.

use std::collections::HashSet;

/// More of a value than this helps nobody.
const LONG: usize = 60;

/// Text from the published schema, fit for a terminal: cut, and without control characters.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == LONG {
            shown.push('…');
            break;
        }
        if super::yaml::is_visible(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    shown
}

/// What was changed or lost, field by field.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Where, and what.
    notes: Vec<(String, String)>,
    stated: HashSet<(String, String)>,
}

impl Notes {
    /// A note on a field, or on `Input` or `Output` as a whole.
    pub(super) fn add(&mut self, place: &str, what: impl AsRef<str>) {
        let note = (place.to_owned(), what.as_ref().to_owned());
        if self.stated.insert(note.clone()) {
            self.notes.push(note);
        }
    }

    /// What is said of the whole, then of each field in the order of `fields`.
    pub(super) fn into_vec(mut self, fields: &[&str]) -> Vec<String> {
        self.notes
            .sort_by_cached_key(|(place, _)| fields.iter().position(|field| field == place));
        self.notes
            .iter()
            .map(|(place, what)| format!("`{}`: {what}", shown(place)))
            .collect()
    }
}
