//! Which rows each text holds.

mod expand;
mod files;
mod labels;
mod text;

use std::io::Cursor;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::rows::problem::MAX_PROBLEM;

/// The rows, or why the whole text is refused.
fn all(
    text: impl AsRef<[u8]>,
    rows: impl Fn(Cursor<Vec<u8>>) -> Rows,
    model: Option<&str>,
) -> Result<Vec<RowResult>, String> {
    let model = model.map(|model| model.parse().unwrap());
    let mut found = Vec::new();
    let source = rows(Cursor::new(text.as_ref().to_vec()));
    read(source, model.as_ref(), &mut |row| {
        found.push(row);
        true
    })
    .map(|_| found)
    .map_err(|e| e.to_string())
}

fn stated(format: Format) -> impl Fn(Cursor<Vec<u8>>) -> Rows {
    move |text| Rows::reader(text, format)
}

/// The rows as JSON, or their problems.
fn shown(rows: Vec<RowResult>) -> Vec<Value> {
    rows.into_iter()
        .map(|row| match row {
            Ok(row) => json!([row.line, row.id, row.model.to_string(), row.input]),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        })
        .collect()
}

fn lines(text: &str) -> Vec<Value> {
    shown(all(text, stated(Format::JsonLines), None).unwrap())
}

fn table(text: &str) -> Vec<Value> {
    shown(all(text, stated(Format::Csv), Some("a/b")).unwrap())
}

/// Why a file is refused whole.
fn refusal(text: impl AsRef<[u8]>, rows: impl Fn(Cursor<Vec<u8>>) -> Rows) -> String {
    match all(&text, rows, Some("a/b")) {
        Ok(rows) => panic!("{:?}: {rows:?}", String::from_utf8_lossy(text.as_ref())),
        Err(said) => said,
    }
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
            "7",
            "line 1: not an object: write {\"model\": …, \"input\": {…}}",
        ),
        ("{\"a\" 1}", "line 1: not json, at column 6"),
        (
            "{\"a\":",
            "line 1: not json, at column 5: it ends too early; write each row on one line, or all \
             rows as a list: [{…}, {…}]",
        ),
        (
            "{\"prompt\":\"x\",\"seed\":1,\"seed\":2}",
            "line 1: \"seed\" is given twice, at column 29",
        ),
        (
            "{\"model\":\"a/b\",\"prompt\":\"x\",\"model\":\"c/d\"}",
            "line 1: \"model\" is given twice, at column 35",
        ),
        (
            "{\"model\":\"a/b\",\"input\":{\"o\":{\"k\":1,\"k\":1}}}",
            "line 1: \"k\" is given twice, at column 38",
        ),
        (
            "{\"model\":\"a/b\",\"seed\":18446744073709551616}",
            "line 1: the number 18446744073709551616 is an integer beyond 64 bits, at column 23: \
             write it as text, in quotes, or round it",
        ),
        (
            "{\"prompt\":\"x\"}",
            "line 1, model: there is none: give each row one, or one for all rows",
        ),
        (
            "{\"model\":\"portrait\",\"prompt\":\"x\"}",
            "line 1, model: \"portrait\" is not a model: write owner/name, such as \
             black-forest-labs/flux-schnell",
        ),
        (
            "{\"model\":5}",
            "line 1, model: must be a string, owner/name",
        ),
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
            "line 1, id: must be a string or a number",
        ),
    ] {
        assert_eq!(lines(line), [json!([problem])], "{line}");
    }
    let text = b"{\"a\":\"\xff\"}\n{\"x\":1}\n";
    let rows = all(text, stated(Format::JsonLines), Some("a/b")).unwrap();
    assert_eq!(
        shown(rows),
        [
            json!(["line 1: not UTF-8; save the file as UTF-8"]),
            json!([2, null, "a/b", {"x": 1}])
        ]
    );
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
        ("id,b\nx,\n", "line 2: the input holds nothing"),
        (
            "a;b\n1;2;x\n",
            "line 2, cell 3: stands under no column: quote a cell that holds a semicolon",
        ),
        (
            "a\n18446744073709551616\n",
            "line 2, a: the number 18446744073709551616 is an integer beyond 64 bits: to send it \
             as text, write the rows as JSON",
        ),
    ] {
        assert_eq!(table(text), [json!([problem])], "{text}");
    }
    // Trailing columns without a name or a word are what spreadsheets leave behind.
    assert_eq!(table("a,,\n1,,,\n"), [json!([2, null, "a/b", {"a": 1}])]);
    let rows = all(b"a\n\xff\nx\n", stated(Format::Csv), Some("a/b")).unwrap();
    assert_eq!(
        shown(rows),
        [
            json!(["line 2: not UTF-8; save the file as UTF-8"]),
            json!([3, null, "a/b", {"a": "x"}])
        ]
    );
}

