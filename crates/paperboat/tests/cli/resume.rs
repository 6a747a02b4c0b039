//! A run outlives the process that began it.

use cometapi_mock::{Fault, MockServer};

use crate::place::{Ended, Place, Running, files_requested, requested};
use crate::{created, fox, server};

/// A run whose polls get no answer for now, read up to its id.
async fn begun<'p>(place: &'p Place, server: &MockServer) -> (Running<'p>, String) {
    server.on_poll(Fault::Hang.always());
    let call = fox(place, "run", &["num_outputs=2", "-o", "out"]);
    let mut run = call.at(server.origin()).start();
    let line = run.says("created ").await;
    let id = line.strip_prefix("created ").unwrap().to_owned();
    assert_eq!(id, server.predictions()[0].id);
    // It was said before a single poll was answered.
    let polls = server.requests().split_off(1);
    assert!(polls.iter().all(|poll| poll.status.is_none()), "{polls:?}");
    (run, id)
}

async fn wait(place: &Place, server: &MockServer, id: &str) -> Ended {
    let args = ["wait", id, "-o", "out"];
    place.paperboat(args).at(server.origin()).ends(0).await
}

#[tokio::test]
async fn another_process_finishes_what_a_killed_one_began() {
    let place = Place::new();
    let server = server().await;
    let (run, id) = begun(&place, &server).await;
    run.kill().await;
    assert!(place.names("out").is_empty());

    server.clear_plans();
    let ended = wait(&place, &server, &id).await;
    let names = [format!("{id}.webp"), format!("{id}__2.webp")];
    assert_eq!(place.names("out"), names);
    assert_eq!(
        ended.lines(),
        names.each_ref().map(|name| format!("out/{name}"))
    );
    assert_eq!(server.create_requests(), 1);

    // Once more: what is there stays, and is not fetched again.
    let fetched = server.file_requests().len();
    let again = wait(&place, &server, &id).await;
    assert_eq!(again.stdout, ended.stdout);
    again.says(&["was there already"]);
    assert_eq!(server.file_requests().len(), fetched);

    // Half of it: the other half is fetched.
    std::fs::remove_file(place.path("out").join(&names[1])).unwrap();
    let half = wait(&place, &server, &id).await;
    assert_eq!(half.stdout, ended.stdout);
    assert_eq!(server.file_requests().len(), fetched + 1);
    assert_eq!(place.names("out"), names);
    server.assert_no_violations();
}

#[tokio::test]
async fn ctrl_c_stops_the_wait_and_says_how_to_go_on() {
    let place = Place::new();
    let server = server().await;
    let (run, id) = begun(&place, &server).await;
    // At once, and later in the midst of a poll.
    run.interrupt().await;
    let ended = run.ends(130).await;
    let way = format!("to continue: paperboat wait {id}");
    ended.says(&["stopped waiting", &way]);
    assert_eq!(ended.stdout, "");

    let seen = server.requests().len() as u64;
    let mut again = place.paperboat(["wait", &id]).at(server.origin()).start();
    again.says("waiting").await;
    requested(&server, seen + 1).await;
    again.interrupt().await;
    again.ends(130).await.says(&[&way]);

    server.clear_plans();
    wait(&place, &server, &id).await;
    assert_eq!(place.names("out").len(), 2);
}

/// Its outcome is unknown, so the command does not report success.
#[tokio::test]
async fn ctrl_c_twice_during_the_create_is_a_doubt() {
    for command in ["run", "create"] {
        let place = Place::new();
        let server = server().await;
        server.on_create(Fault::Hang.after_accept());
        let mut run = fox(&place, command, &[]).at(server.origin()).start();
        requested(&server, 1).await;
        run.interrupt().await;
        run.says("press again to stop now").await;
        run.interrupt().await;
        let ended = run.ends(7).await;
        ended.says(&["may have been accepted", "to find out: paperboat resolve"]);
        assert_eq!(server.create_requests(), 1);
    }
}

/// While a create pauses nothing is on its way, and it says what it pauses for.
#[tokio::test]
async fn ctrl_c_between_two_attempts_of_a_create_is_no_doubt() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::ThrottledSeconds(50).always());
    let mut run = fox(&place, "run", &[]).at(server.origin()).start();
    run.says("retrying in 5").await;
    run.interrupt().await;
    run.ends(130)
        .await
        .says(&["rate limiting", "nothing was created"]);
    assert_eq!(server.create_requests(), 1);
}

#[tokio::test]
async fn ctrl_c_during_a_download_leaves_no_half_file() {
    let place = Place::new();
    let server = server().await;
    server.on_file(Fault::StallBody);
    let id = created(&place, &server).await;
    let args = ["wait", &id, "-o", "out"];
    let run = place.paperboat(args).at(server.origin()).start();
    files_requested(&server, 1).await;
    run.interrupt().await;
    run.ends(130).await.says(&["paperboat wait"]);
    assert!(place.names("out").is_empty(), "{:?}", place.names("out"));
}

/// The mock of a process ends with it: there is no way back to promise.
#[tokio::test]
async fn ctrl_c_ends_a_mock_of_the_process_with_it() {
    let place = Place::new();
    // Its predictions take a second or so. On a busy machine one may be over before the signal
    // arrives, which shows nothing.
    for _ in 0..20 {
        let mut run = fox(&place, "run", &["--mock"]).start();
        run.says("created ").await;
        run.interrupt().await;
        let ended = run.ends_somehow().await;
        if ended.code != Some(0) {
            assert_eq!(ended.code, Some(130), "{}", ended.stderr);
            ended.says(&["the mock ended with this process"]);
            assert!(!ended.stderr.contains("to continue"), "{}", ended.stderr);
            return;
        }
    }
    panic!("no run was interrupted");
}
