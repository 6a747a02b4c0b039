//! What the columns of a table are to a model.

use std::collections::BTreeMap;

use cometapi::ModelRef;
use cometapi::models::{Field, Model, find, models};

/// The column of a row's model.
pub(super) const MODEL: &str = "model";

/// The column of a row's id.
pub(super) const ID: &str = "id";

/// The field that any model may have.
const PROMPT: &str = "prompt";

/// Before the name of a label that its column says is one.
const LABEL: &str = "label:";

/// Before the name of a column that is for people.
const COMMENT: char = '#';

/// What a column is to a model.
pub(super) enum Column {
    /// Neither a field nor a label: without a name, for people, the row's model, or its id.
    Other,
    /// The field of this name.
    Field(String),
    Label {
        name: String,
        /// What a note says of it, unless its name says that it is one.
        why: Option<String>,
    },
}

impl Column {
    fn of(name: &str, model: &ModelRef, is_unchecked: bool) -> Self {
        if name.is_empty() || [MODEL, ID].iter().any(|own| is_same_name(own, name)) {
            return Self::Other;
        }
        if name.starts_with(COMMENT) {
            return Self::Other;
        }
        if let Some(label) = name.strip_prefix(LABEL).filter(|it| !it.is_empty()) {
            return Self::Label {
                name: label.to_owned(),
                why: None,
            };
        }
        let known = find(&model.to_string());
        let own = known.into_iter().flat_map(Model::fields);
        let names = own.map(Field::name).chain([PROMPT]);
        if let Some(field) = names.into_iter().find(|field| is_same_name(field, name)) {
            return Self::Field(field.to_owned());
        }
        let why = match known {
            _ if is_unchecked && is_field_like(name) => return Self::Field(name.to_owned()),
            Some(known) => format!(
                "column {name:?} is not a field of {}: kept as a label",
                known.short_name()
            ),
            None if is_field_like(name) => return Self::Field(name.to_owned()),
            None => format!("column {name:?} cannot be a field: kept as a label"),
        };
        Self::Label {
            name: name.to_owned(),
            why: Some(why),
        }
    }
}

/// What each column is to `model`; or which two are one field.
pub(super) fn of(
    names: &[String],
    model: &ModelRef,
    is_unchecked: bool,
) -> Result<Vec<Column>, String> {
    let columns = names.iter();
    let mut columns: Vec<_> = columns
        .map(|name| Column::of(name, model, is_unchecked))
        .collect();
    let mut fields = BTreeMap::new();
    for (column, name) in columns.iter().zip(names) {
        if let Column::Field(field) = column
            && let Some(first) = fields.insert(field.clone(), name)
        {
            return Err(two_columns(first, name, field));
        }
    }
    for column in &mut columns {
        if let Column::Label {
            name,
            why: Some(why),
        } = column
            && let Some(near) = find(&model.to_string()).and_then(|known| known.nearest_field(name))
            && !fields.contains_key(near.name())
        {
            why.push_str("; did you mean ");
            why.push_str(near.name());
            why.push('?');
        }
    }
    Ok(columns)
}

/// Whether the column of this name is the field of this name.
pub(super) fn is_field(name: &str, model: &ModelRef, is_unchecked: bool) -> bool {
    let column = Column::of(name, model, is_unchecked);
    matches!(column, Column::Field(field) if field == name)
}

/// The place of the column `field`; or which two it is.
pub(super) fn place(names: &[String], field: &str) -> Result<Option<usize>, String> {
    let columns = names.iter().enumerate();
    let mut columns = columns.filter(|(_, name)| is_same_name(field, name));
    match (columns.next(), columns.next()) {
        (Some((_, first)), Some((_, other))) => Err(two_columns(first, other, field)),
        (first, _) => Ok(first.map(|(at, _)| at)),
    }
}

fn two_columns(first: &str, other: &str, field: &str) -> String {
    format!(
        "the columns {first:?} and {other:?} are both {field}: remove one, or give it another name"
    )
}

/// Whether people write the name of a field in this way.
fn is_same_name(field: &str, written: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = char> {
        let letters = name
            .chars()
            .filter(|c| !matches!(c, ' ' | '_' | '-' | '\u{a0}'));
        letters.map(|c| c.to_ascii_lowercase())
    }
    letters(field).eq(letters(written))
}

/// Whether a field may be called so. Prompts in some languages hold no spaces, so it is ASCII.
pub(super) fn is_field_like(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.len() <= 64
        && name.chars().all(plain)
}

/// Whether a column called so makes a line a header.
pub(super) fn is_known(name: &str, model: Option<&ModelRef>) -> bool {
    let has = |model: &Model| {
        let mut fields = model.fields().iter();
        fields.any(|field| is_same_name(field.name(), name))
    };
    let of_model = |model: &ModelRef| find(&model.to_string()).map(has);
    [PROMPT, MODEL, ID]
        .iter()
        .any(|known| is_same_name(known, name))
        || model
            .and_then(of_model)
            .unwrap_or_else(|| models().iter().any(has))
}
