//! What a run by itself records, where, and what that is good for.

use std::fs;

use cometapi_mock::{Ending, Fault};
use serde_json::json;

use crate::place::{Place, Running, requested};
use crate::{FOX, SCHNELL, created, fox, server};

#[tokio::test]
async fn a_run_is_listed_with_all_that_became_of_it() {
    let place = Place::new();
    let server = server().await;
    let run = fox(&place, "run", &["-o", "out"]).at(server.origin());
    let ended = run.ends(0).await;
    let listed = place.listed(&[]).await;
    assert_eq!(listed.len(), 1);
    let entry = &listed[0];
    assert_eq!(entry["id"], ended.id());
    assert_eq!(entry["model"], SCHNELL);
    assert_eq!(entry["service"], server.base_url());
    let input = json!({"prompt": "a red fox", "megapixels": "0.25"});
    assert_eq!(entry["input"], input);
    assert_eq!(
        (&entry["state"], &entry["outcome"]),
        (&json!("ended"), &json!("succeeded"))
    );
    assert_eq!(entry["batch"], json!(null));
    let path = entry["files"][0]["path"].as_str().unwrap();
    assert!(
        path.ends_with(&format!("out/{}.webp", ended.id())),
        "{path}"
    );
    let path = place.path(path);
    assert_eq!(
        fs::metadata(path).unwrap().len(),
        entry["files"][0]["bytes"]
    );
    let seen: Vec<_> = entry["seen"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["status"])
        .collect();
    assert_eq!(seen.last(), Some(&&json!("succeeded")));
    for time in ["planned_at", "sent_at", "created_at", "ended_at"] {
        assert!(entry[time].as_str().unwrap().ends_with('Z'), "{time}");
    }
}

#[tokio::test]
async fn how_a_create_went_wrong_is_listed() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::Close.after_accept());
    let create = fox(&place, "create", &[]).at(server.origin());
    create.ends(7).await;
    server.on_create(Fault::InputRefused);
    fox(&place, "run", &[]).at(server.origin()).ends(1).await;
    server.on_end(Ending::nsfw());
    fox(&place, "run", &[]).at(server.origin()).ends(3).await;

    let unresolved = place.listed(&["--unresolved"]).await;
    assert_eq!(unresolved.len(), 1);
    let lost = &unresolved[0];
    assert_eq!(lost["id"], json!(null));
    assert_eq!(lost["model"], SCHNELL);
    assert_eq!(lost["input"]["prompt"], "a red fox");
    assert_eq!(lost["outcome"], "maybe_accepted");
    assert!(
        lost["error"]
            .as_str()
            .unwrap()
            .contains("may have been accepted")
    );

    let failed = place.listed(&["--failed"]).await;
    let outcomes: Vec<_> = failed.iter().map(|entry| &entry["outcome"]).collect();
    assert_eq!(outcomes, ["failed", "refused"]);
    assert!(failed[0]["error"].as_str().unwrap().contains("NSFW"));
    assert!(
        failed[1]["error"]
            .as_str()
            .unwrap()
            .contains("less than or equal to 4")
    );
    assert!(place.listed(&["--running"]).await.is_empty());
}

/// A run whose polls bring nothing, read up to its id.
async fn begun<'p>(place: &'p Place, server: &cometapi_mock::MockServer) -> (Running<'p>, String) {
    server.on_poll(Fault::BadGatewayPage.always());
    let seen = server.requests().len() as u64;
    let run = fox(place, "run", &["-o", "out"]).at(server.origin());
    let mut run = run.start();
    let line = run.says("created ").await;
    // An id is shown before it is recorded, and polled afterwards.
    requested(server, seen + 2).await;
    (run, line.strip_prefix("created ").unwrap().to_owned())
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_killed_run_left_is_finished_by_all_and_by_its_id() {
    let place = Place::new();
    let server = server().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (run, id) = begun(&place, &server).await;
        run.kill().await;
        let running = place.listed(&["--running"]).await;
        assert_eq!(
            (&running[0]["id"], &running[0]["state"]),
            (&json!(id), &json!("running"))
        );
        server.clear_plans();
        let named = ["wait", &id, "-o", "out"];
        let all = ["wait", "--all", "-o", "out"];
        let wait = if ids.is_empty() { &all[..] } else { &named };
        let ended = place.paperboat(wait).at(server.origin()).ends(0).await;
        assert_eq!(ended.lines().len(), 1);
        assert!(
            ended.lines()[0].ends_with(&format!("out/{id}.webp")),
            "{ended:?}"
        );
        ids.push(id);
        assert!(place.listed(&["--running"]).await.is_empty());
        let listed = place.listed(&[]).await;
        assert_eq!(listed[0]["outcome"], "succeeded");
        assert_eq!(listed[0]["files"].as_array().unwrap().len(), 1);
    }
    assert_eq!(server.create_requests(), 2);
    let none = place.paperboat(["wait", "--all"]).at(server.origin());
    let none = none.ends(0).await;
    assert_eq!(none.stdout, "");
    none.says(&["no prediction to wait for"]);
}

