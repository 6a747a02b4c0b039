//! A terminal that a test types at.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use rustix::fs::OFlags;
use rustix::pty::{grantpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::place::PATIENCE;

/// Both ends of a pseudo-terminal.
pub(crate) struct PseudoTerminal {
    /// The end of the person.
    person: File,
    /// The end of the command.
    pub(crate) command: File,
}

impl PseudoTerminal {
    /// Neither end passes to the processes that other tests start at the same time: one that lasts would keep
    /// the terminal open.
    pub(crate) fn open() -> Self {
        let person = open("/dev/ptmx");
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let command = open(OsStr::from_bytes(name.as_bytes()));
        Self { person, command }
    }

    /// Sets its size.
    pub(crate) fn resize(&self, columns: u16) {
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.person, size).unwrap();
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

/// Opens a terminal, which does not become that of the test, for this process alone.
fn open(path: impl AsRef<Path>) -> File {
    let flags = OFlags::NOCTTY.bits().try_into().unwrap();
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).custom_flags(flags);
    options.open(path).unwrap()
}

/// What a pseudo-terminal has shown, read on a thread of its own.
pub(crate) struct Recording {
    shown: watch::Receiver<String>,
    /// Disconnected when everything was read.
    reading: mpsc::Receiver<()>,
}

impl PseudoTerminal {
    /// Records what it shows from now on.
    pub(crate) fn record(&self) -> Recording {
        let mut person = self.person.try_clone().unwrap();
        let (sender, shown) = watch::channel(String::new());
        let (reads, reading) = mpsc::channel();
        std::thread::spawn(move || {
            let _reads = reads;
            let mut bytes = vec![0; 4096];
            let mut left = Vec::new();
            // It ends with an error when the last end of a command is closed.
            while let Ok(read) = person.read(&mut bytes) {
                left.extend_from_slice(&bytes[..read]);
                let whole = match std::str::from_utf8(&left) {
                    Ok(text) => text.len(),
                    Err(error) => error.valid_up_to(),
                };
                let text: Vec<u8> = left.drain(..whole).collect();
                let text = String::from_utf8(text).unwrap();
                sender.send_modify(|shown| shown.push_str(&text));
            }
        });
        Recording { shown, reading }
    }
}

impl Recording {
    /// Waits until it has shown `text`, this many `times`.
    pub(crate) async fn wait_for(&self, text: &str, times: usize) {
        let mut shown = self.shown.clone();
        let is_there = |shown: &String| shown.matches(text).count() >= times;
        let waited = timeout(PATIENCE, shown.wait_for(is_there)).await;
        let is_there = matches!(waited, Ok(Ok(_)));
        drop(waited);
        assert!(is_there, "never shown {text:?}:\n{:?}", self.shown());
    }

    /// What it has shown so far.
    pub(crate) fn shown(&self) -> String {
        self.shown.borrow().clone()
    }

    /// All that it has shown, once every command has ended.
    pub(crate) fn end(self, terminal: PseudoTerminal) -> String {
        drop(terminal.command);
        let ended = self.reading.recv_timeout(PATIENCE);
        let is_open = ended == Err(mpsc::RecvTimeoutError::Timeout);
        assert!(!is_open, "a process has the terminal open still");
        self.shown.borrow().clone()
    }
}

impl Drop for Recording {
    /// A command whose messages are on the terminal has no others.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the terminal showed:\n{}", self.shown());
        }
    }
}

/// The lines that a terminal of this many `columns` has in the end, without empty ones at their end.
pub(crate) fn screen(shown: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0, 0);
    let mut chars = shown.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' if chars.next_if_eq(&'[').is_some() => {
                let mut number = String::new();
                while let Some(digit) = chars.next_if(|c| !c.is_ascii_alphabetic()) {
                    number.push(digit);
                }
                match chars.next() {
                    Some('K') => lines[row].truncate(column),
                    Some('J') => {
                        lines[row].truncate(column);
                        lines.truncate(row + 1);
                    }
                    Some('A') => row -= number.parse().unwrap_or(1),
                    _ => {}
                }
            }
            c if c.is_control() => {}
            c => {
                if column == columns {
                    (row, column) = (row + 1, 0);
                }
                lines.resize(lines.len().max(row + 1), Vec::new());
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    let lines = lines.into_iter();
    let mut lines: Vec<_> = lines
        .map(|line| line.into_iter().collect::<String>().trim_end().to_owned())
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

#[test]
fn a_process_that_another_test_starts_does_not_keep_it_open() {
    let terminal = PseudoTerminal::open();
    let recording = terminal.record();
    let mut command = Command::new("/bin/cat");
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut lasting = command.spawn().unwrap();
    recording.end(terminal);
    drop(lasting.stdin.take());
    lasting.wait().unwrap();
}

#[test]
fn a_screen_has_what_was_not_taken_away() {
    for (shown, expected) in [
        ("a\r\nb\r\n", &["a", "b"][..]),
        ("spin\r\u{1b}[Ka fox\r\n", &["a fox"]),
        ("12345678\r\u{1b}[1A\u{1b}[Jx", &["x"]),
        ("spin\r\u{1b}[K", &[]),
    ] {
        assert_eq!(screen(shown, 5), expected, "{shown:?}");
    }
}
