//! Why a spec gives no code.

use std::fmt;

/// Why a spec gives no code.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The text is not YAML, or not strict enough.
    Yaml {
        /// What is wrong, with line, column and the lines around.
        message: String,
    },
    /// The spec breaks rules of the house; all that do are here.
    Lint {
        /// One per place and rule, in the order of the rules.
        findings: Vec<Finding>,
    },
    /// The YAML is not an OpenAPI 3.0 document.
    Document {
        /// Where reading stopped, such as `paths./predictions.get`.
        at: String,
        /// What was expected there.
        message: String,
    },
    /// The generator refused the spec, or what it gave is no good.
    Generator {
        /// The operation or schema that is at fault by itself, where one was found.
        place: Option<String>,
        /// The generator's own words.
        message: String,
    },
    /// A model's published schema gives no component.
    Published {
        /// What is wrong with it, or missing, and what to do.
        message: String,
    },
    /// The spec has a component for a model that would be imported.
    AlreadyThere {
        /// The model, `owner/name`.
        model: String,
        /// Its component.
        component: String,
    },
}

impl Error {
    pub(crate) fn published(message: impl Into<String>) -> Self {
        Self::Published {
            message: message.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yaml { message } => write!(f, "the spec cannot be read: {message}"),
            Self::Lint { findings } => {
                let plural = if findings.len() == 1 { "" } else { "s" };
                write!(
                    f,
                    "the spec breaks house rules in {} place{plural}:",
                    findings.len()
                )?;
                findings
                    .iter()
                    .try_for_each(|finding| write!(f, "\n  {finding}"))
            }
            Self::Document { at, message } => {
                write!(f, "the spec is not OpenAPI 3.0: at `{at}`: {message}")
            }
            Self::Generator { place, message } => {
                f.write_str("the generator cannot express ")?;
                match place {
                    Some(place) => write!(f, "{place}: {message}"),
                    None => write!(f, "the spec: {message}"),
                }
            }
            Self::Published { message } => {
                write!(f, "the published schema cannot be imported: {message}")
            }
            Self::AlreadyThere { model, component } => write!(
                f,
                "the spec has {model} already, as {component}; take that out first, or merge the \
                 two by hand"
            ),
        }
    }
}

impl std::error::Error for Error {}

/// One place in the spec that breaks one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule, as [`rules`](crate::rules) names it.
    pub rule: &'static str,
    /// An operation (`operation get_prediction`) or a JSON pointer (`#/info/version`).
    pub place: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.rule, self.place, self.message)
    }
}
