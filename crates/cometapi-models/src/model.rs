//! What is known of a model, as data.

use std::fmt;

/// A model whose input is known.
#[derive(Debug)]
pub struct Model {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) source: &'static str,
    pub(crate) output_kind: OutputKind,
    pub(crate) fields: &'static [Field],
    pub(crate) schema: &'static str,
}

/// What a model returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputKind {
    /// A list of files, by their URLs.
    Files,
    /// One file, by its URL.
    OneFile,
    /// Text: a string, or a list of tokens.
    Text,
    /// Any JSON.
    Json,
}

/// A field of a model's input.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Field {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) source: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) nullable: bool,
    pub(crate) default: Option<&'static str>,
    pub(crate) only_with: Option<Condition>,
    pub(crate) not_with: Option<Condition>,
    pub(crate) rounded_to: Option<i64>,
    pub(crate) deprecated: bool,
    pub(crate) gateway_only: bool,
}

/// The type of a field, with its limits. Limits are inclusive.
///
/// ```
/// use cometapi_models::Kind;
///
/// let schnell = cometapi_models::find("black-forest-labs/flux-schnell").unwrap();
/// let kind = |field| schnell.field(field).unwrap().kind();
/// assert_eq!(kind("prompt"), Kind::Text);
/// assert_eq!(kind("go_fast"), Kind::Boolean);
/// assert!(matches!(kind("num_outputs"), Kind::Integer { maximum: Some(4), .. }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// One of these words.
    #[non_exhaustive]
    Choice {
        /// The words, as they are on the wire.
        values: &'static [&'static str],
    },
    /// One of these whole numbers.
    #[non_exhaustive]
    IntegerChoice {
        /// The numbers.
        values: &'static [i64],
    },
    /// A whole number.
    #[non_exhaustive]
    Integer {
        /// The least, where there is one.
        minimum: Option<i64>,
        /// The greatest, where there is one.
        maximum: Option<i64>,
    },
    /// A number.
    #[non_exhaustive]
    Number {
        /// The least, where there is one.
        minimum: Option<f64>,
        /// The greatest, where there is one.
        maximum: Option<f64>,
    },
    /// `true` or `false`.
    Boolean,
    /// A file: its address, or a data URI.
    #[non_exhaustive]
    Image {
        /// The media types that it may have; any when empty.
        accepts: &'static [&'static str],
    },
    /// A list of files.
    #[non_exhaustive]
    Images {
        /// The media types that each may have; any when empty.
        accepts: &'static [&'static str],
        /// How many at least, where there is a limit.
        min_items: Option<usize>,
        /// How many at most, where there is a limit.
        max_items: Option<usize>,
    },
    /// A list of strings.
    #[non_exhaustive]
    Strings {
        /// How many at least, where there is a limit.
        min_items: Option<usize>,
        /// How many at most, where there is a limit.
        max_items: Option<usize>,
    },
    /// Any JSON.
    Json,
}

/// Another field, and the value of it that a field's meaning hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Condition {
    /// The other field.
    pub field: &'static str,
    /// Its value.
    pub value: &'static str,
}

impl OutputKind {
    /// Returns whether it is files: one, or a list of them.
    pub fn is_files(self) -> bool {
        matches!(self, Self::Files | Self::OneFile)
    }
}

impl Model {
    /// `owner/name`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the part of its name before the slash.
    pub fn owner(&self) -> &'static str {
        self.name.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// Returns the part of its name after the slash. [`find`](crate::find) takes it for the whole
    /// name if no other known model has it.
    pub fn short_name(&self) -> &'static str {
        self.name
            .split_once('/')
            .map_or(self.name, |(_, name)| name)
    }

    /// What it is good for, in a sentence.
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// Where what is said of its fields is from.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Returns what the model returns.
    pub fn output_kind(&self) -> OutputKind {
        self.output_kind
    }

    /// Its fields, in the order in which its publisher shows them.
    pub fn fields(&self) -> &'static [Field] {
        self.fields
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Its input as JSON Schema, draft 2020-12.
    pub fn schema(&self) -> &'static str {
        self.schema
    }
}

impl Field {
    /// The values that most fields have; the generated registry writes only the others.
    pub(crate) const DEFAULT: Self = Self {
        name: "",
        description: "",
        source: "",
        kind: Kind::Json,
        required: false,
        nullable: false,
        default: None,
        only_with: None,
        not_with: None,
        rounded_to: None,
        deprecated: false,
        gateway_only: false,
    };

    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does.
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// Where that is from: documented, observed or inferred, and by whom.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Its type and limits.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether there is no run without it.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Whether null may be sent for it.
    pub fn is_nullable(&self) -> bool {
        self.nullable
    }

    /// What the model takes when it is not sent, as text. Never sent by this crate.
    pub fn default(&self) -> Option<&'static str> {
        self.default
    }

    /// It counts only when another field has a value.
    pub fn only_with(&self) -> Option<Condition> {
        self.only_with
    }

    /// It does not count when another field has a value.
    pub fn not_with(&self) -> Option<Condition> {
        self.not_with
    }

    /// The model rounds it to a multiple of this.
    pub fn rounded_to(&self) -> Option<i64> {
        self.rounded_to
    }

    /// Whether its publisher advises against it.
    pub fn is_deprecated(&self) -> bool {
        self.deprecated
    }

    /// Whether only the gateway's own pages show it. It is let through with a warning, and
    /// the typed inputs have no method for it.
    pub fn is_gateway_only(&self) -> bool {
        self.gateway_only
    }
}

impl fmt::Display for OutputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Files => "list",
            Self::OneFile => "single",
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// What it takes, in a few words: `1–4`, `webp | jpg | png`, `text`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Text => f.write_str("text"),
            Self::Choice { values } => f.write_str(&values.join(" | ")),
            Self::IntegerChoice { values } => {
                let values: Vec<_> = values.iter().map(i64::to_string).collect();
                f.write_str(&values.join(" | "))
            }
            Self::Integer { minimum, maximum } => range(f, "a whole number", minimum, maximum),
            Self::Number { minimum, maximum } => range(f, "a number", minimum, maximum),
            Self::Boolean => f.write_str("true or false"),
            Self::Image { .. } => f.write_str("a file's address or data uri"),
            Self::Images {
                min_items,
                max_items,
                ..
            } => list(f, "files' addresses or data uris", min_items, max_items),
            Self::Strings {
                min_items,
                max_items,
            } => list(f, "strings", min_items, max_items),
            Self::Json => f.write_str("any json"),
        }
    }
}

fn range<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    any: &str,
    minimum: Option<T>,
    maximum: Option<T>,
) -> fmt::Result {
    match (minimum, maximum) {
        (Some(minimum), Some(maximum)) => write!(f, "{minimum}–{maximum}"),
        (Some(minimum), None) => write!(f, "{minimum} or more"),
        (None, Some(maximum)) => write!(f, "{maximum} or less"),
        (None, None) => f.write_str(any),
    }
}

fn list(
    f: &mut fmt::Formatter<'_>,
    of: &str,
    min_items: Option<usize>,
    max_items: Option<usize>,
) -> fmt::Result {
    write!(f, "a list of {of}")?;
    match (min_items, max_items) {
        (Some(least), Some(most)) => write!(f, ", {least}–{most}"),
        (Some(least), None) => write!(f, ", {least} at least"),
        (None, Some(most)) => write!(f, ", {most} at most"),
        (None, None) => Ok(()),
    }
}
