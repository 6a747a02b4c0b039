//! The live line: the last line of a terminal, which is drawn again as the work goes on. There is one per
//! process, and whatever else is printed takes its place for the time being, so that it is never left behind.

#[cfg(unix)]
mod job;

use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use terminal_size::{Width, terminal_size_of};
use unicode_width::UnicodeWidthChar;

use crate::messages;
use crate::printable::printable;

/// How often it is drawn.
const TICK: Duration = Duration::from_millis(100);

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

static LINE: Mutex<Line> = Mutex::new(Line {
    text: None,
    number: 0,
    frame: 0,
    drawn: 0,
    is_stopped: false,
    is_closed: false,
});

/// Notified when the line is taken away.
static ENDED: Condvar = Condvar::new();

/// Whether there is a line, so that without one nothing is locked to print.
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

/// What was printed in the background of a terminal that stops what writes there.
static HELD: Mutex<Vec<(Stream, String)>> = Mutex::new(Vec::new());

/// Where a line is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

type Text = Box<dyn Fn() -> String + Send>;

struct Line {
    /// What it shows at this time.
    text: Option<Text>,
    /// Which of the lines of this process it is.
    number: u64,
    frame: usize,
    /// How many columns of the terminal it takes; 0 if it is not drawn.
    drawn: usize,
    /// Whether the process is being stopped.
    is_stopped: bool,
    /// Whether none is drawn any more.
    is_closed: bool,
}

/// The live line, until it is dropped.
pub(crate) struct Live {
    number: u64,
}

impl Live {
    /// Shows what `text` returns, as it changes. `None` if stderr is not a terminal that can go back over a
    /// line, or messages are not for people, or there is a live line already.
    pub(crate) fn show(text: impl Fn() -> String + Send + 'static) -> Option<Self> {
        if !is_possible() || !messages::is_for_people() {
            return None;
        }
        #[cfg(unix)]
        job::listen();
        let mut line = lock();
        if line.text.is_some() || line.is_closed {
            return None;
        }
        line.text = Some(Box::new(text));
        line.number += 1;
        let number = line.number;
        let ticker = thread::Builder::new().name("paperboat-live".to_owned());
        if ticker.spawn(move || tick(number)).is_err() {
            line.text = None;
            return None;
        }
        IS_SHOWN.store(true, Ordering::Release);
        line.draw();
        Some(Self { number })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let mut line = lock();
        if line.number == self.number {
            line.end();
        }
    }
}

/// Takes the line away for good: the process ends.
pub(crate) fn close() {
    let mut line = lock();
    line.is_closed = true;
    line.end();
    print_held();
}

/// Draws the line now: what it shows may soon have passed.
pub(crate) fn redraw() {
    if IS_SHOWN.load(Ordering::Acquire) {
        lock().draw();
    }
}

/// Prints a line on `stream`, which is not one that others wait for: stderr, or a terminal. From the background of
/// a terminal that stops what writes there, it is printed later.
pub(crate) fn print(stream: Stream, text: &str) -> io::Result<()> {
    #[cfg(unix)]
    if job::would_stop() {
        held().push((stream, text.to_owned()));
        return Ok(());
    }
    if !IS_SHOWN.load(Ordering::Acquire) {
        print_held();
        return write_line(stream, text);
    }
    let mut line = lock();
    line.clear();
    print_held();
    let printed = write_line(stream, text);
    line.draw();
    printed
}

/// Draws something else than a line while the live line is away. In the background, nothing is drawn.
pub(crate) fn around<T>(draw: impl FnOnce() -> T) -> Option<T> {
    if !is_in_foreground() {
        return None;
    }
    let mut line = lock();
    line.clear();
    print_held();
    let drawn = draw();
    line.draw();
    Some(drawn)
}

/// Prints what could not be printed before.
fn print_held() {
    let lines = std::mem::take(&mut *held());
    for (stream, line) in lines {
        // A terminal that is gone shows nothing.
        let _ = write_line(stream, &line);
    }
}

fn held() -> MutexGuard<'static, Vec<(Stream, String)>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a line at once, so that no line of another process gets into it.
fn write_line(stream: Stream, line: &str) -> io::Result<()> {
    let line = format!("{line}\n");
    match stream {
        Stream::Stdout => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(line.as_bytes())?;
            stdout.flush()
        }
        Stream::Stderr => io::stderr().lock().write_all(line.as_bytes()),
    }
}

