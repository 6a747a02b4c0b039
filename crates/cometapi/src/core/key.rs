//! The key: goes in, goes into one header, and comes out nowhere else.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A `CometAPI` key.
///
/// It cannot be printed: `Debug` shows a placeholder, there is no `Display`, and its memory
/// is cleared on drop. Whitespace around it is trimmed, as the official SDKs do.
///
/// ```
/// let key = cometapi::ApiKey::from("sk-secret");
/// assert_eq!(format!("{key:?}"), "ApiKey(…)");
/// ```
#[derive(Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// For the transport alone.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.expose().is_empty()
    }
}

impl From<&str> for ApiKey {
    fn from(text: &str) -> Self {
        Self(SecretString::from(text.trim()))
    }
}

impl From<String> for ApiKey {
    fn from(text: String) -> Self {
        // The untrimmed text is cleared as well.
        Self::from(SecretString::from(text))
    }
}

impl From<SecretString> for ApiKey {
    fn from(secret: SecretString) -> Self {
        Self::from(secret.expose_secret())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}
