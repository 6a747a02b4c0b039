//! The key goes into one header and comes out nowhere: not in logs, errors, `Debug`, panics
//! or files, whatever goes wrong.

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use cometapi::{Client, Error};
use cometapi_mock::Fault;

use crate::setup::{KEY, SCHNELL, client, input, mock};
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
    let client = client(&server);
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

#[tokio::test]
async fn a_panic_does_not_print_it() {
    let server = mock().await;
    let client = client(&server);
    let panic = catch_unwind(AssertUnwindSafe(|| panic!("{client:?}"))).unwrap_err();
    assert!(!panic.downcast_ref::<String>().unwrap().contains(KEY));
}
