//! What can go wrong.

use std::fmt;

/// Why something of the account could not be read.
///
/// Its text holds no secret. It may quote the service, shortened and on one line.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The root is not a valid address, a secret cannot be sent in a header, or a parameter cannot be
    /// sent. Nothing was sent.
    Config,
    /// The service is another than `CometAPI`: whether it has the account's operations is unknown.
    UnknownHere,
    /// There is no API key, or none that may be sent to this root.
    NoKey,
    /// There is no access token.
    NoToken,
    /// No connection, or no response in time.
    Unreachable,
    /// The key or the token was refused.
    Unauthorized,
    /// The service refused the request.
    Refused,
    /// The service failed (5xx), or is busy (429): a later request may succeed.
    Unavailable,
    /// The response cannot be read.
    Unreadable,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Which kind it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