#[test]
fn the_format_is_guessed_by_the_name() {
    for (name, format) in [
        ("a.csv", Some(Format::Csv)),
        ("a.CSV", Some(Format::Csv)),
        ("a.tsv", Some(Format::Csv)),
        ("a.jsonl", Some(Format::JsonLines)),
        ("a.txt", Some(Format::Text)),
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

/// As `cat` does.
#[test]
fn files_that_were_put_together_are_noticed() {
    let text = "\u{feff}prompt,seed\na,1\n\u{feff}prompt,seed\nb,2\n";
    assert_eq!(
        table(text),
        [
            json!([2, null, "a/b", {"prompt": "a", "seed": 1}]),
            json!(["line 3: repeats the header; remove the line"]),
            json!([4, null, "a/b", {"prompt": "b", "seed": 2}]),
        ]
    );
    let line = "\u{feff}{\"model\":\"a/b\",\"x\":1}\r\n";
    assert_eq!(lines(&line.repeat(2)).len(), 2);
    assert_eq!(lines(&line.repeat(2))[1], json!([2, null, "a/b", {"x": 1}]));
}

/// Two quotes may be missing so that a well-formed table is left.
#[test]
fn a_row_whose_lines_could_all_be_rows_is_noted() {
    let text = "prompt,seed\n\"a fox,1\na cat,2\na dog\",3\n\"a\nb, c\",4\nx,5\n";
    let rows = all(text, stated(Format::Csv), Some("a/b")).unwrap();
    let notes: Vec<_> = rows.into_iter().map(|row| row.unwrap().notes).collect();
    let note = "spans 3 lines, and each of them could be a row of its own; check its quotes";
    assert_eq!(notes[0], [Problem::new(2, None, note)]);
    assert!(notes[1..].iter().all(Vec::is_empty));
    // In one column any cell of several lines would be.
    let rows = all("prompt\n\"a\nb\"\n", stated(Format::Csv), Some("a/b")).unwrap();
    assert!(rows[0].as_ref().unwrap().notes.is_empty());
}

#[test]
fn an_empty_row_of_a_table_is_skipped() {
    let text = "\n,,\na,b,\n,,\n1,2,\n , \n\t\n,,,,\n\"\",\" \"\n";
    assert_eq!(table(text), [json!([5, null, "a/b", {"a": 1, "b": 2}])]);
}

#[test]
fn a_list_of_rows_is_read_as_lines_of_rows_are() {
    let pretty = "\u{feff}\n [\n  {\"model\": \"a/b\", \"prompt\": \"[x, \\\"y\\\"]\"},\n\n  {\n    \
                  \"id\": 1,\n    \"model\": \"a/b\",\n    \"input\": {\"l\": [1, {\"a\": \"}\"}]}\n  \
                  },\n  7,\n  {\"model\": \"a/b\",\n   \"x\": nope}\n]\n";
    for rows in [&stated(Format::JsonLines) as &dyn Fn(_) -> _, &Rows::detect] {
        assert_eq!(
            shown(all(pretty, rows, None).unwrap()),
            [
                json!([3, null, "a/b", {"prompt": "[x, \"y\"]"}]),
                json!([5, "1", "a/b", {"l": [1, {"a": "}"}]}]),
                json!(["line 10 (row 3): not an object: write {\"model\": …, \"input\": {…}}"]),
                json!(["line 11 (row 4): not json, at line 12 column 10"]),
            ]
        );
    }
    assert!(lines("[]").is_empty() && lines(" [ \n ] ").is_empty());
    let small = "[{\"model\":\"a/b\",\"x\":1},{\"x\":2}]";
    assert_eq!(
        lines(small),
        [
            json!([1, null, "a/b", {"x": 1}]),
            json!(["line 1 (row 2), model: there is none: give each row one, or one for all rows"]),
        ]
    );
}

#[test]
fn a_list_that_is_cut_or_goes_on_is_refused_whole() {
    for (text, said) in [
        (
            "[{\"x\":1},\n{\"x\":2}\n",
            "line 3: the list ends here without its closing ]",
        ),
        ("[{\"x\":1},\n{\"x", "line 2: the list ends here"),
        (
            "[{\"x\":1}]\n[{\"x\":2}]",
            "line 2: there is text outside of the list",
        ),
        ("[{\"x\":1},]", "line 1: there is a comma without a row"),
        (
            "[{\"x\":1},,{\"x\":2}]",
            "line 1: there is a comma without a row",
        ),
        ("[,]", "line 1: there is a comma without a row"),
        ("[", "line 1: the list ends here"),
        ("[{\"x\":\"a},{\"x\":\"b\"}]", "line 1: the list ends here"),
    ] {
        let refused = refusal(text, stated(Format::JsonLines));
        assert!(refused.starts_with(said), "{text}: {refused}");
    }
}

#[test]
fn the_header_shows_the_delimiter() {
    let row = [json!([2, null, "a/b", {"prompt": "a, b; c", "seed": 1}])];
    for text in [
        "prompt;seed\n\"a, b; c\";1\n",
        "prompt\tseed\na, b; c\t1\n",
        "\"prompt\",\"seed\"\n\"a, b; c\",1\n",
    ] {
        assert_eq!(table(text), row);
        assert_eq!(shown(all(text, Rows::detect, Some("a/b")).unwrap()), row);
    }
    let row = [json!([3, null, "a/b", {"prompt": "a, b; c", "seed": 1}])];
    for text in [
        "sep=;\r\nprompt;seed\r\n\"a, b; c\";1\r\n",
        "\u{feff}\"SEP=|\"\nprompt|seed\na, b; c|1",
        "sep=\t\nprompt\tseed\na, b; c\t1",
    ] {
        assert_eq!(table(text), row);
        assert_eq!(shown(all(text, Rows::detect, Some("a/b")).unwrap()), row);
    }
    for (text, said) in [
        (
            "prompt;seed,x\n1;2,3\n",
            "line 1: the header holds both a semicolon and a comma",
        ),
        ("sep=\nprompt\n", "line 1: sep= must name one character"),
        ("sep=ab\nprompt\n", "line 1: sep= must name one character"),
        (
            "sep=;\nprompt,seed\n1,2\n",
            "line 2: \"prompt,seed\" is not the name of a field",
        ),
        (
            "\"prompt;seed\"\n1\n",
            "line 1: \"prompt;seed\" is not the name of a field",
        ),
        (
            "prompt|seed\n1|2\n",
            "line 1: \"prompt|seed\" is not the name of a field",
        ),
    ] {
        let refused = refusal(text, stated(Format::Csv));
        assert!(refused.starts_with(said), "{text}: {refused}");
    }
    // Delimiters below a header of one column are text.
    assert_eq!(
        table("prompt\na; b\n"),
        [json!([2, null, "a/b", {"prompt": "a; b"}])]
    );
}

fn named(name: &'static str) -> impl Fn(Cursor<Vec<u8>>) -> Rows {
    move |text| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text.into_inner()).unwrap();
        Rows::file(&path).unwrap()
    }
}

