//! `--once NAME`: a command that may be run again and again, and pays once.

use cometapi_mock::{Ending, Fault, Hold, MockServer, Pace};
use serde_json::json;

use crate::place::{Call, Ended, Place, requested};
use crate::{fox, quick, server};

const NAME: [&str; 4] = ["--once", "order-4711/cover", "-o", "out"];

fn cover<'p>(place: &'p Place, server: &MockServer, more: &[&str]) -> Call<'p> {
    let args: Vec<&str> = NAME.iter().chain(more).copied().collect();
    fox(place, "run", &args).at(server.origin())
}

fn posts(server: &MockServer) -> usize {
    server.create_requests()
}

#[tokio::test]
async fn the_same_command_again_prints_the_same_files_without_a_request() {
    let place = Place::new();
    let server = server().await;
    let first = cover(&place, &server, &[]).ends(0).await;
    let requests = server.requests().len();
    let fetched = server.file_requests().len();
    let again = cover(&place, &server, &[]).ends(0).await;
    assert_eq!(again.stdout, first.stdout);
    assert_eq!(first.lines().len(), 1);
    assert_eq!((server.requests().len(), posts(&server)), (requests, 1));
    assert_eq!(server.file_requests().len(), fetched);
    let listed = place.listed(&[]).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["once"], "order-4711/cover");

    let json = cover(&place, &server, &["--json"]).ends(0).await.json();
    assert_eq!(json["id"], first.id());
    assert_eq!(json["status"], "succeeded");
    // A file that is gone is downloaded again, which costs nothing.
    std::fs::remove_file(place.path(first.lines()[0])).unwrap();
    let again = cover(&place, &server, &[]).ends(0).await;
    assert_eq!(again.stdout, first.stdout);
    assert_eq!(
        (posts(&server), server.file_requests().len()),
        (1, fetched + 1)
    );
}

#[tokio::test]
async fn text_is_printed_again_from_the_record() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::Output(json!(["a ", "fox"])));
    let args = ["run", "acme/writer", "prompt=a fox", "--once", "text"];
    let run = || place.paperboat(args).at(server.origin());
    let first = run().ends(0).await;
    assert_eq!(first.stdout, "a fox\n");
    let again = run().ends(0).await;
    assert_eq!((again.stdout.as_str(), posts(&server)), ("a fox\n", 1));
}

#[tokio::test]
async fn a_command_that_was_killed_is_continued_by_the_next() {
    let place = Place::new();
    let server = server().await;
    server.on_poll(Fault::Hang.always());
    let mut run = cover(&place, &server, &[]).start();
    let line = run.says("created ").await;
    // Its first poll is sent after the id is recorded.
    requested(&server, 2).await;
    run.kill().await;
    server.clear_plans();
    let ended = cover(&place, &server, &[]).ends(0).await;
    let id = line.strip_prefix("created ").unwrap();
    ended.says(&[&format!("continuing with {id}")]);
    assert_eq!((posts(&server), place.names("out").len()), (1, 1));
}

#[tokio::test]
async fn two_at_once_share_one_prediction() {
    let place = Place::new();
    let server = server().await;
    let hold = Hold::new();
    server.on_create(Fault::Hold(hold.clone()));
    let first = cover(&place, &server, &[]).start();
    requested(&server, 1).await;
    let mut second = cover(&place, &server, &[]).start();
    second.says("another process has this prediction").await;
    hold.release();
    let (first, second) = (first.ends(0).await, second.ends(0).await);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!((posts(&server), place.names("out").len()), (1, 1));
}

#[tokio::test]
async fn one_that_waits_for_another_goes_on_when_that_is_killed() {
    let place = Place::new();
    let server = server().await;
    let hold = Hold::new();
    server.on_create(Fault::Hold(hold.clone()).after_accept());
    let first = cover(&place, &server, &[]).start();
    requested(&server, 1).await;
    let mut second = cover(&place, &server, &[]).start();
    second.says("another process has this prediction").await;
    first.kill().await;
    let ended = second.ends(7).await;
    ended.says(&["may have been accepted", "--retry-unresolved"]);
    assert_eq!(posts(&server), 1);
    hold.release();
}

#[tokio::test]
async fn a_signal_ends_the_wait_for_another_process() {
    let place = Place::new();
    let server = server().await;
    let hold = Hold::new();
    server.on_create(Fault::Hold(hold.clone()));
    let first = cover(&place, &server, &[]).start();
    requested(&server, 1).await;
    let mut second = cover(&place, &server, &[]).start();
    second.says("another process has this prediction").await;
    second.interrupt().await;
    let ended = second.ends(130).await;
    ended.says(&["stopped waiting for the process that has this prediction"]);
    hold.release();
    first.ends(0).await;
    assert_eq!(posts(&server), 1);
}

