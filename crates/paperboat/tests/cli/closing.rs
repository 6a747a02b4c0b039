//! After a command has ended, the ledger's file alone holds everything.

use std::fs;

use cometapi_mock::{Ending, Fault, Plan};
use serde_json::Value;

use crate::place::{Place, requested};
use crate::{SCHNELL, fox, server};

/// What a copy of the file alone knows.
async fn in_the_file_alone(place: &Place) -> Vec<Value> {
    fs::copy(place.ledger(), place.path("copy")).unwrap();
    let listed = place.listed(&["--ledger", "copy"]).await;
    fs::remove_file(place.path("copy")).unwrap();
    listed
}

#[tokio::test]
async fn the_file_alone_holds_everything_however_a_command_ended() {
    let place = Place::new();
    let server = server().await;
    place.write(
        "rows.jsonl",
        "{\"prompt\": \"a\", \"megapixels\": \"0.25\"}\n{\"prompt\": \"b\", \"megapixels\": \"0.25\"}\n",
    );
    let batch = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "rows"];
    let run = || fox(&place, "run", &["-o", "out"]).at(server.origin());
    let create = || fox(&place, "create", &[]).at(server.origin());
    let mut count = 0;
    for (code, fault) in [
        (0, None),
        (1, Some(Plan::of(Fault::InputRefused))),
        (7, Some(Fault::Close.after_accept())),
    ] {
        for call in [run(), create()] {
            if let Some(fault) = fault.clone() {
                server.on_create(fault);
            }
            call.ends(code).await;
            count += 1;
            let held = in_the_file_alone(&place).await;
            assert_eq!(held.len(), count, "{code}");
            assert!(held[0]["outcome"] != "maybe_accepted" || code == 7);
        }
    }
    server.on_end(Ending::nsfw());
    run().ends(3).await;
    count += 1;
    assert_eq!(in_the_file_alone(&place).await[0]["outcome"], "failed");
    place.paperboat(batch).at(server.origin()).ends(0).await;
    count += 2;
    assert_eq!(in_the_file_alone(&place).await.len(), count);
    // Usage that is refused after the ledger was opened.
    place.write("rows.jsonl", "{\"prompt\": 1}\n");
    place.paperboat(batch).at(server.origin()).ends(2).await;
    assert_eq!(in_the_file_alone(&place).await.len(), count);
    let wait = ["wait", "--all", "-o", "out"];
    place.paperboat(wait).at(server.origin()).ends(0).await;
    let held = in_the_file_alone(&place).await;
    assert_eq!(held.len(), count);
    assert_eq!(held, place.listed(&[]).await);
    let beside = format!("{}-wal", place.ledger().display());
    assert!(!std::path::Path::new(&beside).exists());
}

/// Interrupted, too.
#[cfg(unix)]
#[tokio::test]
async fn the_file_alone_holds_everything_after_ctrl_c() {
    let place = Place::new();
    let server = server().await;
    server.on_poll(Fault::Hang.always());
    let mut run = fox(&place, "run", &["-o", "out"])
        .at(server.origin())
        .start();
    run.says("created ").await;
    requested(&server, 2).await;
    run.interrupt().await;
    run.ends(130).await;
    let held = in_the_file_alone(&place).await;
    assert_eq!(held[0]["state"], "running");
}

/// Never "nothing recorded" where records are missing.
#[cfg(unix)]
#[tokio::test]
async fn a_lost_log_is_said_and_nothing_is_sent() {
    let place = Place::new();
    let server = server().await;
    server.on_poll(Fault::Hang.always());
    let mut run = fox(&place, "run", &["-o", "out"])
        .at(server.origin())
        .start();
    run.says("created ").await;
    requested(&server, 2).await;
    run.kill().await;
    let sent = server.requests().len();
    fs::copy(place.ledger(), place.path("copy")).unwrap();
    fs::remove_file(format!("{}-wal", place.ledger().display())).unwrap();
    let ledger = place.ledger();
    for ledger in ["copy", ledger.to_str().unwrap()] {
        let more = ["--ledger", ledger];
        for call in [
            place.paperboat(["list", "--ledger", ledger]),
            fox(&place, "create", &more),
            place.paperboat(["wait", "--all", "--ledger", ledger]),
        ] {
            let ended = call.at(server.origin()).ends(2).await;
            ended.says(&["records are missing", "list --accept-loss"]);
        }
        let accept = ["list", "--accept-loss", "--ledger", ledger];
        place.paperboat(accept).ends(0).await;
        place.paperboat(["list", "--ledger", ledger]).ends(0).await;
    }
    assert_eq!(server.requests().len(), sent);
}