#[test]
fn lines_without_a_header_are_refused() {
    for text in [
        "a red fox\na cat\n",
        "fox, red\ncat, blue\n",
        "一只红狐狸\n猫\n",
        "1984\n1985\n",
        "x\u{a0}y\nz",
    ] {
        for rows in [
            &Rows::detect as &dyn Fn(_) -> _,
            &stated(Format::Csv),
            &named("p.csv"),
        ] {
            // Words alone may be names where somebody says that there is a header.
            if text.starts_with("fox") && refusal(text, Rows::detect).contains("no field") {
                continue;
            }
            let said = refusal(text, rows);
            assert!(
                said.contains("is not the name of a field"),
                "{text}: {said}"
            );
            assert!(said.contains("--format text"), "{said}");
        }
    }
}

#[test]
fn a_line_that_may_be_a_row_is_a_header_only_if_the_caller_says_so() {
    let one = [json!([2, null, "a/b", {"fox": "cat"}])];
    let two = [json!([2, null, "a/b", {"text": "hello", "voice": "amy"}])];
    let read = |text: &str, rows: &dyn Fn(Cursor<Vec<u8>>) -> Rows| {
        all(text, rows, Some("a/b")).map(shown)
    };
    let may_be = Err("line 1: no field fox is known");
    for (text, rows, expected) in [
        ("fox\ncat\n", &Rows::detect as &dyn Fn(_) -> _, may_be),
        ("fox\ncat\n", &named("p.csv"), may_be),
        ("fox\ncat\n", &stated(Format::Csv), Ok(&one)),
        (
            "text,voice\nhello,amy\n",
            &Rows::detect,
            Err("line 1: no field text, voice is known"),
        ),
        ("text,voice\nhello,amy\n", &named("p.csv"), Ok(&two)),
        ("text\tvoice\nhello\tamy\n", &named("p.tsv"), Ok(&two)),
    ] {
        match (read(text, rows), expected) {
            (Ok(rows), Ok(expected)) => assert_eq!(rows, expected),
            (Err(said), Err(expected)) => assert!(said.starts_with(expected), "{said}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    // A field of the model, or of any that is known when the model is not.
    let rows = all("input_image\nhttps://x/a.png\n", Rows::detect, Some("a/b")).unwrap();
    assert!(rows[0].is_ok());
    let schnell = Some("black-forest-labs/flux-schnell");
    assert!(all("seed\n1\n", Rows::detect, schnell).is_ok());
    assert!(all("input_image\nhttps://x/a.png\n", Rows::detect, schnell).is_err());
}

#[test]
fn a_file_that_is_not_text_is_named_once() {
    let utf16: Vec<u8> = "prompt\na fox\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = [&b"\xff\xfe"[..], &utf16].concat();
    for (bytes, said) in [
        (
            &b"PK\x03\x04\x14\0\x06\0rest"[..],
            "the file is a zip archive, such as an Excel workbook",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest",
            "the file is an Office file (.xls",
        ),
        (b"\x1f\x8b\x08\0\0\0", "the file is compressed with gzip"),
        (&utf16, "the file is UTF-16 text; save it as UTF-8"),
        (&marked, "the file is UTF-16 text; save it as UTF-8"),
        (b"a\0b\nc\n", "the file is not text"),
    ] {
        for rows in [
            &Rows::detect as &dyn Fn(_) -> _,
            &stated(Format::Csv),
            &stated(Format::JsonLines),
        ] {
            let refused = refusal(bytes, rows);
            assert!(refused.starts_with(said), "{refused}");
        }
    }
}

/// A pipe may stay open after its first row.
#[test]
fn a_row_is_read_before_the_next_is_there() {
    for text in ["{\"x\":1}\n", "[{\"x\":1},\n", "\u{feff}\nid,x\nk,1\n"] {
        let open = Cursor::new(text).chain(Broken);
        let mut found = 0;
        let model = "a/b".parse().unwrap();
        let end = read(Rows::detect(open), Some(&model), &mut |row| {
            found += usize::from(row.is_ok());
            true
        });
        assert_eq!(
            (found, end.unwrap_err().to_string()),
            (1, "read on".to_owned())
        );
    }
}

/// Where a pipe would wait.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("read on"))
    }
}

/// A pipe may bring one byte at a time.
#[test]
fn the_beginning_may_come_in_pieces() {
    struct Drip(Cursor<Vec<u8>>);
    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }
    let drip = |text: Cursor<Vec<u8>>| Rows::detect(Drip(text));
    let row = [json!([3, null, "a/b", {"prompt": "x", "seed": 1}])];
    let rows = all("\u{feff}sep=;\nprompt;seed\nx;1\n", drip, Some("a/b")).unwrap();
    assert_eq!(shown(rows), row);
}

