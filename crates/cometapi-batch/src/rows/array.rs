//! A JSON list of rows, read one element at a time.

use std::io::{self, BufRead};

use cometapi::ModelRef;

use crate::rows::jsonl::parse;
use crate::rows::problem::{Problem, refused, too_long};
use crate::rows::row::RowResult;

/// Reads the elements of a list, which must be all that `text` holds.
pub(super) fn read(
    text: impl BufRead,
    max: usize,
    model: Option<&ModelRef>,
    visit: &mut dyn FnMut(RowResult) -> bool,
) -> io::Result<()> {
    let mut list = List {
        line: 1,
        part: Part::Before,
        element: Vec::new(),
        max,
        begins: 1,
        count: 0,
    };
    for byte in text.bytes() {
        if list.step(byte?)? && !visit(list.row(model)) {
            return Ok(());
        }
    }
    match list.part {
        Part::After => Ok(()),
        _ => Err(refused_at(
            list.line,
            "the list ends here without its closing ]; the file may be cut",
        )),
    }
}

/// What has been read of the list.
struct List {
    /// The line of the next byte.
    line: u64,
    part: Part,
    element: Vec<u8>,
    /// The most bytes that an element may have.
    max: usize,
    /// The line that the element begins on.
    begins: u64,
    /// How many elements there are, with this one.
    count: u64,
}

#[derive(Clone, Copy)]
enum Part {
    Before,
    /// In an element, or before it, at this depth of brackets.
    Element(u64),
    String {
        depth: u64,
        escaped: bool,
    },
    After,
}

impl List {
    /// Takes a byte, and returns whether it ends an element.
    fn step(&mut self, byte: u8) -> io::Result<bool> {
        let line = self.line;
        self.line += u64::from(byte == b'\n');
        let is_space = byte.is_ascii_whitespace();
        match (self.part, byte) {
            (Part::Before, b'[') => self.part = Part::Element(0),
            (Part::Before | Part::After, _) if is_space => {}
            (Part::Before | Part::After, _) => {
                return Err(refused_at(line, "there is text outside of the list"));
            }
            (Part::Element(0), _) if is_space && self.element.is_empty() => {}
            (Part::Element(0), b',' | b']') => {
                let is_last = byte == b']';
                if is_last {
                    self.part = Part::After;
                }
                if !self.element.is_empty() {
                    return Ok(true);
                }
                if !is_last || self.count > 0 {
                    return Err(refused_at(line, "there is a comma without a row"));
                }
            }
            (Part::Element(depth), _) => {
                self.part = match byte {
                    b'"' => Part::String {
                        depth,
                        escaped: false,
                    },
                    b'{' | b'[' => Part::Element(depth + 1),
                    b'}' | b']' => Part::Element(depth.saturating_sub(1)),
                    _ => self.part,
                };
                self.push(byte, line)?;
            }
            (Part::String { depth, escaped }, _) => {
                self.part = match byte {
                    b'"' if !escaped => Part::Element(depth),
                    _ => Part::String {
                        depth,
                        escaped: byte == b'\\' && !escaped,
                    },
                };
                self.push(byte, line)?;
            }
        }
        Ok(false)
    }

    fn push(&mut self, byte: u8, line: u64) -> io::Result<()> {
        if self.element.is_empty() {
            self.begins = line;
            self.count += 1;
        }
        if self.element.len() == self.max {
            let problem = Problem::new(self.begins, None, too_long(self.max));
            return Err(refused(problem.in_list(Some(self.count))));
        }
        self.element.push(byte);
        Ok(())
    }

    /// The row of the element, which is then forgotten.
    fn row(&mut self, model: Option<&ModelRef>) -> RowResult {
        let row = parse(
            self.begins,
            Some(self.count),
            self.element.trim_ascii(),
            model,
        );
        self.element.clear();
        row
    }
}

fn refused_at(line: u64, what: impl Into<String>) -> io::Error {
    refused(Problem::new(line, None, what))
}
