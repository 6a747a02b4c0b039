//! A word that is none of those that a field takes.

use std::fmt;

/// A text that is none of the words of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    text: String,
    words: &'static [&'static str],
}

impl UnknownWord {
    pub(super) fn new(text: &str, words: &'static [&'static str]) -> Self {
        Self {
            text: text.chars().take(40).collect(),
            words,
        }
    }

    /// The words that would do.
    pub fn words(&self) -> &'static [&'static str] {
        self.words
    }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is none of {}", self.text, self.words.join(", "))
    }
}

impl std::error::Error for UnknownWord {}