/// Takes the line away while the process is stopped by `stop`.
#[cfg(unix)]
fn stopped(stop: impl FnOnce()) {
    let mut line = lock();
    line.clear();
    line.is_stopped = true;
    drop(line);
    stop();
    // It continues.
    lock().is_stopped = false;
}

fn lock() -> MutexGuard<'static, Line> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tick(number: u64) {
    let mut line = lock();
    loop {
        let waited = ENDED.wait_timeout(line, TICK);
        line = waited.unwrap_or_else(PoisonError::into_inner).0;
        if line.number != number || line.text.is_none() {
            return;
        }
        line.frame = (line.frame + 1) % FRAMES.len();
        line.catch_up();
        line.draw();
    }
}

impl Line {
    fn draw(&mut self) {
        if self.is_stopped || self.is_closed || !is_in_foreground() {
            return;
        }
        let Some(text) = &self.text else { return };
        let text = format!("{} {}", FRAMES[self.frame], printable(&text()));
        // The last column stays free: a terminal goes to the next line there.
        let columns = columns();
        let (text, width) = cut(&text, columns.saturating_sub(1));
        let begin = self.begin(columns);
        self.drawn = width;
        write(&format!("{begin}{text}\u{1b}[K"));
    }

    /// Prints what was held, now that the terminal is ours.
    fn catch_up(&mut self) {
        let is_ours = !self.is_stopped && is_in_foreground();
        if is_ours && !held().is_empty() {
            self.clear();
            print_held();
        }
    }

    fn clear(&mut self) {
        if self.drawn == 0 {
            return;
        }
        // In the background the line is not ours any more.
        if is_in_foreground() {
            let begin = self.begin(columns());
            write(&format!("{begin}\u{1b}[K"));
        }
        self.drawn = 0;
    }

    fn end(&mut self) {
        self.clear();
        self.text = None;
        IS_SHOWN.store(false, Ordering::Release);
        ENDED.notify_all();
    }

    /// Moves to the beginning of the line, which a narrower terminal has wrapped.
    fn begin(&self, columns: usize) -> String {
        match self.drawn.div_ceil(columns.max(1)) {
            0 | 1 => "\r".to_owned(),
            rows => format!("\r\u{1b}[{}A\u{1b}[J", rows - 1),
        }
    }
}

fn write(text: &str) {
    let mut stderr = io::stderr().lock();
    // A terminal that is gone shows nothing.
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

fn columns() -> usize {
    terminal_size_of(io::stderr()).map_or(80, |(Width(columns), _)| columns.into())
}

/// The beginning of `text` that fits into `columns`, and how many of them it takes.
fn cut(text: &str, columns: usize) -> (&str, usize) {
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        let width = c.width().unwrap_or(0);
        if taken + width > columns {
            return (&text[..at], taken);
        }
        taken += width;
    }
    (text, taken)
}

/// Whether stderr is a terminal that can go back over a line.
fn is_possible() -> bool {
    let is_dumb = match env::var_os("TERM") {
        Some(term) => term == "dumb",
        // Only the newer of Windows' terminals follow what moves the cursor.
        None => cfg!(unix) || env::var_os("WT_SESSION").is_none(),
    };
    !is_dumb && io::stderr().is_terminal()
}

#[cfg(unix)]
use self::job::is_in_foreground;

#[cfg(not(unix))]
fn is_in_foreground() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_to_the_columns_of_the_terminal() {
        for (text, columns, expected) in [
            ("a fox", 80, ("a fox", 5)),
            ("a fox", 3, ("a f", 3)),
            ("狐狐", 3, ("狐", 2)),
            ("a", 0, ("", 0)),
        ] {
            assert_eq!(cut(text, columns), expected, "{text}");
        }
    }

    #[test]
    fn a_line_that_a_narrower_terminal_wrapped_is_taken_away_whole() {
        let line = |drawn| Line {
            text: None,
            number: 0,
            frame: 0,
            drawn,
            is_stopped: false,
            is_closed: false,
        };
        assert_eq!(line(40).begin(80), "\r");
        assert_eq!(line(40).begin(40), "\r");
        assert_eq!(line(41).begin(40), "\r\u{1b}[1A\u{1b}[J");
        assert_eq!(line(0).begin(0), "\r");
    }
}
