//! What a check finds.

use std::fmt;

/// An input that its model would refuse, or make something else of than was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidInput {
    model: &'static str,
    problems: Vec<InputProblem>,
}

impl InvalidInput {
    pub(super) fn new(model: &'static str, problems: Vec<InputProblem>) -> Self {
        Self { model, problems }
    }

    /// The model, `owner/name`.
    pub fn model(&self) -> &'static str {
        self.model
    }

    /// Everything that is wrong; never empty.
    pub fn problems(&self) -> &[InputProblem] {
        &self.problems
    }

    /// Everything that is wrong, by value.
    pub fn into_problems(self) -> Vec<InputProblem> {
        self.problems
    }
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the input does not fit {}: ", self.model)?;
        for (index, problem) in self.problems.iter().enumerate() {
            let between = if index == 0 { "" } else { "; " };
            write!(f, "{between}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidInput {}

/// One thing that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputProblem {
    field: String,
    kind: InputProblemKind,
    message: String,
}

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputProblemKind {
    /// The model has no such field.
    UnknownField,
    /// The field is required, and it is not there or its text is empty or whitespace.
    Missing,
    /// The value is of another type.
    WrongType,
    /// The number is too small or too large, or the list too long.
    OutOfRange,
    /// The word or number is not one of those that the field takes.
    NotInList,
    /// The field counts only when another has a value that it has not.
    OnlyWith,
}

impl InputProblem {
    pub(crate) fn new(field: &str, kind: InputProblemKind, message: String) -> Self {
        Self {
            field: field.to_owned(),
            kind,
            message,
        }
    }

    /// The field.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What kind of thing is wrong.
    pub fn kind(&self) -> InputProblemKind {
        self.kind
    }
}

/// The field, what is wrong, and what would be right.
impl fmt::Display for InputProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for InputProblem {}

/// Something about an input that its sender may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    field: String,
    message: String,
}

impl Warning {
    pub(super) fn new(field: &str, message: String) -> Self {
        Self {
            field: field.to_owned(),
            message,
        }
    }

    /// The field.
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
