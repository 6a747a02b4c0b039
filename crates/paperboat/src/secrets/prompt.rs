//! A line that a person types, or that a script writes to stdin.

use std::io::{self, BufRead, IsTerminal, Read};

use tokio::task::{JoinError, spawn_blocking};

use crate::failure::Failure;
use crate::interrupt::{Signal, Signals};
use crate::print;

/// The most that is read of a line, in bytes.
const MAX_LINE: u64 = 64 * 1024;

/// Reads a line from stdin. If it is a terminal, prints `prompt` first and hides what is typed; a
/// signal ends the wait, and the terminal is then as it was.
pub(crate) async fn hidden_line(prompt: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return line(&mut Signals::listen()).await;
    }
    let mut signals = Signals::listen();
    let hidden = hidden::Echo::off()
        .map_err(|e| Failure::usage("the terminal cannot hide what is typed").caused_by(&e))?;
    print::question(prompt);
    let read = signals.unless(spawn_blocking(hidden::read_line)).await;
    drop(hidden);
    ended(read)
}

/// Reads a line from stdin, unless a signal arrives before.
pub(crate) async fn line(signals: &mut Signals) -> Result<String, Failure> {
    ended(signals.unless(spawn_blocking(read)).await)
}

fn ended(read: Result<Result<io::Result<String>, JoinError>, Signal>) -> Result<String, Failure> {
    let read = read.map_err(Failure::ended_by)?;
    read.unwrap_or_else(|e| Err(io::Error::other(e)))
        .map_err(|e| Failure::usage("stdin cannot be read").caused_by(&e))
}

fn read() -> io::Result<String> {
    let mut line = Vec::new();
    let stdin = io::stdin().lock();
    stdin.take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.len() as u64 == MAX_LINE {
        return Err(io::Error::other("the line is too long"));
    }
    // What it holds may be a secret, which the error of the conversion would show.
    String::from_utf8(line).map_err(|_| io::Error::other("the line is not text in UTF-8"))
}

#[cfg(unix)]
mod hidden {
    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// A terminal that does not show what is typed, until this is dropped.
    pub(super) struct Echo(Termios);

    impl Echo {
        pub(super) fn off() -> io::Result<Self> {
            let before = tcgetattr(io::stdin())?;
            let mut modes = before.clone();
            modes.local_modes.remove(LocalModes::ECHO);
            // The line break is shown, so that what follows begins a line.
            modes.local_modes.insert(LocalModes::ECHONL);
            tcsetattr(io::stdin(), OptionalActions::Flush, &modes)?;
            Ok(Self(before))
        }
    }

    pub(super) fn read_line() -> io::Result<String> {
        super::read()
    }

    impl Drop for Echo {
        fn drop(&mut self) {
            // The shell resets a terminal that is gone or refuses it.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        }
    }
}

#[cfg(not(unix))]
mod hidden {
    use std::io;

    pub(super) struct Echo;

    impl Echo {
        #[expect(clippy::unnecessary_wraps, reason = "as where it can fail")]
        pub(super) fn off() -> io::Result<Self> {
            Ok(Self)
        }
    }

    pub(super) fn read_line() -> io::Result<String> {
        rpassword::read_password()
    }
}
