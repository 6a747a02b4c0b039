//! Which line a byte is on.
//!
//! The reader of tables counts lines too, but says where the last record ended: before the
//! `\n` of a `\r\n`, and before blank lines.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::rc::Rc;

/// Passes a text on, and remembers the line breaks that have not been asked about yet.
pub(crate) struct Breaks<R> {
    read: R,
    offset: u64,
    ahead: Ahead,
}

/// What has been passed on and not been asked about.
#[derive(Clone, Default)]
pub(crate) struct Ahead(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    /// Where a `\r` or `\n` is, and whether it ends a line.
    breaks: VecDeque<(u64, bool)>,
    /// How many lines have ended before those.
    ended: u64,
}

impl<R> Breaks<R> {
    pub(crate) fn new(read: R) -> (Self, Ahead) {
        let ahead = Ahead::default();
        let breaks = Self {
            read,
            offset: 0,
            ahead: ahead.clone(),
        };
        (breaks, ahead)
    }
}

impl<R: Read> Read for Breaks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read.read(buffer)?;
        let mut ahead = self.ahead.0.borrow_mut();
        for byte in buffer.iter().take(count) {
            if matches!(byte, b'\r' | b'\n') {
                ahead.breaks.push_back((self.offset, *byte == b'\n'));
            }
            self.offset += 1;
        }
        Ok(count)
    }
}

impl Ahead {
    /// The line, from 1, of the first byte from `offset` on that breaks no line. Offsets must
    /// not go back.
    pub(crate) fn line(&self, mut offset: u64) -> u64 {
        let inner = &mut *self.0.borrow_mut();
        while let Some((at, ends)) = inner.breaks.front().copied()
            && at <= offset
        {
            inner.breaks.pop_front();
            inner.ended += u64::from(ends);
            offset += u64::from(at == offset);
        }
        inner.ended + 1
    }
}
