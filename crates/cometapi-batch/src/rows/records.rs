//! Records of delimited cells, read strictly: RFC 4180 and nothing beside it.
//!
//! The common readers accept a stray quote, and then read other records than were meant. Every
//! row costs money, so a quote in doubt ends the reading. Since a well-formed text holds an even
//! number of quotes, one that is missing or too many is always noticed.

use std::fmt;
use std::io::{self, BufRead, Bytes};

use crate::rows::problem::too_long;

/// The delimiters that a header may show.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Reads records. The first decides the delimiter, unless it is given, and the line ending.
pub(super) struct Records<R> {
    bytes: Bytes<R>,
    /// A byte that was read, and is not of the record before it.
    next: Option<u8>,
    state: State,
    max: usize,
}

/// What is known after the bytes so far.
struct State {
    delimiter: Option<u8>,
    /// Whether another delimiter would make this one ambiguous.
    in_header: bool,
    ending: Option<Ending>,
    /// The line of the next byte.
    line: u64,
    at: At,
}

/// How lines end, outside of quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// `\n` or `\r\n`.
    LineFeed,
    /// `\r` alone.
    CarriageReturn,
}

/// The cells of one record; its memory is used again for the next.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The line that it begins on, from 1.
    pub(super) line: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    lines: usize,
    /// The fewest and the most cells that one of its lines would have by itself.
    in_line: (usize, usize),
    /// How many delimiters its last line has so far.
    delimiters: usize,
}

impl Record {
    fn clear(&mut self, line: u64) {
        self.line = line;
        self.bytes.clear();
        self.ends.clear();
        self.lines = 0;
        self.in_line = (usize::MAX, 0);
        self.delimiters = 0;
    }

    fn end_line(&mut self) {
        let (fewest, most) = self.in_line;
        let cells = self.delimiters + 1;
        self.lines += 1;
        self.in_line = (fewest.min(cells), most.max(cells));
        self.delimiters = 0;
    }

    /// Over how many lines it goes, if each of them could be a record of `columns` cells.
    pub(super) fn lines_like_records(&self, columns: usize) -> Option<usize> {
        let alike = self.in_line == (columns, columns);
        (columns > 1 && self.lines > 1 && alike).then_some(self.lines)
    }

    /// The cells, if they are UTF-8.
    pub(super) fn cells(&self) -> Option<Vec<&str>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let cell = |(start, end): (usize, &usize)| self.bytes.get(start..*end);
        starts
            .zip(&self.ends)
            .map(|bounds| std::str::from_utf8(cell(bounds)?).ok())
            .collect()
    }

    fn end_cell(&mut self) {
        self.ends.push(self.bytes.len());
    }
}

/// Why it is in doubt which records a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    NeverClosed,
    QuoteInside,
    AfterQuote,
    Backslash,
    TwoDelimiters(u8, u8),
    TwoEndings,
    TooLong(usize),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverClosed => f.write_str(
                "the quote that opens a cell here is never closed; close it, or if it is part of \
                 the text, quote the cell and double it (\"\")",
            ),
            Self::QuoteInside => f.write_str(
                "there is a quote inside a cell that is not quoted; quote the whole cell and \
                 double the quotes in it: \"a \"\"red\"\" fox\"",
            ),
            Self::AfterQuote => f.write_str(
                "there is text after a closing quote; double a quote that is part of the text: \
                 \"a \"\"red\"\" fox\"",
            ),
            Self::Backslash => f.write_str(
                "a backslash does not escape a quote in CSV; double the quote instead: \
                 \"a \"\"red\"\" fox\"",
            ),
            Self::TwoDelimiters(one, other) => write!(
                f,
                "the header holds both {} and {}, so its columns are ambiguous; separate them by \
                 one of the two",
                delimiter_name(*one),
                delimiter_name(*other)
            ),
            Self::TwoEndings => f.write_str(
                "there is a line break of another kind than in the first line; end all lines \
                 alike, and quote a cell that holds a line break",
            ),
            Self::TooLong(max) => write!(
                f,
                "{}; or close a quote that is left open: the row begins here",
                too_long(*max)
            ),
        }
    }
}

/// A delimiter in a sentence.
pub(super) fn delimiter_name(delimiter: u8) -> String {
    match delimiter {
        b',' => "a comma".to_owned(),
        b';' => "a semicolon".to_owned(),
        b'\t' => "a tab".to_owned(),
        other => format!("{:?}", char::from(other)),
    }
}

