//! One place in which two documents differ.

use std::fmt;

use serde_json::Value;

/// Where in the documents: an operation, a part of it, a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    path: String,
    /// The same place from the last component of our spec on: `Prediction.urls`.
    in_component: Option<String>,
}

impl Place {
    pub(super) fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            in_component: None,
        }
    }

    /// A part of an operation.
    pub(super) fn part(&self, name: &str) -> Self {
        Self::new(format!("{} {name}", self.path))
    }

    /// A part of a schema.
    pub(super) fn below(&self, name: &str) -> Self {
        let add = |path: &String| format!("{path}{name}");
        Self {
            path: add(&self.path),
            in_component: self.in_component.as_ref().map(add),
        }
    }

    /// A variant of a union, by the name of its component.
    pub(super) fn variant(&self, schema: &Value) -> Self {
        let name = component(schema).unwrap_or("variant");
        self.below(&format!("<{name}>"))
    }

    /// The same place, in the component to which `schema` refers.
    pub(super) fn in_component(mut self, schema: &Value) -> Self {
        if let Some(name) = component(schema) {
            self.in_component = Some(name.to_owned());
        }
        self
    }

    /// Whether it is `above` or a part of it; `above` begins with an operation or a component.
    pub(super) fn is_within(&self, above: &str) -> bool {
        let paths = std::iter::once(&self.path).chain(&self.in_component);
        paths
            .filter_map(|path| path.strip_prefix(above))
            .any(|rest| rest.is_empty() || rest.starts_with([' ', '.', '[', '{', '<']))
    }

    /// The component of our spec and its field, where this place is one or what its array holds.
    pub(super) fn field(&self) -> Option<(&str, &str)> {
        let path = self.in_component.as_deref()?;
        path.strip_suffix("[]").unwrap_or(path).split_once('.')
    }

    /// Whether it is what an array holds.
    pub(super) fn is_item(&self) -> bool {
        self.path.ends_with("[]")
    }
}

fn component(schema: &Value) -> Option<&str> {
    schema
        .get("$ref")?
        .as_str()?
        .strip_prefix("#/components/schemas/")
}

/// One place in which two documents differ, and what each of them says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) place: Place,
    /// What differs: `type`, `pattern`, `presence`.
    pub(super) aspect: String,
    pub(super) ours: Option<String>,
    pub(super) theirs: Option<String>,
}

impl Difference {
    pub(super) fn new(
        place: &Place,
        aspect: &str,
        ours: Option<String>,
        theirs: Option<String>,
    ) -> Self {
        Self {
            place: place.clone(),
            aspect: aspect.to_owned(),
            ours,
            theirs,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.place.path, self.aspect)?;
        match (&self.ours, &self.theirs) {
            (Some(ours), Some(theirs)) => write!(f, "`{ours}` here, `{theirs}` there"),
            (Some(ours), None) => write!(f, "only here: `{ours}`"),
            (None, Some(theirs)) => write!(f, "only there: `{theirs}`"),
            (None, None) => write!(f, "neither says it"),
        }
    }
}
