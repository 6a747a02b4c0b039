//! The access token: goes in, goes into one header, and comes out nowhere else.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// An access token of a `CometAPI` account, which is another secret than an API key. It is made at
/// <https://www.cometapi.com/console/personal>.
///
/// It cannot be printed, and its memory is cleared on drop.
///
/// ```
/// let token = cometapi_account::AccessToken::from("secret");
/// assert_eq!(format!("{token:?}"), "AccessToken(…)");
/// ```
#[derive(Clone)]
pub struct AccessToken(SecretString);

impl AccessToken {
    /// For the transport alone.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for AccessToken {
    fn from(text: &str) -> Self {
        Self(SecretString::from(text.trim()))
    }
}

impl From<String> for AccessToken {
    fn from(text: String) -> Self {
        // The untrimmed string is cleared as well.
        let secret = SecretString::from(text);
        Self::from(secret.expose_secret())
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}
