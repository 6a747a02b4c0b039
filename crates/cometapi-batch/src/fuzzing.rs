//! What the reading of rows and of the ledger promises of any input, for the fuzz targets in
//! `fuzz/`. Each function panics if a promise is broken.

use std::io::Cursor;
use std::path::PathBuf;

use cometapi::ModelRef;
use serde_json::Value;

use crate::ledger::sqlite::damaged;
use crate::rows::{self, Format, MAX_ROW_SIZE, Rows, identify};

/// Any bytes are rows or problems, with lines that are in the text. A row that was read can be
/// written as JSON and read back as the same row.
pub fn rows(format: Option<Format>, text: &[u8]) {
    let Ok(model) = "black-forest-labs/flux-schnell".parse::<ModelRef>() else {
        return;
    };
    // No terminator is shorter than a byte.
    let lines = text.len() as u64 + 1;
    let source = Rows::detect(Cursor::new(text.to_vec()));
    let source = match format {
        Some(format) => source.format(format),
        None => source,
    };
    let read = rows::read(source, Some(&model), &mut |row| {
        match row {
            Ok(row) => {
                assert!((1..=lines).contains(&row.line) && !row.input.is_empty());
                let mut object = row.input.clone();
                // A member of the input may be called so.
                if ["id", "model", "input", "labels"]
                    .iter()
                    .any(|name| object.contains_key(*name))
                {
                    return true;
                }
                object.insert("model".to_owned(), row.model.to_string().into());
                let json = Value::Object(object).to_string();
                let (_, expected) = identify(&row.model.to_string(), &row.input);
                read_back(json, &expected);
            }
            Err(problems) => {
                assert!(!problems.is_empty());
                for problem in problems {
                    assert!((1..=lines).contains(&problem.line));
                    assert!(problem.to_string().len() < 4096);
                }
            }
        }
        true
    });
    if let Err(e) = read {
        assert!(e.to_string().len() < 4096, "{e}");
    }
}

fn read_back(json: String, expected: &str) {
    if json.len() > MAX_ROW_SIZE {
        return;
    }
    let source = Rows::reader(Cursor::new(json.clone()), Format::JsonLines);
    let mut count = 0;
    let read = rows::read(source, None, &mut |row| {
        let row = row.unwrap_or_else(|problems| panic!("{json}: {problems:?}"));
        let (_, hash) = identify(&row.model.to_string(), &row.input);
        assert_eq!(hash, expected, "{json}");
        count += 1;
        true
    });
    assert!(read.is_ok() && count == 1, "{json}");
}

/// Every way to read a ledger whose columns hold any values ends without a panic: with what
/// could be read, or an error whose message says that a record is damaged.
pub fn ledger_rows(data: &[u8]) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
        return;
    };
    runtime.block_on(async {
        for read in damaged::read_all(data, PathBuf::from("/batch")).await {
            if let Err(e) = read {
                let message = e.to_string();
                let is_known = [
                    "record of the ledger",
                    "another worker",
                    "not registered",
                    "retired",
                    "give this prediction another key",
                ]
                .iter()
                .any(|known| message.contains(known));
                assert!(
                    is_known || !e.problems().is_empty() || message.contains("was begun at"),
                    "{e:?}"
                );
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_rows(
            bytes: Vec<u8>,
            text in r#"[\[]?([{}\[\]:,;\t\r\n"\\ a1.e-]|"prompt"|"id"|prompt|null){0,60}"#,
        ) {
            for text in [bytes.as_slice(), text.as_bytes()] {
                for format in [
                    None,
                    Some(Format::JsonLines),
                    Some(Format::Csv),
                    Some(Format::Text),
                ] {
                    rows(format, text);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn damaged_rows_are_read_without_a_panic(data in prop::collection::vec(any::<u8>(), 0..400)) {
            ledger_rows(&data);
        }
    }
}
