//! What is read of which text.

use std::io::Cursor;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn all(text: impl AsRef<[u8]>, format: Format, model: Option<&str>) -> Vec<Read1> {
    let model = model.map(|model| model.parse().unwrap());
    let mut rows = Vec::new();
    let source = Rows::reader(Cursor::new(text.as_ref().to_vec()), format);
    read(source, model.as_ref(), &mut |row| {
        rows.push(row);
        true
    })
    .unwrap();
    rows
}

/// The rows as JSON, or their problems.
fn shown(rows: Vec<Read1>) -> Vec<Value> {
    rows.into_iter()
        .map(|row| match row {
            Ok(row) => json!([row.line, row.id, row.model.to_string(), row.input]),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        })
        .collect()
}

fn lines(text: &str) -> Vec<Value> {
    shown(all(text, Format::JsonLines, None))
}

fn table(text: &str) -> Vec<Value> {
    shown(all(text, Format::Csv, Some("a/b")))
}

#[test]
fn json_lines_are_read_in_both_forms() {
    let text = "\u{feff}{\"model\":\"a/b\",\"input\":{\"prompt\":\"x\"}}\r\n\r\n  \n\
                {\"prompt\":\"y\",\"id\":7,\"model\":\"c/d\"}\n\
                {\"model\":\"a/b\",\"id\":\"k\",\"input\":{\"id\":1,\"model\":\"m\"}}";
    assert_eq!(
        lines(text),
        [
            json!([1, null, "a/b", {"prompt": "x"}]),
            json!([4, "7", "c/d", {"prompt": "y"}]),
            json!([5, "k", "a/b", {"id": 1, "model": "m"}]),
        ]
    );
    assert!(lines("").is_empty() && lines("\n\u{20}\n").is_empty());
}

#[test]
fn a_bad_json_line_is_named_with_its_field() {
    for (line, problem) in [
        (
            "[1]",
            "line 1: not an object: write {\"model\": …, \"input\": {…}}",
        ),
        ("{\"a\":", "line 1: not json, at column 5"),
        (
            "{\"prompt\":\"x\"}",
            "line 1, model: there is none: give each row one, or one for all rows",
        ),
        (
            "{\"model\":\"flux\",\"prompt\":\"x\"}",
            "line 1, model: \"flux\" is not a model: write owner/name, such as \
             black-forest-labs/flux-schnell",
        ),
        ("{\"model\":5}", "line 1, model: must be a text, owner/name"),
        ("{\"model\":\"a/b\"}", "line 1: the input holds nothing"),
        (
            "{\"model\":\"a/b\",\"input\":[]}",
            "line 1, input: must be an object",
        ),
        (
            "{\"model\":\"a/b\",\"input\":{\"x\":1},\"prompt\":\"y\"}",
            "line 1, input: stands beside other fields (prompt): put all of them into it, or none",
        ),
        (
            "{\"model\":\"a/b\",\"id\":\" \",\"x\":1}",
            "line 1, id: must be a text or a number",
        ),
    ] {
        assert_eq!(lines(line), [json!([problem])], "{line}");
    }
    let rows = all(b"{\"a\":\"\xff\"}\n", Format::JsonLines, Some("a/b"));
    assert!(rows[0].is_err());
}

#[test]
fn a_table_is_read_by_its_columns() {
    let text = "\u{feff}id,prompt,seed,model,ratio\r\nk,1984,7,,\r\n\r\n,\"two\nlines, quoted\",\"[1]\",c/d,16:9\r\n  \r\n,z,,,1\r\n";
    assert_eq!(
        table(text),
        [
            json!([2, "k", "a/b", {"prompt": "1984", "seed": 7}]),
            json!([4, null, "c/d", {"prompt": "two\nlines, quoted", "seed": [1], "ratio": "16:9"}]),
            json!([7, null, "a/b", {"prompt": "z", "ratio": 1}]),
        ]
    );
    assert!(table("").is_empty() && table("prompt\n").is_empty());
}

#[test]
fn a_bad_row_of_a_table_is_named_with_its_cell() {
    for (text, problem) in [
        ("a,b\n1\n", "line 2: has 1 cells under 2 columns"),
        (
            "a,b\n1,2,x\n",
            "line 2, cell 3: stands under no column: quote a cell that holds a comma",
        ),
        (
            "a,\n1,x\n",
            "line 2, cell 2: stands under no column: quote a cell that holds a comma",
        ),
        ("a,b\n,\n", "line 2: the input holds nothing"),
        ("a,a\n1,2\n", "line 1, a: two columns have this name"),
    ] {
        assert_eq!(table(text), [json!([problem])], "{text}");
    }
    // Trailing columns without a name or a word are what spreadsheets leave behind.
    assert_eq!(table("a,,\n1,,,\n"), [json!([2, null, "a/b", {"a": 1}])]);
    let rows = all(b"a\n\xff\nx\n", Format::Csv, Some("a/b"));
    assert_eq!(
        shown(rows),
        [
            json!(["line 2: not utf-8"]),
            json!([3, null, "a/b", {"a": "x"}])
        ]
    );
}

#[test]
fn the_format_is_guessed_by_the_name() {
    for (name, format) in [
        ("a.csv", Some(Format::Csv)),
        ("a.CSV", Some(Format::Csv)),
        ("a.jsonl", Some(Format::JsonLines)),
        ("a.txt", None),
        ("a", None),
    ] {
        assert_eq!(Format::of_name(name), format, "{name}");
    }
}

#[test]
fn an_id_that_is_a_number_counts_by_its_value() {
    for (id, shown) in [
        ("7", "7"),
        ("7.0", "7"),
        ("7e0", "7"),
        ("-0.0", "0"),
        ("0.5", "0.5"),
    ] {
        let line = format!("{{\"model\":\"a/b\",\"id\":{id},\"x\":1}}");
        assert_eq!(lines(&line)[0][1], shown);
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(bytes: Vec<u8>, text in "[\\[{\"',:a-c0-9\\s}\\]\u{feff}]{0,80}") {
        for format in [Format::JsonLines, Format::Csv] {
            for model in [None, Some("a/b")] {
                all(&bytes, format, model);
                all(&text, format, model);
            }
        }
    }
}
