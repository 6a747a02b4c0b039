//! A batch that is stopped, or killed, continues by the same command.

use cometapi_mock::{Fault, MockServer};

use super::{batch, files, foxes};
use crate::place::{Place, Running, requested};
use crate::server;

const ROWS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A batch of five rows, two of which run until the test lets them end.
async fn begun<'p>(place: &'p Place, server: &MockServer) -> Running<'p> {
    server.on_poll(Fault::BadGatewayPage.always());
    place.write("rows.jsonl", foxes(&ROWS));
    let run = batch(place, server, &["--jobs", "2"]).start();
    // A poll of each: their ids are recorded.
    for requests in 2.. {
        requested(server, requests).await;
        let polled = |id: &str| {
            let mut polls = server.requests().into_iter();
            polls.any(|sent| sent.method == "GET" && sent.id.as_deref() == Some(id))
        };
        let held = server.predictions();
        if held.len() == 2 && held.iter().all(|held| polled(&held.id)) {
            break;
        }
    }
    run
}

/// The same command, when nothing is in the way any more.
async fn goes_on(place: &Place, server: &MockServer, before: usize) {
    server.clear_plans();
    let ended = batch(place, server, &[]).ends(0).await;
    let created = ROWS.len() - before;
    ended.says(&[&format!("5 rows: 5 succeeded; {created} created in ")]);
    assert_eq!(server.create_requests(), ROWS.len());
    assert_eq!(server.predictions().len(), ROWS.len());
    assert_eq!(place.names("out"), files(&ROWS));
    server.assert_no_violations();
}

#[tokio::test]
async fn ctrl_c_creates_no_more_and_saves_what_runs() {
    let place = Place::new();
    let server = server().await;
    let mut run = begun(&place, &server).await;
    run.interrupt().await;
    run.says("nothing more is created; waiting for what runs")
        .await;
    server.clear_plans();
    let ended = run.ends(130).await;
    ended.says(&[
        "5 rows: 2 succeeded, 3 not created; 2 created in ",
        "stopped early by ctrl-c",
        "to continue, run the same command again",
    ]);
    assert_eq!(ended.lines().len(), 2);
    assert_eq!(place.names("out").len(), 2);
    assert_eq!(server.create_requests(), 2);
    goes_on(&place, &server, 2).await;
}

#[tokio::test]
async fn ctrl_c_twice_leaves_at_once() {
    let place = Place::new();
    let server = server().await;
    let mut run = begun(&place, &server).await;
    run.interrupt().await;
    run.says("ctrl-c again leaves at once").await;
    run.interrupt().await;
    let ended = run.ends(130).await;
    ended.says(&[
        "leaving; what was created is in the ledger",
        "5 rows: 0 succeeded, 2 still running, 3 not created; 2 created in ",
        "to continue, run the same command again",
    ]);
    assert_eq!(ended.stdout, "");
    assert_eq!(place.listed(&["--running"]).await.len(), 2);
    assert_eq!(server.create_requests(), 2);
    goes_on(&place, &server, 2).await;
}

/// All that there was to do was done.
#[tokio::test]
async fn ctrl_c_when_every_row_runs_is_no_reason_to_fail() {
    let place = Place::new();
    let server = server().await;
    server.on_poll(Fault::BadGatewayPage.always());
    place.write("rows.jsonl", foxes(&["a"]));
    let mut run = batch(&place, &server, &[]).start();
    requested(&server, 2).await;
    run.interrupt().await;
    run.says("nothing more is created").await;
    server.clear_plans();
    run.ends(0).await.says(&["1 row: 1 succeeded"]);
}

#[tokio::test]
async fn killed_in_the_midst_it_creates_each_row_once() {
    let place = Place::new();
    let server = server().await;
    let run = begun(&place, &server).await;
    run.kill().await;
    assert!(place.names("out").is_empty());
    goes_on(&place, &server, 2).await;
}

/// Killed while a create was on its way, it is in doubt, and in the list at once.
#[tokio::test]
async fn killed_during_a_create_the_row_is_unresolved() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::Hang.after_accept());
    place.write("rows.jsonl", foxes(&["a"]));
    let run = batch(&place, &server, &[]).start();
    requested(&server, 1).await;
    run.kill().await;
    let listed = place.listed(&["--unresolved"]).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["row"], "a");
    let ended = batch(&place, &server, &[]).ends(7).await;
    ended.says(&["1 row: 0 succeeded, 1 unresolved; 0 created in "]);
    assert_eq!(server.create_requests(), 1);
}

/// Standard input that never ends does not keep the command from ending.
#[tokio::test]
async fn ctrl_c_while_the_rows_are_read_leaves() {
    let place = Place::new();
    let server = server().await;
    let args = ["batch", "-", "-o", "out", "--skip-bad", "--format", "jsonl"];
    let call = place.paperboat(args).at(server.origin());
    let mut run = call.open_stdin("not json\n").start();
    run.says("skipped: line 1").await;
    run.interrupt().await;
    let ended = run.ends(130).await;
    ended.says(&["stopped early by ctrl-c"]);
    assert!(server.requests().is_empty());
    assert!(!place.path("out").exists());
}
