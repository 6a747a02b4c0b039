//! Rows that are serialized one by one, when they are read.

use std::io::{self, Cursor, Read};

use serde::Serialize;

/// The rows of an iterator as JSON lines.
pub(super) struct Serialized<I> {
    rows: I,
    count: u64,
    line: Cursor<Vec<u8>>,
}

impl<I> Serialized<I> {
    pub(super) fn new(rows: I) -> Self {
        Self {
            rows,
            count: 0,
            line: Cursor::default(),
        }
    }
}

impl<I: Iterator<Item: Serialize>> Read for Serialized<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.line.get_ref().len() as u64 == self.line.position() {
            let Some(row) = self.rows.next() else {
                return Ok(0);
            };
            self.count += 1;
            let mut line = serde_json::to_vec(&row).map_err(|e| {
                let what = format!("row {} cannot be serialized: {e}", self.count);
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?;
            line.push(b'\n');
            self.line = Cursor::new(line);
        }
        self.line.read(buffer)
    }
}