/// Why reading ended early.
#[derive(Debug)]
pub(super) enum Failure {
    Io(io::Error),
    /// With the line of the doubt.
    Doubt(u64, Doubt),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Where in a record the next byte is.
#[derive(Clone, Copy)]
enum At {
    RecordStart,
    CellStart,
    Unquoted,
    /// With the line of the opening quote.
    Quoted(u64),
    /// After a quote in a quoted cell: the closing one, or the first of a doubled one.
    Quote(u64),
    /// After a `\r` that may be the first half of a line ending.
    Return,
}

/// What a byte means for the record.
enum Step {
    Go(At),
    /// The record ends with this byte.
    End,
    /// The record ended before this byte.
    Ended,
}

impl<R: BufRead> Records<R> {
    /// `line` is the number of the first line; `max` is the most bytes that a record may have.
    pub(super) fn new(text: R, delimiter: Option<u8>, line: u64, max: usize) -> Self {
        let state = State {
            delimiter,
            in_header: delimiter.is_none(),
            ending: None,
            line,
            at: At::RecordStart,
        };
        Self {
            bytes: text.bytes(),
            next: None,
            state,
            max,
        }
    }

    /// The delimiter; a comma if the header has but one column.
    pub(super) fn delimiter(&self) -> u8 {
        self.state.delimiter.unwrap_or(b',')
    }

    /// Reads the next record, and returns whether there is one. An empty line is a record of
    /// one empty cell.
    pub(super) fn read(&mut self, record: &mut Record) -> Result<bool, Failure> {
        record.clear(self.state.line);
        self.state.at = At::RecordStart;
        loop {
            let Some(byte) = self.next.take().map(Ok).or_else(|| self.bytes.next()) else {
                return self.state.end_of_text(record);
            };
            let byte = byte?;
            let step = self.state.step(byte, record)?;
            if record.bytes.len() + record.ends.len() > self.max {
                return doubt(record.line, Doubt::TooLong(self.max));
            }
            match step {
                Step::Go(at) => {
                    self.state.at = at;
                    continue;
                }
                Step::End => {}
                Step::Ended => self.next = Some(byte),
            }
            self.state.end_record(record);
            return Ok(true);
        }
    }
}

impl State {
    fn step(&mut self, byte: u8, record: &mut Record) -> Result<Step, Failure> {
        let line = self.line;
        if self.is_line_end(byte) {
            self.line += 1;
        }
        match (self.at, byte) {
            (At::Quoted(opened), b'"') => return Ok(Step::Go(At::Quote(opened))),
            (At::Quoted(_), _) => {
                record.bytes.push(byte);
                if self.is_line_end(byte) {
                    record.end_line();
                }
                record.delimiters += usize::from(self.delimiter == Some(byte));
                return Ok(Step::Go(self.at));
            }
            (At::Quote(opened), b'"') => {
                record.bytes.push(b'"');
                return Ok(Step::Go(At::Quoted(opened)));
            }
            (At::Return, b'\n') => {
                self.ending = Some(Ending::LineFeed);
                return Ok(Step::End);
            }
            (At::Return, _) => {
                // Decided by the first line alone.
                if self.ending.is_some() {
                    return doubt(line, Doubt::TwoEndings);
                }
                self.ending = Some(Ending::CarriageReturn);
                self.line += 1;
                return Ok(Step::Ended);
            }
            (At::RecordStart | At::CellStart, b'"') => return Ok(Step::Go(At::Quoted(line))),
            (At::Unquoted, b'"') => return doubt(line, Doubt::QuoteInside),
            _ => {}
        }
        match (byte, self.ending) {
            (b'\r', Some(Ending::CarriageReturn)) => return Ok(Step::End),
            (b'\r', _) => return Ok(Step::Go(At::Return)),
            (b'\n', Some(Ending::CarriageReturn)) => return doubt(line, Doubt::TwoEndings),
            (b'\n', _) => {
                self.ending = Some(Ending::LineFeed);
                return Ok(Step::End);
            }
            _ => {}
        }
        if self.is_delimiter(byte, line)? {
            record.end_cell();
            record.delimiters += 1;
            return Ok(Step::Go(At::CellStart));
        }
        if let At::Quote(_) = self.at {
            let escaped = record.bytes.last() == Some(&b'\\');
            return doubt(
                line,
                if escaped {
                    Doubt::Backslash
                } else {
                    Doubt::AfterQuote
                },
            );
        }
        record.bytes.push(byte);
        Ok(Step::Go(At::Unquoted))
    }