#[tokio::test]
async fn a_request_in_doubt_is_sent_again_only_when_asked() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::Close.after_accept());
    cover(&place, &server, &[]).ends(7).await;
    for _ in 0..2 {
        let ended = cover(&place, &server, &[]).ends(7).await;
        ended.says(&[
            "an earlier create request may have been accepted, and was not sent again",
            "to create it again, which may cost twice: --retry-unresolved",
        ]);
        assert_eq!(posts(&server), 1);
    }
    cover(&place, &server, &["--retry-unresolved"])
        .ends(0)
        .await;
    assert_eq!(posts(&server), 2);
    // And from then on it is that one.
    cover(&place, &server, &["--retry-unresolved"])
        .ends(0)
        .await;
    assert_eq!(posts(&server), 2);
}

#[tokio::test]
async fn a_request_without_effect_is_sent_by_the_next_call() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::InputRefused);
    cover(&place, &server, &[]).ends(1).await;
    // Nothing was created, so the input may be another.
    cover(&place, &server, &["seed=7"]).ends(0).await;
    assert_eq!(server.predictions().len(), 1);
    let other = cover(&place, &server, &["seed=8"]).ends(2).await;
    other.says(&[
        "the key \"order-4711/cover\" was used with another seed",
        "nothing was sent",
    ]);
    assert_eq!(posts(&server), 2);
}

#[tokio::test]
async fn a_failed_prediction_stays_failed() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::nsfw());
    let first = cover(&place, &server, &[]).ends(3).await;
    let requests = server.requests().len();
    let again = cover(&place, &server, &[]).ends(3).await;
    let error = |ended: &Ended| {
        let mut lines = ended.stderr.lines();
        lines
            .find(|line| line.starts_with("error: "))
            .unwrap()
            .to_owned()
    };
    assert_eq!(error(&again), error(&first));
    assert_eq!(server.requests().len(), requests);
}

#[tokio::test]
async fn at_the_deadline_the_message_says_which_command_continues() {
    let place = Place::new();
    let server = quick()
        .pace(Pace::polls(0, u32::MAX))
        .start()
        .await
        .unwrap();
    let once = cover(&place, &server, &["--timeout", "0.1"]).ends(4).await;
    once.says(&["to continue, run the same command again"]);
    let plain = fox(&place, "run", &["--timeout", "0.1"]).at(server.origin());
    let plain = plain.ends(4).await;
    plain.says(&[
        &format!("to continue: paperboat wait {}", plain.id()),
        "the same command would create and pay for another prediction",
    ]);
    assert!(!plain.stderr.contains("run the same command again"));
}

#[tokio::test]
async fn create_prints_the_id_of_the_name() {
    let place = Place::new();
    let server = server().await;
    let create = |more: &[&str]| {
        let args: Vec<&str> = ["--once", "a"].iter().chain(more).copied().collect();
        fox(&place, "create", &args).at(server.origin())
    };
    let first = create(&[]).ends(0).await;
    assert_eq!(first.lines(), [first.id()]);
    assert_eq!(create(&[]).ends(0).await.stdout, first.stdout);
    assert_eq!(create(&["--json"]).ends(0).await.json()["id"], first.id());
    assert_eq!(posts(&server), 1);
    // The same prediction for `run`, which saves its files.
    let args = ["--once", "a", "-o", "out"];
    fox(&place, "run", &args).at(server.origin()).ends(0).await;
    assert_eq!((posts(&server), place.names("out").len()), (1, 1));
}

#[tokio::test]
async fn a_name_is_kept_when_records_are_pruned() {
    let place = Place::new();
    let server = server().await;
    cover(&place, &server, &[]).ends(0).await;
    place
        .paperboat(["prune", "--older-than", "0.001"])
        .ends(0)
        .await;
    cover(&place, &server, &[]).ends(0).await;
    assert_eq!(posts(&server), 1);
}

#[tokio::test]
async fn what_cannot_be_a_name_is_refused() {
    let place = Place::new();
    let long = "x".repeat(513);
    for (args, message) in [
        (&["--once", ""][..], "a name has 1 to 512 bytes"),
        (&["--once", "a\nb"], "a name has 1 to 512 bytes"),
        (&["--once", &long], "a name has 1 to 512 bytes"),
        (&["--once", "a", "--no-ledger"], "cannot be used with"),
        (&["--once", "a", "--mock"], "--once needs a ledger"),
        (&["--retry-unresolved"], "--once"),
    ] {
        let ended = fox(&place, "run", args).ends(2).await;
        ended.says(&[message]);
    }
    // A mock's ledger can be named.
    let args = ["--once", "a", "--mock", "--ledger", "mock.sqlite3"];
    let first = fox(&place, "run", &args).ends(0).await;
    let again = fox(&place, "run", &args).ends(0).await;
    assert_eq!(again.stdout, first.stdout);
}