/// The advice of a batch is for a batch.
#[tokio::test]
async fn a_wait_for_all_ends_with_the_most_severe_code_and_advises_what_it_can() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::nsfw());
    created(&place, &server).await;
    created(&place, &server).await;
    let args = ["wait", "--all", "-o", "out"];
    let ended = place.paperboat(args).at(server.origin()).ends(3).await;
    ended.says(&["2 predictions: 1 succeeded, 1 failed", "NSFW"]);
    assert!(!ended.stderr.contains("--retry"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("rows"), "{}", ended.stderr);
    assert_eq!(place.names("out").len(), 1);
    place.paperboat(args).at(server.origin()).ends(0).await;
}

/// Killed before the response: the prediction is unresolved, and listed as that at once.
#[cfg(unix)]
#[tokio::test]
async fn a_create_that_was_killed_is_unresolved_at_once() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::Hang.after_accept().times(2));
    let run = fox(&place, "run", &[]).at(server.origin()).start();
    requested(&server, 1).await;
    run.kill().await;
    let run = fox(&place, "create", &[]).at(server.origin()).start();
    requested(&server, 2).await;
    // One that is on its way is in no doubt yet.
    assert_eq!(place.listed(&["--unresolved"]).await.len(), 1);
    assert_eq!(place.listed(&["--running"]).await[0]["state"], "sending");
    run.interrupt().await;
    run.ends(7).await;
    assert_eq!(place.listed(&["--unresolved"]).await.len(), 2);
    assert!(place.listed(&["--running"]).await.is_empty());
}

#[tokio::test]
async fn the_ledger_is_where_it_is_said_to_be() {
    let place = Place::new();
    let server = server().await;
    let at = |more: &[&str], variable: &str| {
        let create = fox(&place, "create", more).at(server.origin());
        create.env("PAPERBOAT_LEDGER", variable).ends(0)
    };
    at(&["--no-ledger"], "env.sqlite3").await;
    assert!(place.names("").is_empty());
    at(&[], "env.sqlite3").await;
    at(&["--ledger", "deep/er/flag.sqlite3"], "env.sqlite3").await;
    assert!(!place.ledger().exists());
    at(&[], " \t").await;
    for (ledger, count) in [("env.sqlite3", 1), ("deep/er/flag.sqlite3", 1)] {
        assert_eq!(
            place.listed(&["--ledger", ledger]).await.len(),
            count,
            "{ledger}"
        );
        let list = place.paperboat(["list", "--json"]);
        let list = list.env("PAPERBOAT_LEDGER", ledger).ends(0).await;
        assert_eq!(list.lines().len(), count, "{ledger}");
    }
    assert_eq!(place.listed(&[]).await.len(), 1);
    let both = ["--ledger", "x", "--no-ledger"];
    fox(&place, "run", &both)
        .ends(2)
        .await
        .says(&["cannot be used with"]);
}

/// A mock of the process is gone with it: nothing there is worth recording.
#[tokio::test]
async fn a_mock_of_the_process_is_written_down_only_where_asked_to() {
    let place = Place::new();
    fox(&place, "run", &["--mock", "-o", "out"]).ends(0).await;
    assert_eq!(place.names(""), ["out"]);
    let ledger = ["--mock", "-o", "out", "--ledger", "mine"];
    fox(&place, "run", &ledger).ends(0).await;
    assert_eq!(place.listed(&["--ledger", "mine"]).await.len(), 1);
}