proptest! {
    #[test]
    fn a_list_and_lines_of_the_same_rows_are_read_alike(
        prompts in prop::collection::vec("[a\"\\\\,\\[\\]{}\n ]{1,12}", 0..8),
        pretty: bool,
    ) {
        let rows: Vec<_> = prompts.iter().map(|text| json!({"model": "a/b", "prompt": text})).collect();
        let lines: Vec<_> = rows.iter().map(Value::to_string).collect();
        let lines = lines.join("\n");
        let list = if pretty { serde_json::to_string_pretty(&rows) } else { serde_json::to_string(&rows) };
        let read = |text: String| -> Vec<_> {
            let rows = all(text, stated(Format::JsonLines), None).unwrap();
            rows.into_iter().map(|row| row.unwrap().input).collect()
        };
        prop_assert_eq!(read(list.unwrap()), read(lines));
    }

    #[test]
    fn a_quote_too_many_or_too_few_in_a_list_is_never_other_rows(
        prompts in prop::collection::vec("[a,\\[\\]{} ]{1,12}", 1..6),
        place in any::<prop::sample::Index>(),
        removes: bool,
    ) {
        let rows: Vec<_> = prompts.iter().map(|text| json!({"model": "a/b", "prompt": text})).collect();
        let mut list = serde_json::to_string(&rows).unwrap();
        if removes {
            let quotes: Vec<_> = list.match_indices('"').map(|(at, _)| at).collect();
            list.remove(quotes[place.index(quotes.len())]);
        } else {
            list.insert(place.index(list.len() + 1), '"');
        }
        let read = all(list, stated(Format::JsonLines), None);
        // Before the list it makes a line of it, which is no row.
        prop_assert!(read.is_err() || read.unwrap().iter().all(Result::is_err));
    }

    #[test]
    fn no_text_makes_a_reader_panic(bytes: Vec<u8>, text in "[\\[{\"',;:a-c0-9\\s}\\]\u{feff}]{0,80}") {
        for rows in [
            &Rows::detect as &dyn Fn(_) -> _,
            &stated(Format::Csv),
            &stated(Format::JsonLines),
        ] {
            for model in [None, Some("a/b")] {
                let _ = all(&bytes, rows, model);
                let _ = all(&text, rows, model);
            }
        }
    }
}

