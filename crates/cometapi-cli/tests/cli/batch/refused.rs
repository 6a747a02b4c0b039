//! What is refused before the first create, and what only looks.

use serde_json::json;

use super::{batch, batch_of, files, foxes};
use crate::place::{Ended, Place};
use crate::server;

/// Refused, and as if it had never been: nothing sent, no folder, nothing written down.
async fn refused(name: &str, text: &str, more: &[&str]) -> Ended {
    let place = Place::new();
    let server = server().await;
    place.write(name, text);
    let ended = batch_of(&place, &server, name, more).ends(2).await;
    assert_eq!(ended.stdout, "", "{text}");
    assert!(server.requests().is_empty(), "{text}");
    assert!(!place.path("out").exists(), "{text}");
    assert!(place.listed(&[]).await.is_empty(), "{text}");
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
            &["line 2, model: must be a text"],
        ),
        (
            r#"{"id": ["x"], "prompt": "x"}"#,
            &["line 2, id: must be a text or a number"],
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
    let csv: [(&str, &str); 5] = [
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
        (
            "prompt,prompt\nx,y\n",
            "line 1, prompt: two columns have this name",
        ),
    ];
    for (text, said) in csv {
        refused("rows.csv", text, &[]).await.says(&[said]);
    }
}

#[tokio::test]
async fn of_many_bad_rows_the_first_are_named() {
    for (rows, said) in [(12, "and 2 more"), (150, "and at least 90 more")] {
        let text = "{\"promt\": 1}\n".repeat(rows);
        let ended = refused("rows.jsonl", &text, &[]).await;
        ended.says(&["line 1: promt", "line 10: promt", said]);
        assert!(!ended.stderr.contains("line 11"), "{}", ended.stderr);
    }
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
    let ended = place.cometapi(args).at(server.origin()).ends(2).await;
    ended.says(&["line 1, model: there is none"]);
    let args = args.iter().chain(&["--model", "flux-schnell"]);
    let ended = place.cometapi(args).at(server.origin()).ends(2).await;
    ended.says(&["did you mean black-forest-labs/flux-schnell?"]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn skip_bad_goes_on_without_them() {
    let place = Place::new();
    let server = server().await;
    let bad = "{\"prompt\": \"x\", \"num_outputs\": 9}\nnot json\n";
    place.write("rows.jsonl", foxes(&["a"]) + bad + &foxes(&["b"]));
    let ended = batch(&place, &server, &["--skip-bad"]).ends(2).await;
    ended.says(&[
        "skipped: line 2: num_outputs is 9, it takes 1–4",
        "skipped: line 3: not json",
        "2 rows: 2 succeeded, 2 skipped; 2 created in ",
        "rows that cannot be used were skipped",
    ]);
    assert_eq!(place.names("out"), files(&["a", "b"]));
    assert_eq!(server.creates(), 2);
}

#[tokio::test]
async fn a_dry_run_counts_and_makes_nothing() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a", "b", "c"]));
    let dry = batch(&place, &server, &["--dry-run"]).ends(0).await;
    assert_eq!(dry.lines(), ["to create         3"]);
    assert_eq!(dry.stderr, "");
    assert_eq!(place.names(""), ["rows.jsonl"]);

    server.on_end(cometapi_mock::Ending::nsfw());
    let more = ["--limit", "2", "--concurrency", "1"];
    batch(&place, &server, &more).ends(3).await;
    let requests = server.requests().len();
    let listed = place.listed(&[]).await;
    let dry = batch(&place, &server, &["--dry-run"]).ends(0).await;
    let counts = [
        "to create         1",
        "done              1",
        "failed            1",
    ];
    assert_eq!(dry.lines(), counts);
    let dry = ["--dry-run", "--json", "--retry-failed"];
    let dry = batch(&place, &server, &dry).ends(0).await;
    let counts = json!({
        "rows": 3,
        "to_create": 2,
        "running": 0,
        "succeeded": 1,
        "failed": 0,
        "unresolved": 0,
        "skipped": 0,
    });
    assert_eq!(dry.json(), counts);
    assert_eq!(server.requests().len(), requests);
    assert_eq!(place.names("out"), files(&["b"]));
    assert_eq!(place.listed(&[]).await, listed);

    place.write("rows.jsonl", "nonsense");
    let dry = batch(&place, &server, &["--dry-run"]).ends(2).await;
    dry.says(&["line 1: not json"]);
}
