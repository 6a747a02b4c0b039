//! What the list of known models says of an output.

/// What a model returns, as far as it matters for reading its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returns {
    /// Files, and nothing else.
    Files,
    /// Text, whatever it looks like.
    Text,
    /// Any JSON, or the model is not known.
    Anything,
}

impl Returns {
    /// Returns what the model of this name returns.
    #[cfg(feature = "models")]
    pub(crate) fn of(model: Option<&str>) -> Self {
        use cometapi_models::{Model, OutputKind, find};

        match model.and_then(find).map(Model::output_kind) {
            Some(kind) if kind.is_files() => Self::Files,
            Some(OutputKind::Text) => Self::Text,
            _ => Self::Anything,
        }
    }

    #[cfg(not(feature = "models"))]
    pub(crate) fn of(_model: Option<&str>) -> Self {
        Self::Anything
    }
}