#[test]
fn a_row_that_is_too_long_is_refused_with_its_line() {
    let rows = |text: &str, format| {
        let limited = |text| Rows::reader(text, format).max_row_size(40);
        all(text, limited, Some("a/b")).map(shown)
    };
    let long = "x".repeat(40);
    let said = "longer than 40 bytes; to allow longer rows: --max-row-size SIZE";

    let text = format!("{{\"prompt\":\"a\"}}\n{{\"prompt\":\"{long}\"}}\n{{\"prompt\":\"b\"}}\n");
    assert_eq!(
        rows(&text, Format::JsonLines).unwrap(),
        [
            json!([1, null, "a/b", {"prompt": "a"}]),
            json!([format!("line 2: {said}")]),
            json!([3, null, "a/b", {"prompt": "b"}]),
        ]
    );
    let text = format!("[{{\"prompt\":\"a\"}},\n{{\"prompt\":\"{long}\"}}]");
    assert_eq!(
        rows(&text, Format::JsonLines).unwrap_err(),
        format!("line 2 (row 2): {said}")
    );
    for cell in [&long, &format!("\"{long}\"")] {
        let text = format!("prompt,seed\na,1\n{cell},2\n");
        assert_eq!(
            rows(&text, Format::Csv).unwrap_err(),
            format!("line 3: {said}; or close a quote that is left open: the row begins here")
        );
    }
}

