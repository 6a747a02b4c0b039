//! A manual page of a command.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::args::topics::TOPICS;

/// A manual page.
pub(crate) struct Page {
    man: Man,
    name: String,
}

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
        let mut command = command.clone().version(version).display_name(name.clone());
        if is_root {
            // The topics are sections of the page.
            command = command.after_help("");
        }
        let man = Man::new(command).title(name.clone());
        Self { man, name }
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
        for topic in TOPICS {
            let mut roff = Roff::new();
            roff.control("SH", [topic.section]);
            for (term, text) in topic.entries {
                roff.control("TP", []);
                roff.text([bold(*term)]);
                roff.text([roman(*text)]);
            }
            page.extend(roff.render().into_bytes());
        }
        Ok(String::from_utf8_lossy(&page).into_owned())
    }
}
