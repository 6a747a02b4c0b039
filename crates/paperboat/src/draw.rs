//! Saved images, drawn in a terminal.

use std::env;
use std::error::Error;
use std::io::{self, IsTerminal};
use std::path::Path;

use image::{DynamicImage, ImageReader};
use terminal_size::{Height, Width};
use viuer::Config;

use self::terminal::Terminal;
use crate::{live, print};

/// The longer side of what is sent to a terminal, in pixels.
const MAX_SIDE: u32 = 1024;

/// The widest drawing, in cells.
const MAX_CELLS: u16 = 100;

/// What stays free below a drawing, in lines.
const FREE_LINES: u16 = 3;

/// Draws this image on stdout: by the graphics protocol of kitty or iTerm where the terminal has one, else
/// as half blocks. Draws nothing if stdout is no terminal, or one that shows only text.
pub(crate) fn show(path: &Path) {
    let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    if is_dumb || !io::stdout().is_terminal() {
        return;
    }
    if let Some(Err(error)) = live::around(|| draw(path)) {
        let path = path.display();
        print::note(format_args!("{path} cannot be drawn here: {error}"));
    }
}

fn draw(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut image = ImageReader::open(path)?.with_guessed_format()?.decode()?;
    if image.width().max(image.height()) > MAX_SIDE {
        image = image.thumbnail(MAX_SIDE, MAX_SIDE);
    }
    // The protocols take 8 bits a channel.
    let image = DynamicImage::from(image.to_rgba8());
    let (columns, lines) = cells();
    // As long as questions are asked, what the terminal answers is not shown.
    let terminal = Terminal::quiet();
    let config = Config {
        absolute_offset: false,
        transparent: true,
        width: Some(columns.min(MAX_CELLS).into()),
        height: Some(lines.saturating_sub(FREE_LINES).max(1).into()),
        // It asks the terminal, and waits for the answer without an end.
        use_kitty: terminal.is_some() && Terminal::answers(),
        ..Config::default()
    };
    viuer::print(&image, &config)?;
    Ok(())
}

/// The size of the terminal; one that does not say it is taken for a usual one.
fn cells() -> (u16, u16) {
    match terminal_size::terminal_size_of(io::stdout()) {
        Some((Width(columns), Height(lines))) if columns > 0 && lines > 0 => (columns, lines),
        _ => (80, 24),
    }
}

#[cfg(unix)]
mod terminal {
    use std::io::{self, IsTerminal, Write};
    use std::sync::OnceLock;

    use rustix::io::read;
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
    };

    /// Asks a terminal what it is; every terminal that people sit at answers.
    const WHAT_ARE_YOU: &[u8] = b"\x1b[c";

    /// How long a terminal is given to answer, in tenths of a second.
    const PATIENCE: u8 = 10;

    /// The terminal at stdin, which does not show what it answers and whose reads end without an answer,
    /// until this is dropped.
    pub(super) struct Terminal(Termios);

    impl Terminal {
        /// `None` if stdin is not a terminal.
        pub(super) fn quiet() -> Option<Self> {
            if !io::stdin().is_terminal() {
                return None;
            }
            let before = tcgetattr(io::stdin()).ok()?;
            let mut modes = before.clone();
            modes
                .local_modes
                .remove(LocalModes::ECHO | LocalModes::ICANON);
            modes.special_codes[SpecialCodeIndex::VMIN] = 0;
            modes.special_codes[SpecialCodeIndex::VTIME] = PATIENCE;
            tcsetattr(io::stdin(), OptionalActions::Now, &modes).ok()?;
            Some(Self(before))
        }

        /// Whether a quiet terminal answers questions. It is asked once.
        pub(super) fn answers() -> bool {
            static ANSWERS: OnceLock<bool> = OnceLock::new();
            *ANSWERS.get_or_init(|| ask().unwrap_or(false))
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            // The shell resets a terminal that is gone or refuses it.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        }
    }

    fn ask() -> io::Result<bool> {
        let mut out = io::stdout().lock();
        out.write_all(WHAT_ARE_YOU)?;
        out.flush()?;
        let mut answer = Vec::new();
        let mut bytes = [0; 64];
        // It ends as it does in all answers to this question.
        while !answer.ends_with(b"c") {
            match read(io::stdin(), &mut bytes)? {
                0 => return Ok(false),
                count => answer.extend_from_slice(&bytes[..count]),
            }
        }
        Ok(true)
    }
}

#[cfg(not(unix))]
mod terminal {
    /// Its terminals have another protocol.
    pub(super) struct Terminal;

    impl Terminal {
        pub(super) fn quiet() -> Option<Self> {
            None
        }

        pub(super) fn answers() -> bool {
            false
        }
    }
}
