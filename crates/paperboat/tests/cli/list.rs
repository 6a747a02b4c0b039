//! `paperboat list`: what was recorded, in words.

use cometapi_mock::{Ending, Fault};
use serde_json::Value;

use crate::place::{Call, Place};
use crate::{SCHNELL, server};

fn list<'p>(place: &'p Place, more: &[&str]) -> Call<'p> {
    place.paperboat(["list"].iter().chain(more))
}

fn prompts(listed: &[Value]) -> Vec<&str> {
    let prompt = |entry: &'_ Value| entry["input"]["prompt"].as_str().is_some();
    assert!(listed.iter().all(prompt), "{listed:?}");
    let prompts = listed.iter().map(|entry| &entry["input"]["prompt"]);
    prompts.filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn where_nothing_was_written_it_says_so_and_writes_nothing() {
    let place = Place::new();
    for args in [&[][..], &["--failed"], &["--ledger", "none/ledger"]] {
        let ended = list(&place, args).ends(0).await;
        assert_eq!(ended.stdout, "");
        assert_eq!(ended.stderr, "no recorded prediction matches\n");
    }
    assert!(place.listed(&[]).await.is_empty());
    assert!(place.names("").is_empty());
}

#[tokio::test]
async fn it_shows_the_newest_first_and_what_is_asked_for() {
    let place = Place::new();
    let server = server().await;
    let create = |prompt: &str, model: &str| {
        let prompt = format!("prompt={prompt}");
        let call = place.paperboat(["create", model, &prompt]);
        call.at(server.origin())
    };
    create("first", SCHNELL).ends(0).await;
    create("second", "acme/portrait").ends(0).await;
    server.on_create(Fault::Reset);
    create("third", SCHNELL).ends(7).await;
    server.on_create(Fault::InputRefused);
    create("fourth", SCHNELL).ends(1).await;
    server.on_end(Ending::nsfw());
    let run = ["run", SCHNELL, "prompt=fifth"];
    place.paperboat(run).at(server.origin()).ends(3).await;
    let run = [
        "run",
        SCHNELL,
        "prompt=sixth",
        "megapixels=0.25",
        "-o",
        "out",
    ];
    place.paperboat(run).at(server.origin()).ends(0).await;

    let rows: [(&[&str], &[&str]); 11] = [
        (
            &[],
            &["sixth", "fifth", "fourth", "third", "second", "first"],
        ),
        (&["--failed"], &["fifth", "fourth"]),
        (&["--running"], &["second", "first"]),
        (&["--unresolved"], &["third"]),
        (
            &["--unresolved", "--running"],
            &["third", "second", "first"],
        ),
        (&["--model", "acme/portrait"], &["second"]),
        (&["--model", SCHNELL, "--running"], &["first"]),
        (&["--limit", "2"], &["sixth", "fifth"]),
        (&["--limit", "0", "--failed"], &["fifth", "fourth"]),
        (&["--since", "1h", "--unresolved"], &["third"]),
        (&["--since", "2999-01-01"], &[]),
    ];
    for (filter, expected) in rows {
        assert_eq!(prompts(&place.listed(filter).await), expected, "{filter:?}");
    }

    let table = list(&place, &[]).ends(0).await;
    let lines = table.lines();
    assert_eq!(lines.len(), 7);
    assert!(lines[0].starts_with("ID "), "{}", lines[0]);
    let words = [
        "succeeded",
        "failed",
        "refused",
        "unresolved",
        "running",
        "running",
    ];
    for ((line, word), held) in lines[1..]
        .iter()
        .zip(words)
        .zip([true, true, false, false, true, true])
    {
        let cells: Vec<_> = line.split_whitespace().collect();
        assert_eq!(cells[1], word, "{line}");
        assert_eq!(cells[0] != "-", held, "{line}");
    }
    assert!(
        lines[1].ends_with(&format!("{SCHNELL} \"sixth\"")),
        "{}",
        lines[1]
    );
    let some = list(&place, &["--limit", "2"]).ends(0).await;
    assert_eq!(some.lines().len(), 3);
    some.says(&["note: these are the newest 2; for more: --limit N"]);
    list(&place, &["--since", "soon"])
        .ends(2)
        .await
        .says(&["is not a time"]);
    list(&place, &["--model", "x"]).ends(2).await;
}

#[tokio::test]
async fn more_than_a_page_is_listed_whole() {
    let place = Place::new();
    let server = server().await;
    let rows: Vec<_> = (0..450).map(|n| n.to_string()).collect();
    place.write("rows.csv", format!("prompt\n{}", rows.join("\n")));
    let args = [
        "batch", "rows.csv", "--model", SCHNELL, "-o", "out", "--limit", "0",
    ];
    place.paperboat(args).at(server.origin()).ends(0).await;
    assert_eq!(place.listed(&[]).await.len(), 100);
    let all = place.listed(&["--limit", "0"]).await;
    let expected: Vec<_> = rows.iter().rev().collect();
    assert_eq!(prompts(&all), expected);
    assert_eq!(all[0]["state"], "planned");
    assert!(all[0]["batch"].as_str().unwrap().ends_with("/out"));
    let exact = list(&place, &["--limit", "450"]).ends(0).await;
    assert_eq!((exact.lines().len(), exact.stderr.as_str()), (451, ""));
}

/// Prompts, ids and models are other people's texts.
#[tokio::test]
async fn a_terminal_finds_nothing_to_obey() {
    let place = Place::new();
    let server = server().await;
    let row = r#"{"id": "\u001b]0;x\u0007\n", "prompt": "a\u001b[2J\u009b2J\u007f\r\nfox 狐"}"#;
    place.write("rows.jsonl", row);
    let args = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "out"];
    let batch = place.paperboat(args).at(server.origin()).ends(0).await;
    for ended in [
        batch,
        list(&place, &[]).ends(0).await,
        list(&place, &["--json"]).ends(0).await,
    ] {
        for text in [&ended.stdout, &ended.stderr] {
            let odd = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(odd, None, "{text:?}");
        }
    }
    let table = list(&place, &[]).ends(0).await;
    assert_eq!(table.lines().len(), 2, "{}", table.stdout);
    assert!(table.stdout.contains("fox 狐"), "{}", table.stdout);
    let listed = place.listed(&[]).await;
    assert_eq!(
        listed[0]["input"]["prompt"],
        "a\u{1b}[2J\u{9b}2J\u{7f}\r\nfox 狐"
    );
}
