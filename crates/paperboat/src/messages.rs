//! How messages are printed on stderr, as the flags of every command say.

use std::sync::OnceLock;

/// How messages are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Messages {
    /// Only errors.
    pub(crate) quiet: bool,
    /// As JSON.
    pub(crate) json: bool,
}

static MESSAGES: OnceLock<Messages> = OnceLock::new();

/// Sets how messages are printed from now on.
pub(crate) fn set(messages: Messages) {
    // It is set once.
    let _ = MESSAGES.set(messages);
}

/// How messages are printed.
pub(crate) fn messages() -> Messages {
    MESSAGES.get().copied().unwrap_or_default()
}

/// Whether messages are for people, so that a line may change while it is read.
pub(crate) fn is_for_people() -> bool {
    messages() == Messages::default()
}

/// Whether messages are JSON.
pub(crate) fn is_json() -> bool {
    messages().json
}

/// How severe a message is, in the words of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

impl Level {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}