    fn is_line_end(&self, byte: u8) -> bool {
        match self.ending {
            Some(Ending::CarriageReturn) => byte == b'\r',
            _ => byte == b'\n',
        }
    }

    fn is_delimiter(&mut self, byte: u8, line: u64) -> Result<bool, Failure> {
        match self.delimiter {
            Some(delimiter) if delimiter == byte => Ok(true),
            Some(delimiter) if self.in_header && DELIMITERS.contains(&byte) => {
                Err(Failure::Doubt(line, Doubt::TwoDelimiters(delimiter, byte)))
            }
            None if self.in_header && DELIMITERS.contains(&byte) => {
                self.delimiter = Some(byte);
                Ok(true)
            }
            None if byte == b',' => Ok(true),
            _ => Ok(false),
        }
    }

    fn end_of_text(&mut self, record: &mut Record) -> Result<bool, Failure> {
        match self.at {
            At::RecordStart => Ok(false),
            At::Quoted(opened) => Err(Failure::Doubt(opened, Doubt::NeverClosed)),
            At::CellStart | At::Unquoted | At::Quote(_) | At::Return => {
                self.end_record(record);
                Ok(true)
            }
        }
    }

    fn end_record(&mut self, record: &mut Record) {
        record.end_cell();
        record.end_line();
        self.in_header = false;
    }
}

fn doubt<T>(line: u64, doubt: Doubt) -> Result<T, Failure> {
    Err(Failure::Doubt(line, doubt))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use csv::{QuoteStyle, Terminator, WriterBuilder};
    use proptest::prelude::*;

    use super::*;

    type Read = Result<Vec<(u64, Vec<String>)>, (u64, Doubt)>;

    /// Reads with a buffer of `buffer` bytes, so that records are cut at every place.
    fn read(text: &[u8], delimiter: Option<u8>, buffer: usize) -> Read {
        let text = io::BufReader::with_capacity(buffer, text);
        let mut records = Records::new(text, delimiter, 1, 1 << 20);
        let mut record = Record::default();
        let mut all = Vec::new();
        loop {
            match records.read(&mut record) {
                Ok(false) => return Ok(all),
                Ok(true) => {
                    let cells = record.cells().unwrap();
                    all.push((record.line, cells.into_iter().map(str::to_owned).collect()));
                }
                Err(Failure::Doubt(line, doubt)) => return Err((line, doubt)),
                Err(Failure::Io(e)) => panic!("{e}"),
            }
        }
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        let read = read(text.as_bytes(), None, 7).unwrap();
        read.into_iter().map(|(_, cells)| cells).collect()
    }

    #[test]
    fn what_rfc_4180_allows_is_read() {
        for (text, expected) in [
            ("", vec![]),
            ("a", vec![vec!["a"]]),
            ("a\n", vec![vec!["a"]]),
            ("a,b\r\nc,d", vec![vec!["a", "b"], vec!["c", "d"]]),
            ("a\r\"b\rc\"\rd\r", vec![vec!["a"], vec!["b\rc"], vec!["d"]]),
            ("a\tb\n1,2\t3", vec![vec!["a", "b"], vec!["1,2", "3"]]),
            ("a;\"b;c\"\n1;2", vec![vec!["a", "b;c"], vec!["1", "2"]]),
            ("a\n1,2;3", vec![vec!["a"], vec!["1", "2;3"]]),
            ("a\n\nb\n", vec![vec!["a"], vec![""], vec!["b"]]),
            ("a,\n\"\",", vec![vec!["a", ""], vec!["", ""]]),
            ("\"C:\\\"\n", vec![vec!["C:\\"]]),
            ("\"a \"\"red\"\" fox\"\r\n", vec![vec!["a \"red\" fox"]]),
            ("\"a\r\nb\n\nc\"\n", vec![vec!["a\r\nb\n\nc"]]),
        ] {
            assert_eq!(cells(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_in_doubt_ends_the_reading_with_its_line() {
        for (text, line, doubt) in [
            ("p\n\"a fox\na cat\na dog\n", 2, Doubt::NeverClosed),
            ("p\nx\n1,\"a", 3, Doubt::NeverClosed),
            ("p\nx\n\"\n\ny\"\"", 3, Doubt::NeverClosed),
            ("p\n\"a fox\n\"a cat\"\n", 3, Doubt::AfterQuote),
            ("p\n5\" nails\n", 2, Doubt::QuoteInside),
            ("p,q\n1, \"a, b\"\n", 2, Doubt::QuoteInside),
            ("p\n\"a\" \n", 2, Doubt::AfterQuote),
            ("p\n\"the \\\"red\\\" fox\"\n", 2, Doubt::Backslash),
            ("p\n\"\\\"red\\\" fox\"\n", 2, Doubt::Backslash),
            ("p\n\"a \\\"\",1\n\"b \\\"\",2\n", 3, Doubt::AfterQuote),
            ("p;q,r\n", 1, Doubt::TwoDelimiters(b';', b',')),
            ("p\na\rb\n", 2, Doubt::TwoEndings),
            ("p\ra\nb\r", 2, Doubt::TwoEndings),
        ] {
            for buffer in 1..9 {
                let read = read(text.as_bytes(), None, buffer);
                assert_eq!(read, Err((line, doubt)), "{text:?}");
            }
        }
    }

    #[test]
    fn lines_are_counted_through_cells_and_endings() {
        for ending in ["\n", "\r\n", "\r"] {
            let text = ["p", "\"a", "b\"", "", "c"].join(ending);
            let lines: Vec<_> = read(text.as_bytes(), None, 3).unwrap();
            let lines: Vec<_> = lines.into_iter().map(|(line, _)| line).collect();
            assert_eq!(lines, [1, 2, 4, 5], "{ending:?}");
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
        let text = (&b"\""[..]).chain(io::repeat(b'x'));
        let mut records = Records::new(io::BufReader::new(text), None, 1, 1 << 16);
        let read = records.read(&mut Record::default());
        assert!(matches!(read, Err(Failure::Doubt(1, Doubt::TooLong(_)))));
    }

    fn any_records() -> impl Strategy<Value = Vec<Vec<String>>> {
        (1usize..4).prop_flat_map(|columns| {
            let record = prop::collection::vec("[ab\"\\\\,;\t\r\n é]{0,8}", columns);
            prop::collection::vec(record, 1..6)
        })
    }

    fn written(
        records: &[Vec<String>],
        delimiter: u8,
        terminator: Terminator,
        style: QuoteStyle,
    ) -> Vec<u8> {
        let mut writer = WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(terminator)
            .quote_style(style)
            .from_writer(Vec::new());
        for record in records {
            writer.write_record(record).unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn any_terminator() -> impl Strategy<Value = Terminator> {
        prop_oneof![
            Just(Terminator::CRLF),
            Just(Terminator::Any(b'\n')),
            Just(Terminator::Any(b'\r')),
        ]
    }

    fn any_style() -> impl Strategy<Value = QuoteStyle> {
        prop_oneof![Just(QuoteStyle::Always), Just(QuoteStyle::Necessary)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        #[test]
        fn what_a_correct_writer_writes_is_read_back_exactly(
            records in any_records(),
            delimiter in prop::sample::select(&b",;\t|"[..]),
            terminator in any_terminator(),
            style in any_style(),
            buffer in 1usize..40,
        ) {
            let text = written(&records, delimiter, terminator, style);
            let read = read(&text, Some(delimiter), buffer).unwrap();
            let read: Vec<_> = read.into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(read, records);
        }

        #[test]
        fn a_quote_too_many_or_too_few_is_never_read(
            records in any_records(),
            terminator in any_terminator(),
            style in any_style(),
            place in any::<prop::sample::Index>(),
        ) {
            let text = written(&records, b',', terminator, style);
            let mut inserted = text.clone();
            inserted.insert(place.index(text.len() + 1), b'"');
            prop_assert!(read(&inserted, Some(b','), 64).is_err());
            let quotes: Vec<_> = (0..text.len()).filter(|at| text[*at] == b'"').collect();
            if !quotes.is_empty() {
                let mut removed = text;
                removed.remove(quotes[place.index(quotes.len())]);
                prop_assert!(read(&removed, Some(b','), 64).is_err());
            }
        }

        #[test]
        fn a_backslash_before_a_quote_is_never_read_as_an_escape(
            before in "[a-c ,]{0,4}", quoted in "[a-c]{1,4}", after in "[a-c ,]{0,4}",
        ) {
            let text = format!("p\n\"{before}\\\"{quoted}\\\"{after}\"\n");
            prop_assert!(read(text.as_bytes(), None, 64).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, text in "[a\",;\t\r\n\\\\]{0,60}") {
            for text in [bytes.as_slice(), text.as_bytes()] {
                let mut records = Records::new(text, None, 1, 1 << 20);
                let mut record = Record::default();
                while let Ok(true) = records.read(&mut record) {
                    let _ = record.cells();
                }
            }
        }
    }
}
