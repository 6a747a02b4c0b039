//! What is refused before the first create request, and what only looks.

use serde_json::json;

use super::{batch, batch_of, files, foxes};
use crate::place::{Ended, Place};
use crate::server;

/// Refused, and as if it had never been: nothing sent, no folder, nothing recorded.
async fn refused(name: &str, text: impl AsRef<[u8]>, more: &[&str]) -> Ended {
    let text = text.as_ref();
    let place = Place::new();
    let server = server().await;
    place.write(name, text);
    let ended = batch_of(&place, &server, name, more).ends(2).await;
    let shown = String::from_utf8_lossy(text);
    assert_eq!(ended.stdout, "", "{shown}");
    assert!(server.requests().is_empty(), "{shown}");
    assert!(!place.path("out").exists(), "{shown}");
    assert!(place.listed(&[]).await.is_empty(), "{shown}");
    ended
}

#[tokio::test]
async fn a_bad_row_is_named_by_line_and_field() {
    let jsonl: [(&str, &[&str]); 10] = [
        (
            r#"{"prompt": "x", "num_outputs": 9}"#,
            &["line 2: num_outputs is 9, it takes 1–4"],
        ),
        (
            r#"{"promt": "x"}"#,
            &["line 2: promt is not one of its fields, did you mean prompt?"],
        ),
        (
            r#"{"model": "acme", "prompt": "x"}"#,
            &["line 2, model: ", "write owner/name"],
        ),
        (
            r#"{"model": 7, "prompt": "x"}"#,
            &["line 2, model: must be a string"],
        ),
        (
            r#"{"id": ["x"], "prompt": "x"}"#,
            &["line 2, id: must be a string or a number"],
        ),
        (
            r#"{"id": "good", "prompt": "x"}"#,
            &["line 2, id: \"good\" is also the id of line 1"],
        ),
        (r#"{"input": 7}"#, &["line 2, input: must be an object"]),
        (r#"["x"]"#, &["line 2: not an object"]),
        (r#"{"prompt": "x""#, &["line 2: not json, at column 14"]),
        (r#"{"id": "x"}"#, &["line 2: the input holds nothing"]),
    ];
    for (row, said) in jsonl {
        let text = format!("{}{row}\n{}", foxes(&["good"]), foxes(&["fine"]));
        let ended = refused("rows.jsonl", &text, &[]).await;
        ended.says(said).says(&[
            "nothing was sent, because rows cannot be used",
            "--skip-bad",
        ]);
    }
    let csv: [(&str, &str); 4] = [
        (
            "prompt,seed\nx,1\n\"a\nb\",many\n",
            "line 3: seed is \"many\", it takes a whole number",
        ),
        (
            "prompt,go_fast\nx,maybe\n",
            "line 2: go_fast is \"maybe\", it takes true or false",
        ),
        ("prompt,seed\nx\n", "line 2: has 1 cells under 2 columns"),
        (
            "prompt,seed\nx,1,red\n",
            "line 2, cell 3: stands under no column",
        ),
    ];
    for (text, said) in csv {
        refused("rows.csv", text, &[]).await.says(&[said]);
    }
}

/// Where it is in doubt what the rows are, none is sent, whether bad rows are skipped or not.
#[tokio::test]
async fn a_file_in_doubt_is_refused_whole() {
    let utf16: Vec<u8> = "prompt\na fox\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (name, text, said) in [
        (
            "rows.csv",
            &b"prompt\n\"a fox\na cat\na dog\n"[..],
            "line 2: the quote that opens a cell here is never closed",
        ),
        (
            "rows.csv",
            b"prompt\nx\n\"the \\\"red\\\" fox\"\n",
            "line 3: a backslash does not escape a quote in CSV; double the quote instead",
        ),
        (
            "rows.tsv",
            b"prompt\tseed\n5\" nails\t1\n",
            "line 2: there is a quote inside a cell that is not quoted",
        ),
        (
            "rows.csv",
            b"prompt,prompt\nx,y\n",
            "line 1, prompt: two columns have this name",
        ),
        (
            "rows.csv",
            b"a red fox\na cat\n",
            "line 1: \"a red fox\" is not the name of a field",
        ),
        (
            "rows.csv",
            b"a red fox, at night\na cat\n",
            "for one prompt a line without a header: --format text",
        ),
        (
            "rows.csv",
            b"prompt,Seed,seed\nx,1,2\n",
            "line 1: the columns \"Seed\" and \"seed\" are both seed: remove one",
        ),
        (
            "rows.csv",
            b"prompt;seed,x\n1\n",
            "the header holds both a semicolon and a comma",
        ),
        (
            "rows.json",
            b"[{\"prompt\": \"x\"},\n",
            "line 2: the list ends here without its closing ]",
        ),
        (
            "rows.jsonl",
            &utf16,
            "the file is UTF-16 text; save it as UTF-8",
        ),
        (
            "rows.csv",
            b"PK\x03\x04\x14\0",
            "the file is a zip archive, such as an Excel workbook",
        ),
        (
            "rows.jsonl",
            b"\x1f\x8b\x08\0",
            "the file is compressed with gzip",
        ),
    ] {
        for more in [&[][..], &["--skip-bad"], &["--dry-run"]] {
            let ended = refused(name, text, more).await;
            ended.says(&[said, "error: the rows cannot be read, and nothing was sent"]);
            assert!(ended.stderr.lines().count() <= 3, "{}", ended.stderr);
        }
    }
}

#[tokio::test]
async fn plain_lines_on_stdin_are_not_a_table() {
    let place = Place::new();
    let server = server().await;
    for (model, text) in [
        ("acme/portrait", "a red fox\na cat\n"),
        ("acme/portrait", "fox\ncat\n"),
        (crate::SCHNELL, "a red fox\na cat\n"),
    ] {
        let args = ["batch", "-", "--model", model, "-o", "out"];
        let call = place.paperboat(args).stdin(text).at(server.origin());
        call.ends(2)
            .await
            .says(&["for one prompt a line without a header: --format text"]);
    }
    assert!(server.requests().is_empty());
    assert!(!place.path("out").exists());
}

#[tokio::test]
async fn a_key_given_twice_is_refused_with_its_line() {
    for (row, said) in [
        (
            r#"{"prompt": "x", "seed": 1, "seed": 2}"#,
            "line 2: \"seed\" is given twice",
        ),
        (
            r#"{"model": "a/b", "model": "c/d", "prompt": "x"}"#,
            "line 2: \"model\" is given twice",
        ),
        (
            r#"{"id": 1, "id": 2, "prompt": "x"}"#,
            "line 2: \"id\" is given twice",
        ),
        (
            r#"{"input": {"o": {"k": 1, "k": 2}}}"#,
            "line 2: \"k\" is given twice",
        ),
        (
            r#"{"prompt": "x", "seed": 18446744073709551616}"#,
            "line 2: the number 18446744073709551616 is an integer beyond 64 bits",
        ),
        (
            r#"{"prompt": "x", "seed": 1e999}"#,
            "line 2: the number 1e999 is too large",
        ),
    ] {
        let text = format!("{}{row}\n", foxes(&["good"]));
        refused("rows.jsonl", &text, &[]).await.says(&[said]);
    }
}

#[tokio::test]
async fn of_many_bad_rows_the_first_are_named() {
    for (rows, said) in [(12, "and 2 more"), (150, "and at least 90 more")] {
        let row = |n| format!("{{\"prompt\": \"x\", \"num_outputs\": {n}}}\n");
        let text: String = (5..).take(rows).map(row).collect();
        let ended = refused("rows.jsonl", &text, &[]).await;
        ended.says(&["line 1: num_outputs is 5", "line 10: num_outputs", said]);
        assert!(!ended.stderr.contains("line 11"), "{}", ended.stderr);
    }
    // The same again and again is said once.
    let text = "nonsense\n".repeat(150) + "{\"promt\": 1}\n";
    let ended = refused("rows.jsonl", &text, &[]).await;
    ended.says(&[
        "line 1: not json, at column 2 (and in 149 more rows)",
        "line 151: promt",
    ]);
    assert!(!ended.stderr.contains("line 2"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_file_that_holds_no_rows_or_is_none_is_said() {
    for (name, text) in [
        ("rows.jsonl", "\n \n"),
        ("rows.csv", ""),
        ("rows.csv", "prompt,seed\n"),
    ] {
        let ended = refused(name, text, &[]).await;
        ended.says(&["there are no rows"]);
        assert!(!ended.stderr.contains("--skip-bad"), "{}", ended.stderr);
    }
    let place = Place::new();
    let server = server().await;
    for (name, said) in [
        ("none.jsonl", "none.jsonl cannot be read"),
        (".", ". is a folder"),
    ] {
        let ended = batch_of(&place, &server, name, &[]).ends(2).await;
        ended.says(&[said]);
    }
    assert!(place.names("").is_empty());
}

/// A row without a model, when there is none for all.
#[tokio::test]
async fn a_row_needs_a_model() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a"]));
    let args = ["batch", "rows.jsonl", "-o", "out"];
    let ended = place.paperboat(args).at(server.origin()).ends(2).await;
    ended.says(&["line 1, model: there is none"]);
    let args = args.iter().chain(&["--model", "flux-schnel"]);
    let ended = place.paperboat(args).at(server.origin()).ends(2).await;
    ended.says(&["did you mean black-forest-labs/flux-schnell?"]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn skip_bad_goes_on_without_them() {
    let place = Place::new();
    let server = server().await;
    let bad = "{\"prompt\": \"x\", \"num_outputs\": 9}\nnot json\n";
    place.write("rows.jsonl", foxes(&["a"]) + bad + &foxes(&["b"]));
    let ended = batch(&place, &server, &["--skip-bad"]).ends(0).await;
    ended.says(&[
        "skipped: line 2: num_outputs is 9, it takes 1–4",
        "skipped: line 3: not json",
        "2 rows: 2 succeeded, 2 skipped; 2 created in ",
    ]);
    assert_eq!(place.names("out"), files(&["a", "b"]));
    let ended = batch(&place, &server, &["--skip-bad", "--strict"]);
    ended
        .ends(2)
        .await
        .says(&["error: rows that cannot be used were skipped"]);
    assert_eq!(server.create_requests(), 2);
    place.write("rows.jsonl", bad);
    batch(&place, &server, &["--skip-bad"]).ends(2).await;
}

#[tokio::test]
async fn a_dry_run_counts_and_makes_nothing() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a", "b", "c"]));
    let dry = batch(&place, &server, &["--dry-run"]).ends(0).await;
    assert_eq!(dry.lines()[..2], ["to create         3", ""]);
    assert_eq!(dry.stderr, "");
    assert_eq!(place.names(""), ["rows.jsonl"]);

    server.on_end(cometapi_mock::Ending::nsfw());
    let more = ["--limit", "2", "--jobs", "1"];
    batch(&place, &server, &more).ends(3).await;
    let requests = server.requests().len();
    let listed = place.listed(&[]).await;
    let dry = batch(&place, &server, &["--dry-run"]).ends(0).await;
    let counts = [
        "to create         1",
        "done              1",
        "failed            1",
    ];
    assert_eq!(dry.lines()[..3], counts);
    let dry = ["--dry-run", "--json", "--retry-failed"];
    let dry = batch(&place, &server, &dry).ends(0).await;
    let mut planned = dry.json();
    // Prices have tests of their own.
    for money in ["models", "cost_usd", "balance_usd"] {
        assert!(planned.as_object_mut().unwrap().remove(money).is_some());
    }
    let counts = json!({
        "rows": 3,
        "to_create": 2,
        "running": 0,
        "succeeded": 1,
        "failed": 0,
        "unresolved": 0,
        "skipped": 0,
    });
    assert_eq!(planned, counts);
    assert_eq!(server.requests().len(), requests);
    assert_eq!(place.names("out"), files(&["b"]));
    assert_eq!(place.listed(&[]).await, listed);

    place.write("rows.jsonl", "nonsense");
    let dry = batch(&place, &server, &["--dry-run"]).ends(2).await;
    dry.says(&["line 1: not json"]);
}
