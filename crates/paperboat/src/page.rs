//! A manual page of a command.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::args::examples::{self, Example};
use crate::args::help;
use crate::args::topics::TOPICS;

/// A manual page.
pub(crate) struct Page {
    man: Man,
    name: String,
    examples: &'static [Example],
}

/// Of lines that `man` does not fill.
const WIDTH: usize = 72;

impl Page {
    /// The page of `command`, which is `root` or one of its commands.
    pub(crate) fn of(root: &Command, command: &Command) -> Self {
        let is_root = command.get_name() == root.get_name();
        let name = if is_root {
            root.get_name().to_owned()
        } else {
            format!("{}-{}", root.get_name(), command.get_name())
        };
        let version = root.get_version().unwrap_or_default().to_owned();
        let examples = examples::of(command.get_name());
        let details = help::details(command, WIDTH);
        let command = command.clone().version(version).display_name(name.clone());
        let command = if details.is_empty() {
            command
        } else {
            command.after_long_help(details)
        };
        let man = Man::new(command).title(name.clone());
        Self {
            man,
            name,
            examples,
        }
    }

    /// `paperboat-batch.1`.
    pub(crate) fn file_name(&self) -> String {
        format!("{}.1", self.name)
    }

    /// The page as `man` reads it: with what clap knows, and the topics that are the same for every
    /// command.
    pub(crate) fn roff(&self) -> io::Result<String> {
        let mut page = Vec::new();
        self.man.render(&mut page)?;
        page.extend(self.examples());
        for topic in TOPICS {
            let Some(section) = topic.section else {
                continue;
            };
            let mut roff = Roff::new();
            roff.control("SH", [section]);
            for (term, text) in topic.entries {
                roff.control("TP", []);
                roff.text([bold(*term)]);
                roff.text([roman(*text)]);
            }
            page.extend(roff.render().into_bytes());
        }
        Ok(String::from_utf8_lossy(&page).into_owned())
    }

    fn examples(&self) -> Vec<u8> {
        let mut roff = Roff::new();
        roff.control("SH", ["EXAMPLES"]);
        for example in self.examples {
            roff.control("TP", []);
            roff.text([bold(format!("paperboat {}", example.line))]);
            roff.text([roman(example.about)]);
        }
        roff.render().into_bytes()
    }
}
