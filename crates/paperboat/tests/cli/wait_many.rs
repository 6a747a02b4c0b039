//! `paperboat wait` for several ids.

use cometapi_mock::{Ending, Fault};
use serde_json::json;

use crate::place::{Place, requested};
use crate::{created, server};

#[tokio::test]
async fn each_is_saved_once() {
    let place = Place::new();
    let server = server().await;
    let one = &created(&place, &server).await;
    let other = &created(&place, &server).await;
    let args = ["wait", one, other, one, "-o", "out"];
    let ended = place.paperboat(args).at(server.origin()).ends(0).await;
    let mut lines = ended.lines();
    lines.sort_unstable();
    let mut paths = [one, other].map(|id| format!("out/{id}.webp"));
    paths.sort();
    assert_eq!(lines, paths);
    ended.says(&[&format!("{one}: succeeded"), &format!("{other}: succeeded")]);
    assert_eq!(place.names("out").len(), 2);
    let listed = place.listed(&[]).await;
    assert!(listed.iter().all(|entry| entry["outcome"] == "succeeded"));
}

/// Another service has its own predictions under the same ids, or none.
#[tokio::test]
async fn all_are_those_of_one_service() {
    let place = Place::new();
    let (one, other) = (server().await, server().await);
    let id = created(&place, &one).await;
    let all = ["wait", "--all", "-o", "out"];
    let ended = place.paperboat(all).at(other.origin()).ends(0).await;
    let there = format!("-o out --base-url {}", one.base_url());
    ended.says(&[
        &format!("1 prediction at another service; to wait there: paperboat wait --all {there}"),
        "no prediction to wait for: none is running at this service",
    ]);
    assert!(other.requests().is_empty());
    // It may be the same service at another address, so it is asked.
    let wait = ["wait", &id, "-o", "out", "--timeout", "0.1s"];
    let ended = place.paperboat(wait).at(other.origin()).ends(4).await;
    ended.says(&[
        &format!("prediction {id} was created at {}", one.base_url()),
        &format!("to wait for it: paperboat wait {id} {there}"),
    ]);
    let get = place.paperboat(["get", &id]).at(other.origin());
    get.ends(2)
        .await
        .says(&["was created at", "to wait for it: "]);
    assert_eq!(place.listed(&["--running"]).await[0]["id"], id.as_str());
    let ended = place.paperboat(all).at(one.origin()).ends(0).await;
    assert_eq!(ended.lines().len(), 1);
    assert_eq!(place.names("out"), [format!("{id}.webp")]);
}

/// A prediction that failed keeps no other from being saved; the most severe gives the code.
#[tokio::test]
async fn the_code_is_that_of_the_most_severe() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::nsfw());
    let failed = &created(&place, &server).await;
    let fine = &created(&place, &server).await;
    let refused = &created(&place, &server).await;
    server.on_poll(
        cometapi_mock::Plan::of(Fault::InvalidToken)
            .id(refused)
            .always(),
    );
    for (ids, code, succeeded) in [
        (&[failed, fine][..], 3, "1 of 2"),
        (&[fine, refused, failed], 5, "2 of 3"),
    ] {
        let args = ["wait", "-o", "out"].into_iter();
        let args = args.chain(ids.iter().map(|id| id.as_str()));
        let ended = place.paperboat(args).at(server.origin()).ends(code).await;
        ended.says(&[
            &format!("error: prediction {failed} failed: NSFW"),
            &format!("{succeeded} did not succeed"),
        ]);
        assert_eq!(ended.lines(), [format!("out/{fine}.webp")]);
    }
    let listed = place.listed(&["--running"]).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["id"], refused.as_str());
}

/// How long a wait believes in an id that the service does not know is tested with the wait.
#[tokio::test]
async fn an_id_that_is_refused_is_an_error_of_its_own() {
    let place = Place::new();
    let server = server().await;
    let fine = &created(&place, &server).await;
    let refused = Fault::json(400, &json!({"error": {"message": "no such task"}}));
    server.on_poll(refused.always().id("nosuchid"));
    let args = ["wait", "nosuchid", fine, "-o", "out"];
    let ended = place.paperboat(args).at(server.origin()).ends(1).await;
    ended.says(&["no such task", "nosuchid", "1 of 2 did not succeed"]);
    assert_eq!(ended.lines(), [format!("out/{fine}.webp")]);
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_says_how_many_are_left() {
    let place = Place::new();
    let server = server().await;
    let one = &created(&place, &server).await;
    let other = &created(&place, &server).await;
    server.on_poll(Fault::Hang.always());
    let args = ["wait", one, other];
    let run = place.paperboat(args).at(server.origin()).start();
    requested(&server, 4).await;
    run.interrupt().await;
    run.ends(130)
        .await
        .says(&["stopped waiting for 2 predictions", "the same command"]);
    assert_eq!(place.listed(&["--running"]).await.len(), 2);
}

/// A wait creates nothing that it would have to see through.
#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_leaves_a_wait_for_all_at_once() {
    let place = Place::new();
    let server = server().await;
    let id = &created(&place, &server).await;
    server.on_poll(Fault::Hang.always());
    let args = ["wait", "--all", "-o", "out"];
    let run = place.paperboat(args).at(server.origin()).start();
    requested(&server, 2).await;
    run.interrupt().await;
    let ended = run.ends(130).await;
    ended.says(&[
        "stopped early by ctrl-c",
        "to continue, run the same command again",
    ]);
    assert!(!ended.stderr.contains("creat"), "{}", ended.stderr);
    assert_eq!(place.listed(&["--running"]).await[0]["id"], id.as_str());
}
