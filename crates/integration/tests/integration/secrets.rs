//! The key goes into one header and comes out nowhere: not in logs, errors, `Debug`, panics
//! or files, whatever goes wrong.

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use cometapi::{Client, Error, WaitPolicy};
use cometapi_mock::Fault;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::setup::{KEY, SCHNELL, builder, client, input, mock};
use crate::tracing_spans::Log;

/// Everything that a caller could print of `error`.
fn printed(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n");
    let mut cause = error.source();
    while let Some(inner) = cause {
        text += &format!("{inner}\n{inner:?}\n");
        cause = inner.source();
    }
    text += &String::from_utf8_lossy(error.body().unwrap_or_default());
    text += &format!("{:?}{:?}", error.prediction(), error.service());
    text
}

/// One job; what could be printed of it.
async fn job(client: &Client, folder: &Path) -> String {
    let run = client.run_model(SCHNELL, input());
    let mut text = format!("{run:?}");
    match run.await {
        Ok(done) => {
            text += &format!("{done:?}");
            for file in done.files() {
                if let Err(error) = file.save_in(folder).await {
                    text += &printed(&error);
                }
            }
        }
        Err(error) => text += &printed(&error),
    }
    text
}

// Current thread, so that the capture of logs sees every task. The clock is paused and jumps
// over every silence; what a job comes to does not matter here.
#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn under_every_fault_the_key_is_printed_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::default();
    let guard = log.capture();
    log::trace!(target: "probe", "by the log crate");
    let server = mock().await;
    // With pauses of milliseconds a poll that finds nothing would be sent thousands of times.
    let client = builder(server.base_url())
        .wait_policy(WaitPolicy::default())
        .build()
        .unwrap();
    let mut text = format!("{client:?}{client:#?}");
    for fault in Fault::catalogue() {
        server.on_create(fault.clone());
        text += &job(&client, folder.path()).await;
        server.clear_plans();
        server.on_poll(fault);
        text += &job(&client, folder.path()).await;
        server.clear_plans();
    }
    text += &format!("{:?}", server.requests());
    drop(guard);
    assert!(text.len() > 100_000, "something was printed");
    assert!(!text.contains(KEY), "{}", around(&text));
    let log = log.text();
    assert!(
        log.contains("create{") && log.contains("by the log crate"),
        "logs were captured"
    );
    assert!(!log.contains(KEY), "{}", around(&log));
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(KEY.len())
                .any(|window| window == KEY.as_bytes())
        );
        files += 1;
    }
    assert!(files > 0);
}

fn around(text: &str) -> &str {
    let at = text.find(KEY).unwrap_or_default();
    let start = (0..=at.saturating_sub(300))
        .rev()
        .find(|&i| text.is_char_boundary(i));
    &text[start.unwrap_or_default()..at]
}

#[tokio::test]
async fn a_service_that_repeats_the_key_does_not_get_it_into_an_error() {
    let server = mock().await;
    let body = serde_json::json!({"error": {"message": format!("Invalid token {KEY}"), "type": "comet_api_error"}});
    server.on_create(Fault::json(401, &body));
    let error = client(&server)
        .run_model(SCHNELL, input())
        .await
        .unwrap_err();
    let text = printed(&error);
    assert!(text.contains("Invalid token [key]"), "{text}");
    assert!(!text.contains(KEY));
}

/// A service that shortens its message may do so inside the key.
#[tokio::test]
async fn a_whole_body_that_ends_inside_the_key_shows_no_part_of_it() {
    let part = &KEY[..KEY.len() - 4];
    let server = MockServer::start().await;
    let response = ResponseTemplate::new(400)
        .set_body_raw(format!("invalid key {part}"), "text/plain")
        .insert_header("x-oneapi-request-id", format!("a {part}"));
    let any = Mock::given(|_: &wiremock::Request| true);
    any.respond_with(response).mount(&server).await;
    let client = builder(&server.uri()).build().unwrap();
    let error = client.run_model(SCHNELL, input()).await.unwrap_err();
    assert_eq!(error.body(), Some(&b"invalid key [key]"[..]));
    assert_eq!(error.request_id(), Some("a [key]"));
    assert!(!printed(&error).contains(part));
}

/// In headers, in escapes, in bodies of any size, and at the end of one that breaks off.
#[tokio::test(flavor = "current_thread")]
async fn a_service_that_repeats_the_key_anywhere_does_not_get_it_into_what_is_printed() {
    let log = Log::default();
    let guard = log.capture();
    let escaped = KEY.replace('-', "\\u002d");
    let percent = KEY.replace('-', "%2D");
    let mut text = String::new();
    for status in [200, 302, 400, 401, 402, 403, 404, 422, 429, 500, 502] {
        for key in [KEY, &escaped, &percent] {
            let padding = "x".repeat(200_000);
            let error =
                format!(r#"{{"error":{{"message":"{key}","code":"{key}"}},"a":"{padding}"}}"#);
            let failed = format!(
                r#"{{"id":"abc","status":"failed","error":"{key}","logs":"{padding} {key}","{key}":1}}"#
            );
            let cut = format!(r#"{{"error":{{"message":"{key}"#);
            for body in [error, failed, cut, format!("<html>{key}</html>")] {
                let server = MockServer::start().await;
                let response = ResponseTemplate::new(status)
                    .set_body_raw(body, "application/json")
                    .insert_header("x-oneapi-request-id", format!("{KEY} {percent}"))
                    .insert_header("location", format!("/?key={KEY}"))
                    .insert_header("retry-after", "3600");
                let any = Mock::given(|_: &wiremock::Request| true);
                any.respond_with(response).mount(&server).await;
                let client = builder(&server.uri()).build().unwrap();
                let predictions = client.predictions();
                let created = predictions.create_model(SCHNELL, input()).await;
                let wait = predictions.wait("abc").timeout(Duration::ZERO);
                for end in [created, predictions.get("abc").await, wait.await] {
                    match end {
                        Ok(done) => {
                            text += &format!(
                                "{done:?}{done:#?}{}",
                                String::from_utf8_lossy(done.raw())
                            );
                            text += &printed(&done.into_outcome().unwrap_err());
                        }
                        Err(error) => text += &printed(&error),
                    }
                }
            }
        }
    }
    drop(guard);
    text += &log.text();
    assert!(text.contains("[key]"));
    for key in [KEY, &escaped, &percent] {
        assert!(!text.contains(key), "{}", around(&text));
    }
}

#[tokio::test]
async fn a_panic_does_not_print_it() {
    let server = mock().await;
    let client = client(&server);
    let panic = catch_unwind(AssertUnwindSafe(|| panic!("{client:?}"))).unwrap_err();
    assert!(!panic.downcast_ref::<String>().unwrap().contains(KEY));
}