#[tokio::test]
async fn without_a_ledger_that_can_be_written_nothing_is_sent() {
    let place = Place::new();
    let server = server().await;
    place.write("file", "a diary");
    place.write("rows.jsonl", "{\"prompt\": \"x\"}");
    let run = ["run", SCHNELL, "prompt=x", "-o", "out"];
    let create = ["create", SCHNELL, "prompt=x"];
    let batch = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "rows"];
    for args in [&run[..], &create, &batch] {
        for (ledger, said) in [("file/ledger", "file/ledger"), ("file", "not a ledger")] {
            let call = || place.paperboat(args).at(server.origin());
            let ended = call().env("PAPERBOAT_LEDGER", ledger).ends(2).await;
            ended.says(&[
                said,
                "nothing was sent",
                "to use another ledger: --ledger FILE",
            ]);
            assert!(!ended.stderr.contains("--no-ledger"), "{}", ended.stderr);
            assert_eq!(ended.stdout, "");
        }
    }
    assert!(server.requests().is_empty());
    assert_eq!(fs::read_to_string(place.path("file")).unwrap(), "a diary");
    assert!(!place.path("rows").exists());
    // A wait costs nothing, and a list only looks.
    for args in [&["list"][..], &["wait", "--all"]] {
        let call = place.paperboat(args).at(server.origin());
        call.env("PAPERBOAT_LEDGER", "file")
            .ends(2)
            .await
            .says(&["not a ledger"]);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn it_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let server = server().await;
    let (run, _) = begun(&place, &server).await;
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = place.path(".local/share/paperboat");
    let written: Vec<_> = place
        .files()
        .into_iter()
        .filter(|file| file.starts_with(&folder))
        .collect();
    assert!(written.len() >= 4, "{written:?}");
    for file in written {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert_eq!(mode(&folder), 0o700);
    drop(run);
}

/// A wait for what is in no ledger makes none.
#[tokio::test]
async fn a_wait_for_a_strangers_id_writes_nothing() {
    let place = Place::new();
    let server = server().await;
    let args = ["create", FOX[0], FOX[1], FOX[2], "--no-ledger"];
    let id = place.paperboat(args).at(server.origin()).ends(0).await;
    let args = ["wait", id.id(), "-o", "out"];
    place.paperboat(args).at(server.origin()).ends(0).await;
    assert_eq!(place.names(""), ["out"]);
}

/// An older ledger distinguishes rows differently: with it they would be paid for again.
#[tokio::test]
async fn an_older_ledger_is_refused_before_anything_is_sent() {
    let place = Place::new();
    let server = server().await;
    let more = ["--ledger", "old.sqlite3"];
    let old = database(2);
    place.write("old.sqlite3", &old);
    place.write("rows.jsonl", r#"{"prompt": "a red fox"}"#);
    let batch = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "out"];
    for call in [
        fox(&place, "create", &more),
        place.paperboat(batch.iter().chain(&more)),
    ] {
        let ended = call.at(server.origin()).ends(2).await;
        ended.says(&[
            "old.sqlite3: the ledger has version 2, and this program needs version",
            "finish its predictions with the earlier version of this program",
            "to use another ledger: --ledger FILE",
        ]);
    }
    assert!(server.requests().is_empty());
    assert_eq!(fs::read(place.path("old.sqlite3")).unwrap(), old);
}

/// An empty database of `SQLite`'s that is marked as a ledger of this version.
fn database(version: u8) -> Vec<u8> {
    let mut page = vec![0; 4096];
    let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"SQLite format 3\0");
    // The page size, the format versions and the payload fractions.
    put(16, &[0x10, 0, 1, 1, 0, 64, 32, 32]);
    // The change counter, the number of pages, and which change that number is of.
    put(27, &[1]);
    put(31, &[1]);
    put(95, &[1]);
    // The schema format, and UTF-8.
    put(47, &[4]);
    put(59, &[1]);
    put(63, &[version]);
    put(68, b"CoMt");
    // A table of the schema without a row.
    put(100, &[0x0d, 0, 0, 0, 0, 0x10, 0]);
    page
}
