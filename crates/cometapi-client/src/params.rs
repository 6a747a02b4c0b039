//! The path parameters. The parts of a model id can be sent as they stand. A prediction's id
//! is the service's own and opaque, so nearly anything is accepted and percent-encoded.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is sent as it stands in a path: what RFC 3986 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A path parameter as one segment of a URL. The generated code calls it instead of the
/// generator's own, which leaves `\\` as it stands: URL parsers take that for a slash.
#[doc(hidden)]
pub fn encode_path(parameter: &str) -> String {
    utf8_percent_encode(parameter, ENCODED).to_string()
}

/// A string that cannot be sent as a path parameter, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidParam {
    what: &'static str,
    text: String,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    Empty,
    TooLong(usize),
    Start(char),
    Character(char),
    Dots,
}

impl InvalidParam {
    /// The text that was refused.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for InvalidParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.what;
        match self.why {
            Why::Empty => write!(f, "the {what} is empty"),
            Why::TooLong(max) => write!(f, "the {what} is longer than {max} characters"),
            Why::Start(c) => write!(
                f,
                "the {what} {:?} starts with {c:?}; it must start with a letter, a digit or '_'",
                self.text
            ),
            Why::Character(c) => write!(
                f,
                "the {what} {:?} contains {c:?}, which has no place in it",
                self.text
            ),
            Why::Dots => write!(
                f,
                "the {what} {:?} cannot be one: in a URL it means another path",
                self.text
            ),
        }
    }
}

impl std::error::Error for InvalidParam {}

type Check = fn(what: &'static str, text: &str, max: usize) -> Result<(), InvalidParam>;

fn refusal(what: &'static str, text: &str, why: Why) -> InvalidParam {
    // A very long text does not help in an error.
    let text = text.chars().take(80).collect();
    InvalidParam { what, text, why }
}

fn check_length(what: &'static str, text: &str, max: usize) -> Result<(), InvalidParam> {
    if text.is_empty() {
        return Err(refusal(what, text, Why::Empty));
    }
    // The spec's `maxLength` counts characters.
    if text.len() > max && text.chars().count() > max {
        return Err(refusal(what, text, Why::TooLong(max)));
    }
    Ok(())
}

/// A first character that is a letter, digit or `_`, then those, `.` and `-`.
const MODEL_PART: Check = |what, text, max| {
    check_length(what, text, max)?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(bad) = text.chars().find(|&c| !word(c) && !".-".contains(c)) {
        return Err(refusal(what, text, Why::Character(bad)));
    }
    match text.chars().next().filter(|first| !word(*first)) {
        Some(first) => Err(refusal(what, text, Why::Start(first))),
        None => Ok(()),
    }
};

/// Anything that is not a way through the path, and not a control character.
const OPAQUE: Check = |what, text, max| {
    check_length(what, text, max)?;
    if matches!(text, "." | "..") {
        return Err(refusal(what, text, Why::Dots));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(bad) => Err(refusal(what, text, Why::Character(bad))),
        None => Ok(()),
    }
};

macro_rules! path_param {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The text as it is sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidParam;

            fn from_str(text: &str) -> Result<Self, InvalidParam> {
                $check($what, text, $max)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidParam;

            fn try_from(text: String) -> Result<Self, InvalidParam> {
                $check($what, &text, $max)?;
                Ok(Self(text))
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::try_from(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

path_param!(
    /// The part of a model id before the slash: 1 to 128 letters, digits, `_`, `-`, `.`.
    ///
    /// ```
    /// use cometapi_client::ModelOwner;
    ///
    /// assert!("black-forest-labs".parse::<ModelOwner>().is_ok());
    /// assert!("..".parse::<ModelOwner>().is_err());
    /// ```
    ModelOwner, "model owner", 128, MODEL_PART
);

path_param!(
    /// The part of a model id after the slash, under the same rule as [`ModelOwner`].
    ModelName, "model name", 128, MODEL_PART
);

path_param!(
    /// The id of a prediction: 1 to 256 characters without control characters, and neither `.` nor
    /// `..`. Opaque otherwise, and percent-encoded when it is sent: ids of gateways hold `=`,
    /// `+`, `/` and `:` (observed).
    PredictionId, "prediction id", 256, OPAQUE
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_part_can_be_sent_as_it_stands() {
        let bad = [
            "",
            ".",
            "..",
            "...",
            "a/b",
            "a\\b",
            "%2F",
            "a%2e",
            "a b",
            "a\n",
            "a?b",
            "a#b",
            "-a",
            "å",
            "a\u{200b}b",
            "a:b",
        ];
        for text in bad {
            assert!(text.parse::<ModelOwner>().is_err(), "{text:?} as an owner");
            assert!(text.parse::<ModelName>().is_err(), "{text:?} as a name");
        }
        assert!("a".repeat(129).parse::<ModelName>().is_err());
        for name in [
            "flux-1.1-pro-ultra",
            "sdxl",
            "_x",
            "GPT-2",
            &"a".repeat(128),
        ] {
            assert_eq!(name.parse::<ModelName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_prediction_id_is_opaque_and_one_segment_of_a_path() {
        for bad in [
            "",
            ".",
            "..",
            "a\n",
            "\0",
            "a\u{7f}",
            "a\u{9b}b",
            &"a".repeat(257),
            &"狐".repeat(257),
        ] {
            assert!(bad.parse::<PredictionId>().is_err(), "{bad:?}");
        }
        assert!("狐".repeat(256).parse::<PredictionId>().is_ok());
        for (id, encoded) in [
            ("q4chw5rey9rmt0cww76t4h3ma4", "q4chw5rey9rmt0cww76t4h3ma4"),
            ("task_0aZ", "task_0aZ"),
            ("a.b~c-d", "a.b~c-d"),
            ("video_bGl0ZWxs=", "video_bGl0ZWxs%3D"),
            ("a+b/c:d", "a%2Bb%2Fc%3Ad"),
            ("..\\x", "..%5Cx"),
            ("%2e%2e", "%252e%252e"),
            ("a b?c#d", "a%20b%3Fc%23d"),
            ("狐", "%E7%8B%90"),
        ] {
            assert_eq!(id.parse::<PredictionId>().unwrap().to_string(), id);
            assert_eq!(encode_path(id), encoded, "{id}");
            let url = format!("https://h/v1/predictions/{}", encode_path(id));
            let url = reqwest::Url::parse(&url).unwrap();
            assert_eq!(url.path(), format!("/v1/predictions/{encoded}"));
        }
    }

    #[test]
    fn a_refusal_names_the_part_and_the_character() {
        let e = "a/b".parse::<ModelName>().unwrap_err();
        assert_eq!(
            e.to_string(),
            "the model name \"a/b\" contains '/', which has no place in it"
        );
        let e = "-a".parse::<ModelOwner>().unwrap_err();
        assert_eq!(
            e.to_string(),
            "the model owner \"-a\" starts with '-'; it must start with a letter, a digit or '_'"
        );
    }
}
