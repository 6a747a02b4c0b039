//! Texts of the service that would make a terminal do more than show them.

use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::fox;
use crate::place::{Call, Ended, Place};

/// Sets the clipboard, clears the screen, turns the direction of writing, and begins a line that
/// looks like one of the command's own. What `Place` checks of every command finds the first three.
const HOSTILE: &str = "a\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{202e}\u{2066}\u{200f}\u{2028}\u{85}\r\n\
                       fake: nothing was created\nfake: again";

/// No id may hold control characters.
const ID: &str = "x\u{202e}\u{2028}\u{2069}; echo paid";

/// A service that answers each create request with `created`, each poll with `polled`.
async fn service(created: ResponseTemplate, polled: &Value) -> MockServer {
    let server = MockServer::start().await;
    let polled = ResponseTemplate::new(200).set_body_json(polled);
    for (request, response) in [("POST", created), ("GET", polled)] {
        let mock = Mock::given(method(request)).respond_with(response);
        mock.mount(&server).await;
    }
    server
}

fn prediction(status: &str, more: &[(&str, Value)]) -> Value {
    let mut prediction = json!({
        "id": ID,
        "model": HOSTILE,
        "version": HOSTILE,
        "input": {HOSTILE: HOSTILE},
        "output": null,
        "error": null,
        "logs": HOSTILE,
        "status": status,
        "created_at": HOSTILE,
        "urls": {"get": HOSTILE, "web": HOSTILE},
        "metrics": {HOSTILE: HOSTILE},
        HOSTILE: HOSTILE,
    });
    for (name, value) in more {
        prediction[name] = value.clone();
    }
    prediction
}

/// Asserts that no line begins as if it were the command's own.
#[track_caller]
fn check_lines(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        assert!(text.lines().all(|line| !line.starts_with("fake")), "{text}");
    }
}

async fn ends(call: Call<'_>, code: i32) -> Ended {
    let ended = call.ends(code).await;
    check_lines(&ended);
    ended
}

#[tokio::test]
async fn of_a_prediction_by_every_command() {
    let created = || ResponseTemplate::new(201).set_body_json(prediction("starting", &[]));
    let file = "https://x.invalid/a.png";
    let failed = prediction("failed", &[("error", HOSTILE.into())]);
    let unknown = prediction(HOSTILE, &[]);
    let files = prediction("succeeded", &[("output", json!([file]))]);
    let names = prediction("succeeded", &[("output", json!([[HOSTILE]]))]);
    let object = json!({HOSTILE: HOSTILE, "image": "data:image/png;base64,iVBORw0KGgo="});
    let mixed = prediction("succeeded", &[("output", object)]);
    for (polled, run, timeout) in [
        (failed, 3, "60"),
        (unknown, 4, "0.2"),
        (files, 1, "60"),
        (names, 1, "60"),
        (mixed, 0, "60"),
    ] {
        let server = service(created(), &polled).await;
        let at = server.uri();
        for json in [&[][..], &["--json"]] {
            let place = Place::new();
            let more = ["--timeout", timeout, "-o", "out"];
            ends(fox(&place, "create", json).at(&at), 0).await;
            ends(place.paperboat(["get", ID].iter().chain(json)).at(&at), 0).await;
            let wait = ["wait", ID].iter().chain(&more).chain(json);
            ends(place.paperboat(wait).at(&at), run).await;
            ends(place.paperboat(["list"].iter().chain(json)).at(&at), 0).await;
        }
        let place = Place::new();
        let more = ["--timeout", timeout, "-o", "out"];
        let ended = ends(fox(&place, "run", &more).at(&at), run).await;
        let advice = "paperboat wait 'x\\u{202e}\\u{2028}\\u{2069}; echo paid'";
        assert_eq!(
            ended.stderr.contains(advice),
            ended.stderr.contains("to continue")
        );

        let row = json!({"id": HOSTILE, "model": crate::SCHNELL, "prompt": HOSTILE});
        place.write("rows.jsonl", row.to_string());
        for json in [&[][..], &["--json"]] {
            let batch = ["batch", "rows.jsonl", "--timeout", timeout, "-o", "many"];
            let batch = place.paperboat(batch.iter().chain(json)).at(&at);
            check_lines(&batch.start().ends_somehow().await);
        }
        ends(place.paperboat(["list"]).at(&at), 0).await;
        ends(place.paperboat(["list", "--json"]).at(&at), 0).await;
    }
}

#[tokio::test]
async fn of_an_error_by_every_command() {
    let in_json =
        json!({"error": {"message": HOSTILE, "code": HOSTILE, "type": HOSTILE, "param": HOSTILE}});
    let problem = json!({"title": HOSTILE, "detail": HOSTILE, "invalid_fields": [{"field": HOSTILE, "description": HOSTILE}]});
    for status in [200, 400, 401, 402, 403, 404, 422, 429, 500, 502] {
        for body in [in_json.to_string(), problem.to_string(), HOSTILE.to_owned()] {
            let place = Place::new();
            let server = MockServer::start().await;
            let response = ResponseTemplate::new(status)
                .set_body_raw(body, "application/json")
                // A delay of this length ends a create request at once.
                .insert_header("retry-after", "3600")
                .insert_header("x-oneapi-request-id", "a \t id");
            Mock::given(|_: &wiremock::Request| true)
                .respond_with(response)
                .mount(&server)
                .await;
            let at = server.uri();
            check_lines(
                &fox(&place, "run", &["-o", "out"])
                    .at(&at)
                    .start()
                    .ends_somehow()
                    .await,
            );
            let wait = ["wait", "abc", "--timeout", "0.2"];
            check_lines(
                &place
                    .paperboat(["get", "abc"])
                    .at(&at)
                    .start()
                    .ends_somehow()
                    .await,
            );
            check_lines(&place.paperboat(wait).at(&at).start().ends_somehow().await);
            check_lines(
                &place
                    .paperboat(["list"])
                    .at(&at)
                    .start()
                    .ends_somehow()
                    .await,
            );
            check_lines(
                &place
                    .paperboat(["list", "--json"])
                    .at(&at)
                    .start()
                    .ends_somehow()
                    .await,
            );
        }
    }
}

/// Arguments are copied from anywhere.
#[tokio::test]
async fn of_an_argument() {
    let place = Place::new();
    let flag = format!("--{HOSTILE}");
    let timeout = ["wait", "abc", "--timeout", HOSTILE];
    for args in [
        &[HOSTILE][..],
        &["run", HOSTILE],
        &["run", crate::SCHNELL, HOSTILE, HOSTILE],
        &["run", crate::SCHNELL, "prompt=x", HOSTILE],
        &["wait", HOSTILE],
        &["get", HOSTILE],
        &timeout,
        &["batch", HOSTILE],
        &["schema", HOSTILE],
        &["list", &flag],
    ] {
        let ended = place.paperboat(args).at("http://127.0.0.1:1").ends(2).await;
        check_lines(&ended);
    }
}
