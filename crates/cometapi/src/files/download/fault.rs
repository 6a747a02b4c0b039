//! Why an attempt at a download failed.

use std::fmt;

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;

/// What a URL returns that is a link rather than a file. The source of a download's error.
#[derive(Debug)]
pub(crate) struct WebPage;

impl fmt::Display for WebPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the response is html")
    }
}

impl std::error::Error for WebPage {}

/// A URL that holds the key, which its host would learn. The source of a download's error.
#[derive(Debug)]
pub(crate) struct KeyInAddress;

impl fmt::Display for KeyInAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host in the url would learn the key")
    }
}

impl std::error::Error for KeyInAddress {}

/// Whether a fault may pass.
pub(crate) enum Fault {
    /// Another attempt may do better.
    Passing(Error),
    /// It will stay so.
    Final(Error),
}

impl Fault {
    pub(super) fn into_error(self) -> Error {
        let (Self::Passing(error) | Self::Final(error)) = self;
        error
    }
}

/// A download's error; the address is left to the source, its query may hold a signature.
pub(super) fn failed(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Download, what)
}
