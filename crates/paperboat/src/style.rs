//! Colours, for a terminal alone.

use std::env;
use std::io::{self, IsTerminal};

use anstyle::{AnsiColor, Effects, Style};

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It went well.
    Good,
    /// It failed.
    Bad,
    /// It is not over, or someone should look at it.
    Open,
    /// Less than the rest.
    Dim,
}

/// Paints words, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// For stdout: on a terminal that shows colours, unless `NO_COLOR` is set.
    pub(crate) fn of_stdout() -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            on: io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb,
        }
    }

    /// Returns `text` in this tone.
    pub(crate) fn tone(self, tone: Tone, text: &str) -> String {
        if !self.on || text.is_empty() {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default(),
            Tone::Open => AnsiColor::Yellow.on_default(),
            Tone::Dim => Style::new().effects(Effects::DIMMED),
        };
        format!("{style}{text}{style:#}")
    }
}
