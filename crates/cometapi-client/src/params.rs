//! The path parameters. Each can be sent as it stands: what a URL parser would take for
//! structure (`.`, `..`, `/`, `\`, `%`, controls) never gets into one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that cannot be sent as a path parameter, and why.
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
        }
    }
}

impl std::error::Error for InvalidParam {}

/// One rule for all three: a first character that is a letter, digit or `_`, then those and
/// the marks given.
fn check(what: &'static str, text: &str, max: usize, marks: &str) -> Result<(), InvalidParam> {
    let refuse = |why| {
        // A text as long as a novel helps nobody in an error.
        let text = text.chars().take(80).collect();
        Err(InvalidParam { what, text, why })
    };
    let Some(first) = text.chars().next() else {
        return refuse(Why::Empty);
    };
    if text.len() > max {
        return refuse(Why::TooLong(max));
    }
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(bad) = text.chars().find(|&c| !word(c) && !marks.contains(c)) {
        return refuse(Why::Character(bad));
    }
    if !word(first) {
        return refuse(Why::Start(first));
    }
    Ok(())
}

macro_rules! path_param {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $marks:literal) => {
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
                check($what, text, $max, $marks)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidParam;

            fn try_from(text: String) -> Result<Self, InvalidParam> {
                check($what, &text, $max, $marks)?;
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
    ModelOwner, "model owner", 128, ".-"
);

path_param!(
    /// The part of a model id after the slash, under the same rule as [`ModelOwner`].
    ModelName, "model name", 128, ".-"
);

path_param!(
    /// The id of a prediction as it is sent: 1 to 256 letters, digits, `_`, `-`, `.`, `~`.
    /// Opaque otherwise.
    PredictionId, "prediction id", 256, ".-~"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_would_take_for_structure_is_refused() {
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
            assert!(text.parse::<PredictionId>().is_err(), "{text:?} as an id");
        }
        assert!("a".repeat(129).parse::<ModelName>().is_err());
        assert!("a".repeat(257).parse::<PredictionId>().is_err());
    }

    #[test]
    fn known_names_and_ids_pass() {
        for name in [
            "flux-1.1-pro-ultra",
            "sdxl",
            "_x",
            "GPT-2",
            &"a".repeat(128),
        ] {
            assert_eq!(name.parse::<ModelName>().unwrap().as_str(), name);
        }
        for id in ["q4chw5rey9rmt0cww76t4h3ma4", "task_0aZ", "a.b~c-d"] {
            assert_eq!(id.parse::<PredictionId>().unwrap().to_string(), id);
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
