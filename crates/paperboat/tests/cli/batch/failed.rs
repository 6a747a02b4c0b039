//! The rows that failed: listed again at the end, and in a file to edit and run again.

use std::fs;

use cometapi_mock::{Ending, Fault, Plan};
use serde_json::json;

use super::{batch, batch_of, foxes, inputs};
use crate::place::Place;
use crate::server;

const PAINTER: &str = "acme/painter";

/// Nested values, text that looks like a number, quotes, line breaks and labels.
fn rows() -> String {
    let rows = [
        json!({"id": "fox", "prompt": "fox", "megapixels": "0.25", "labels": {"client": "X"}}),
        json!({
            "id": "owl",
            "model": PAINTER,
            "input": {
                "prompt": "an owl, \"wise\"\nand old",
                "options": {"sizes": [1, 2.5], "name": "x"},
                "code": "7",
                "seed": 7,
            },
            "labels": {"client": "ACME, Köln", "steps": "=1"},
        }),
        json!({"id": "boat", "model": PAINTER, "input": {"prompt": "a nsfw boat"}}),
    ];
    rows.map(|row| format!("{row}\n")).concat()
}

const EDITED: [&str; 3] = ["failed.csv", "--retry-failed", "--update"];

#[tokio::test]
async fn rows_that_failed_are_edited_and_run_again() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Plan::of(Ending::nsfw()).model(PAINTER).times(2));
    place.write("rows.jsonl", rows());
    let ended = batch(&place, &server, &[]).ends(3).await;
    ended.says(&[
        "line 2 (owl)   acme/painter  failed  NSFW content detected. Try running it again, or try",
        "line 3 (boat)  acme/painter  failed  NSFW content detected. Try running it again, or try",
        "to change failed rows and run them again: edit out/failed.csv, then paperboat batch \
         out/failed.csv -o out --retry-failed --update\n",
    ]);
    let failed = fs::read_to_string(place.path("out/failed.csv")).unwrap();
    insta::assert_snapshot!(failed);

    // Fed back as it is, a row is the same; an edited one keeps its id.
    place.write("failed.csv", failed.replace("a nsfw boat", "a boat"));
    let (file, flags) = EDITED.split_first().unwrap();
    let again = batch_of(&place, &server, file, flags).ends(0).await;
    again.says(&["2 rows: 2 succeeded; 2 created in "]);
    assert!(
        !again.stderr.contains("kept as a label"),
        "{}",
        again.stderr
    );
    assert!(!place.path("out/failed.csv").exists());
    let mut sent = inputs(&server);
    let owl = sent.remove(3);
    assert_eq!(sent.remove(2), owl, "{sent:?}");
    assert_eq!(owl["options"], json!({"sizes": [1, 2.5], "name": "x"}));
    assert_eq!(owl["code"], "7");
    assert_eq!(sent[1], json!({"prompt": "a nsfw boat"}));
    assert_eq!(sent[0], json!({"prompt": "a boat"}));

    // Nothing is paid for once more.
    batch_of(&place, &server, file, flags).ends(0).await;
    assert_eq!(server.create_requests(), 5);
    let index = fs::read_to_string(place.path("out/index.csv")).unwrap();
    assert!(index.contains(",\"ACME, Köln\",'=1\n"), "{index}");
}

/// What a run would download or resolve, and not create, is nothing to edit.
#[tokio::test]
async fn a_row_that_may_be_paid_for_is_not_in_the_file() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Plan::of(Fault::Reset).after_accept());
    place.write("rows.jsonl", foxes(&["a"]));
    let ended = batch(&place, &server, &[]).ends(7).await;
    ended.says(&["line 1 (a)  black-forest-labs/flux-schnell  unresolved  "]);
    assert!(!place.path("out/failed.csv").exists());
}

/// The list at the end is capped, and says how to see the rest.
#[tokio::test]
async fn many_failures_are_counted() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Plan::of(Ending::nsfw()).always());
    let ids: Vec<_> = (0..23).map(|number| format!("r{number}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    place.write("rows.jsonl", foxes(&ids));
    let ended = batch(&place, &server, &["-q"]).ends(3).await;
    assert_eq!(ended.stderr.matches("  failed  NSFW").count(), 20);
    ended.says(&["and 3 more: paperboat list --failed --batch out\n"]);
    let failed = fs::read_to_string(place.path("out/failed.csv")).unwrap();
    assert_eq!(failed.lines().count(), 24);
    // Without a run of them, what failed before is listed again.
    let ended = batch(&place, &server, &[]).ends(3).await;
    ended.says(&["row r0", "and 3 more: "]);
    assert_eq!(server.create_requests(), 23);
}

/// A file of that name that is the user's own is left alone.
#[tokio::test]
async fn another_file_of_that_name_is_left_alone() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::nsfw());
    fs::create_dir(place.path("out")).unwrap();
    place.write("out/failed.csv", "mine\n");
    place.write("rows.jsonl", foxes(&["a"]));
    let ended = batch(&place, &server, &[]).ends(3).await;
    ended.says(&["note: out/failed.csv was not written: another file has its name"]);
    let kept = fs::read_to_string(place.path("out/failed.csv")).unwrap();
    assert_eq!(kept, "mine\n");
}
