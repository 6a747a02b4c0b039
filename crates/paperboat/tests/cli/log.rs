//! What is said on stderr, and how: `-q`, `-v`, `--log-format`.

use cometapi_mock::{Ending, Fault, Plan};
use serde_json::Value;

use crate::place::{Ended, Place};
use crate::{created, fox, server};

/// Each line of stderr as JSON.
#[track_caller]
fn lines(ended: &Ended) -> Vec<Value> {
    let lines = ended.stderr.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn quiet_says_only_what_went_wrong() {
    let place = Place::new();
    let server = server().await;
    for flag in ["-q", "--quiet"] {
        let run = fox(&place, "run", &[flag, "-o", "out"]);
        let ended = run.at(server.origin()).ends(0).await;
        assert_eq!(ended.stderr, "");
        assert_eq!(ended.lines().len(), 1);
    }
    server.on_end(Ending::nsfw());
    let run = fox(&place, "run", &["-q", "-o", "out"]);
    let ended = run.at(server.origin()).ends(3).await;
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    place
        .paperboat(["list", "-q", "-v"])
        .ends(2)
        .await
        .says(&["cannot be used with"]);
}

#[tokio::test]
async fn verbose_says_each_request() {
    let place = Place::new();
    let server = server().await;
    server.on_poll(Plan::of(Fault::BadGatewayPage).times(1));
    let run = fox(&place, "run", &["-v", "-o", "out"]);
    let ended = run.at(server.origin()).ends(0).await;
    let id = ended.id();
    let path = format!("/replicate/v1/predictions/{id}");
    ended.says(&[
        "POST /replicate/v1/models/black-forest-labs/flux-schnell/predictions: 200 in ",
        &format!("GET {path}: 502 in "),
        &format!("GET {path}: 200 in "),
        " ms, request id ",
        "GET a file of 127.0.0.1: 200 in ",
    ]);
    assert!(!ended.stderr.contains("headers"), "{}", ended.stderr);

    server.on_poll(Plan::of(Fault::BadGatewayPage).times(1));
    let run = fox(&place, "run", &["-vv", "-o", "out"]);
    let ended = run.at(server.origin()).ends(0).await;
    ended.says(&[
        "poll: attempt 1 ended in unavailable (502); retrying in ",
        "authorization: [hidden]",
        "content-type: application/json",
    ]);
}

/// Every line, also of an error, is an object.
#[tokio::test]
async fn messages_as_json_are_an_object_each() {
    let place = Place::new();
    let server = server().await;
    let run = fox(&place, "run", &["--log-format", "json", "-o", "out"]);
    let ended = run.at(server.origin()).ends(0).await;
    let said = lines(&ended);
    assert!(said.iter().all(|line| line["level"] == "info"), "{said:?}");
    assert!(said.iter().all(|line| line["time"].is_string()), "{said:?}");
    let run = fox(&place, "run", &["--log-format=json", "-v", "-o", "out"]);
    let said = lines(&run.at(server.origin()).ends(0).await);
    let mut requests = said.iter().filter(|line| line["message"] == "request");
    let create = requests
        .find(|it| it["http.request.method"] == "POST")
        .unwrap();
    assert_eq!(create["http.response.status_code"], 200);
    assert!(create["duration_ms"].is_u64() && create["cometapi.request_id"].is_string());
    server.on_end(Ending::nsfw());
    let run = fox(&place, "run", &["--log-format", "json", "-q", "-o", "out"]);
    let said = lines(&run.at(server.origin()).ends(3).await);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0]["level"], "error");
    assert_eq!(said[0]["kind"], "failed");
    assert_eq!(said[0]["exit_code"], 3);
}

#[tokio::test]
async fn a_batch_says_its_failures_as_json() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::nsfw());
    place.write("rows.jsonl", "{\"id\": \"a\", \"prompt\": \"x\"}\n");
    let args = [
        "batch",
        "rows.jsonl",
        "--model",
        crate::SCHNELL,
        "-o",
        "out",
    ];
    let flags = ["-q", "--log-format", "json"];
    let batch = place.paperboat(args.iter().chain(&flags));
    let said = lines(&batch.at(server.origin()).ends(3).await);
    assert_eq!(said[0]["row"], "line 1 (a)");
    assert_eq!(said[0]["kind"], "failed");
}

/// The service may not know a new id for a while, so it is asked again; that is said at once.
#[tokio::test]
async fn a_wait_for_an_id_that_is_not_known_says_so() {
    let place = Place::new();
    let server = server().await;
    let id = created(&place, &server).await;
    let wrong = format!("{}x", &id[..id.len() - 1]);
    let mut run = place
        .paperboat(["wait", &wrong])
        .at(server.origin())
        .start();
    let note = run.says("is not recorded").await;
    assert_eq!(
        note,
        format!("note: {wrong} is not recorded; did you mean {id}?")
    );
    let said = run.says("does not know").await;
    let expected =
        format!("the service does not know prediction {wrong} yet; polling again for 30 s");
    assert_eq!(said, expected);
    #[cfg(unix)]
    {
        run.interrupt().await;
        run.ends(130).await;
    }
}

#[tokio::test]
async fn what_cannot_be_an_id_is_refused_at_once() {
    let place = Place::new();
    let server = server().await;
    let run = fox(&place, "run", &["-o", "out/fox.webp"]);
    let run = run.at(server.origin()).ends(0).await;
    let wait = format!("to wait for its prediction: paperboat wait {}", run.id());
    let url = format!("{}/predictions/{}", server.base_url(), run.id());
    for (given, what, step) in [
        ("out/fox.webp", "the path of a file", wait.as_str()),
        (&url, "a URL", &wait),
        ("flux-schnell", "a model", "the ids of recorded predictions"),
        ("a red fox", "text", "the ids of recorded predictions"),
    ] {
        let ended = place.paperboat(["wait", given]).at(server.origin());
        ended
            .ends(2)
            .await
            .says(&[&format!("is {what}, not the id"), step]);
    }
    assert_eq!(server.create_requests(), 1);
}

/// A pipe gets a line for each cause, not for each attempt.
#[tokio::test]
async fn a_cause_of_retries_is_said_once() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Plan::of(Fault::RateLimited).times(2));
    server.on_poll(Plan::of(Fault::BadGatewayPage).times(3));
    let run = fox(&place, "run", &["-o", "out"]);
    let ended = run.at(server.origin()).ends(0).await;
    assert_eq!(ended.stderr.matches("; retrying in").count(), 2);
    ended.says(&[" s (2 of 5)\n"]);

    server.on_create(Plan::of(Fault::RateLimited).times(2));
    server.on_poll(Plan::of(Fault::BadGatewayPage).times(3));
    server.on_file(Plan::of(Fault::BadGatewayPage).times(1));
    place.write(
        "rows.jsonl",
        "{\"prompt\": \"x\", \"megapixels\": \"0.25\"}\n",
    );
    let args = [
        "batch",
        "rows.jsonl",
        "--model",
        crate::SCHNELL,
        "-o",
        "out",
    ];
    let batch = place.paperboat(args).at(server.origin());
    let ended = batch.ends(0).await;
    assert_eq!(ended.stderr.matches("says to slow down").count(), 1);
    assert_eq!(ended.stderr.matches("; retrying\n").count(), 2);
}