#[test]
fn a_row_of_the_greatest_length_is_read() {
    let row = r#"{"prompt":"a"}"#;
    for (text, format) in [
        (format!("{row}\n{row}"), Format::JsonLines),
        (format!("[{row},{row}]"), Format::JsonLines),
        (
            format!("prompt\n{0}\n{0}\n", "x".repeat(row.len())),
            Format::Csv,
        ),
    ] {
        let limited = |max| move |text| Rows::reader(text, format).max_row_size(max);
        let read = all(&text, limited(row.len()), Some("a/b"));
        assert!(
            read.is_ok_and(|rows| rows.iter().all(Result::is_ok)),
            "{text}"
        );
        let read = all(&text, limited(row.len() - 1), Some("a/b"));
        assert!(
            read.is_err() || read.is_ok_and(|rows| rows.iter().all(Result::is_err)),
            "{text}"
        );
    }
}

#[test]
fn a_row_without_an_end_is_not_held_in_memory() {
    for (start, format, name) in [
        (&b"{\"prompt\":\""[..], Format::JsonLines, "line"),
        (b"[{\"prompt\":\"", Format::JsonLines, "element"),
        (b"prompt,seed\n", Format::Csv, "cell"),
        (b"prompt,seed\n\"", Format::Csv, "quoted cell"),
    ] {
        let endless = Cursor::new(start).chain(io::repeat(b'x').take(8 << 20));
        let model = "a/b".parse().unwrap();
        let mut problems = 0;
        let end = read(Rows::reader(endless, format), Some(&model), &mut |row| {
            let said = row.unwrap_err()[0].what.clone();
            assert!(said.starts_with("longer than 1 MB"), "{name}: {said}");
            problems += 1;
            true
        });
        match end {
            Ok(_) => assert_eq!(problems, 1, "{name}"),
            Err(e) => assert!(e.to_string().contains("longer than 1 MB"), "{name}: {e}"),
        }
    }
}

#[test]
fn the_problems_of_a_row_are_few_and_short() {
    let cells = ",x".repeat(1000);
    let found = all(
        format!("prompt,seed\na,1{cells}\n"),
        stated(Format::Csv),
        Some("a/b"),
    );
    let problems = found.unwrap().remove(0).unwrap_err();
    assert_eq!(problems.len(), MAX_PROBLEMS);
    let long = "x".repeat(10_000);
    let problem = Problem::new(1, long.clone(), long);
    assert!(problem.to_string().len() < 3 * MAX_PROBLEM);
}

#[derive(serde::Serialize)]
struct Own {
    id: Option<&'static str>,
    model: &'static str,
    prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

#[test]
fn rows_are_serialized_one_by_one_as_they_are_read() {
    let own = |id, prompt: &str, seed| Own {
        id,
        model: "a/b",
        prompt: prompt.to_owned(),
        seed,
    };
    let long = "x\n".repeat(5000);
    let rows = [
        own(Some("fox"), "a red fox", Some(7)),
        own(None, &long, None),
    ];
    let mut found = Vec::new();
    read(Rows::from_iter(rows), None, &mut |row| {
        found.push(row);
        true
    })
    .unwrap();
    assert_eq!(
        shown(found),
        [
            json!([1, "fox", "a/b", {"prompt": "a red fox", "seed": 7}]),
            json!([2, null, "a/b", {"prompt": long}]),
        ]
    );
}

#[test]
fn a_row_that_cannot_be_serialized_refuses_all_and_names_the_row() {
    use std::collections::BTreeMap;

    let good = BTreeMap::from([(vec![0_u8; 0], 1)]);
    let rows = [BTreeMap::new(), good];
    let refused = read(Rows::from_iter(rows), None, &mut |_| true).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "row 2 cannot be serialized: key must be a string"
    );
    // JSON, and no row.
    let mut found = Vec::new();
    read(Rows::from_iter([1, 2]), None, &mut |row| {
        found.push(row);
        true
    })
    .unwrap();
    assert!(found.iter().all(Result::is_err), "{found:?}");
    assert_eq!(found.len(), 2);
}
