//! Notes to the person who imports.

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
    all: Vec<(String, String)>,
    stated: HashSet<(String, String)>,
    place: String,
}

impl Notes {
    /// Sets the place that [`add`](Self::add) notes on: a field, or `Input` as a whole.
    pub(super) fn set_place(&mut self, place: &str) {
        place.clone_into(&mut self.place);
    }

    pub(super) fn add(&mut self, what: impl AsRef<str>) {
        let place = std::mem::take(&mut self.place);
        self.add_to(&place, what);
        self.place = place;
    }

    /// A note on a field, or on `Input` or `Output` as a whole.
    pub(super) fn add_to(&mut self, place: &str, what: impl AsRef<str>) {
        let note = (place.to_owned(), what.as_ref().to_owned());
        if self.stated.insert(note.clone()) {
            self.all.push(note);
        }
    }

    /// Returns the notes on the whole, then those on each field in the order of `fields`.
    pub(super) fn into_vec(mut self, fields: &[&str]) -> Vec<String> {
        self.all
            .sort_by_cached_key(|(place, _)| fields.iter().position(|field| field == place));
        self.all
            .iter()
            .map(|(place, what)| format!("`{}`: {what}", shown(place)))
            .collect()
    }
}
