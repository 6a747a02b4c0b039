//! A terminal that a test types at.

use std::fs::File;
use std::io::{Read, Write};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

/// Both ends of a pseudo-terminal.
pub(crate) struct PseudoTerminal {
    /// The end of the person.
    person: File,
    /// The end of the command.
    pub(crate) command: File,
}

impl PseudoTerminal {
    pub(crate) fn open() -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let command = open(name, flags, Mode::empty()).unwrap();
        Self {
            person: person.into(),
            command: command.into(),
        }
    }

    /// Types `text`.
    pub(crate) fn types(&mut self, text: &str) {
        self.person.write_all(text.as_bytes()).unwrap();
    }

    /// Whether it shows what is typed.
    pub(crate) fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.command).unwrap();
        modes.local_modes.contains(LocalModes::ECHO)
    }

    /// What it shows, at least one byte.
    pub(crate) fn shown(&mut self) -> String {
        let mut shown = vec![0; 4096];
        let read = self.person.read(&mut shown).unwrap();
        String::from_utf8_lossy(&shown[..read]).into_owned()
    }

    /// Reads what it shows from now on, so that a command which shows much can go on.
    pub(crate) fn drain(&self) {
        let mut person = self.person.try_clone().unwrap();
        // It ends with an error when the last end of a command is closed.
        std::thread::spawn(move || std::io::copy(&mut person, &mut std::io::sink()));
    }
}
