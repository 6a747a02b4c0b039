//! A secret: it goes into requests, and what is shown of it identifies it without giving it away.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::advice;

/// Which secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The API key, which predictions are created with.
    Key,
    /// The access token of the account, which only the account's own endpoints accept.
    AccessToken,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Key, Self::AccessToken];

    /// The variable that holds it.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Key => "COMETAPI_KEY",
            Self::AccessToken => "COMETAPI_ACCESS_TOKEN",
        }
    }

    /// Another name of the variable, which other programs use.
    pub(super) fn other_variable(self) -> Option<&'static str> {
        match self {
            // LlamaIndex's.
            Self::Key => Some("COMETAPI_API_KEY"),
            Self::AccessToken => None,
        }
    }

    /// The variable that holds a command which prints it.
    pub(super) fn command_variable(self) -> &'static str {
        match self {
            Self::Key => "COMETAPI_KEY_COMMAND",
            Self::AccessToken => "COMETAPI_ACCESS_TOKEN_COMMAND",
        }
    }

    /// Its name in our own file.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::AccessToken => "access_token",
        }
    }

    /// Its name in the file of `CometAPI`'s own command line.
    pub(super) fn official_field(self) -> &'static str {
        match self {
            Self::Key => "api_key",
            Self::AccessToken => "access_token",
        }
    }

    /// The page where a person creates one for `CometAPI`.
    pub(crate) fn page(self) -> &'static str {
        match self {
            Self::Key => "https://www.cometapi.com/console/token",
            Self::AccessToken => "https://www.cometapi.com/console/personal",
        }
    }

    /// The command that stores one.
    pub(crate) fn login(self) -> String {
        let flag = match self {
            Self::Key => "",
            Self::AccessToken => "--access-token",
        };
        advice::command("login", flag)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "API key",
            Self::AccessToken => "access token",
        })
    }
}

/// A secret, without whitespace around it. Its memory is cleared on drop.
#[derive(Clone)]
pub(crate) struct Secret(SecretString);

impl Secret {
    /// `None` if `text` is only whitespace.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(SecretString::from(text)))
    }

    /// For the request and for our own file.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is shown of it: `sk-…abcd`. Of a short one, nothing.
    pub(crate) fn masked(&self) -> String {
        const SHOWN: usize = 4;
        const LONG: usize = 16;
        let text = self.expose();
        // A secret is ASCII if it can be sent; of any other, no part is shown.
        if !text.is_ascii() || text.len() < LONG {
            return "…".to_owned();
        }
        let prefix = if text.starts_with("sk-") { "sk-" } else { "" };
        format!("{prefix}…{}", &text[text.len() - SHOWN..])
    }

    /// Whether it can stand in a header as one word, as every key and token does.
    pub(crate) fn can_be_sent(&self) -> bool {
        self.expose().bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_identifies_a_long_secret_and_hides_a_short_one() {
        for (text, masked) in [
            ("sk-0123456789abcdef", "sk-…cdef"),
            (" sk-0123456789abcdef\n", "sk-…cdef"),
            ("0123456789abcdef", "…cdef"),
            ("sk-0123456789ab", "…"),
            ("any", "…"),
            ("sk-0123456789狐狐狐狐", "…"),
        ] {
            assert_eq!(Secret::of(text).unwrap().masked(), masked, "{text}");
        }
    }

    #[test]
    fn whitespace_is_no_secret() {
        for text in ["", " ", "\n", "\t\r\n"] {
            assert!(Secret::of(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn it_cannot_be_printed() {
        let secret = Secret::of("sk-0123456789abcdef").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn only_one_word_of_ascii_can_be_sent() {
        for (text, can) in [
            ("sk-a/b+c=", true),
            ("a b", false),
            ("a\u{7f}", false),
            ("ä", false),
        ] {
            assert_eq!(Secret::of(text).unwrap().can_be_sent(), can, "{text}");
        }
    }
}
