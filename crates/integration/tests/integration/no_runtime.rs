//! Outside a tokio runtime there are neither timers nor sockets: every call is an error, and none
//! panics.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use cometapi::models::flux_schnell::FluxSchnell;
use cometapi::{Client, Error, ErrorKind, OutputText, Prediction};
use cometapi_batch::{Batch, Finish, Format, Rows, SqliteLedger};
use futures_core::Stream;

use crate::setup::{SCHNELL, input};

/// Polls until it is ready, as an executor without a runtime would.
fn outside<F: IntoFuture>(future: F) -> F::Output {
    let mut future = pin!(future.into_future());
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::yield_now();
    }
}

fn assert_refused<T>(result: Result<T, Error>, id: Option<&str>) {
    let error = result.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.to_string().starts_with("no tokio runtime is running"),
        "{error}"
    );
    assert_eq!(error.prediction_id(), id);
}

#[test]
fn every_call_is_an_error_outside_a_runtime() {
    // Nothing listens there.
    let client = Client::builder()
        .key("k")
        .base_url("http://127.0.0.1:9")
        .build()
        .unwrap();
    let predictions = client.predictions();
    let json = r#"{"id":"p1","status":"starting","output":["data:,x","http://127.0.0.1:9/0.png"]}"#;
    let prediction: Prediction = serde_json::from_str(json).unwrap();

    assert_refused(outside(client.run(FluxSchnell::new("x"))), None);
    assert_refused(outside(client.run_model(SCHNELL, input())), None);
    assert_refused(outside(predictions.create(FluxSchnell::new("x"))), None);
    assert_refused(outside(predictions.get("p1")), Some("p1"));
    assert_refused(outside(predictions.wait("p1")), Some("p1"));
    assert_refused(outside(predictions.follow(prediction.clone())), Some("p1"));
    assert_refused(outside(predictions.wait("p1").next()).unwrap(), Some("p1"));
    let mut wait = predictions.wait("p1");
    let next = std::future::poll_fn(|context| pin!(&mut wait).poll_next(context));
    assert_refused(outside(next).unwrap(), Some("p1"));
    for file in client.files(&prediction) {
        assert_refused(outside(file.bytes()), Some("p1"));
        assert_refused(outside(file.stream()), Some("p1"));
        assert_refused(outside(file.save_in("never")), Some("p1"));
        assert_refused(outside(file.save_to("never/0")), Some("p1"));
    }
    assert_refused(outside(client.file("data:,x").bytes()), None);
    assert_refused(
        outside(OutputText::of(&prediction).save_in("never")),
        Some("p1"),
    );
    assert!(!std::path::Path::new("never").exists());
    drop(outside(cometapi::Limiter::new(1).acquire()));
}

/// The body of a response is read by the same timers.
#[test]
fn a_stream_that_began_in_a_runtime_is_an_error_outside() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, mut stream) = runtime.block_on(async {
        let server = crate::setup::mock().await;
        let client = crate::setup::client(&server);
        let done = client.run_model(SCHNELL, input()).await.unwrap();
        let stream = done.files()[0].stream().await.unwrap();
        (server, stream)
    });
    // What was read to find the type.
    outside(stream.next()).unwrap().unwrap();
    let error = outside(stream.next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    runtime.block_on(async { drop(server) });
}

#[test]
fn a_batch_is_an_error_outside_a_runtime() {
    let base = tempfile::tempdir().unwrap();
    let client = Client::builder()
        .key("k")
        .base_url("http://127.0.0.1:9")
        .build()
        .unwrap();
    let ledger = Arc::new(SqliteLedger::open(base.path().join("ledger")).unwrap());
    let rows = || {
        let text = r#"{"model": "a/b", "prompt": "x"}"#;
        Rows::reader(std::io::Cursor::new(text), Format::JsonLines)
    };
    let batch = || Batch::new(&client, ledger.clone(), base.path().join("out"));
    for result in [
        outside(batch().run(rows())),
        outside(batch().dry_run(rows())),
        outside(Finish::new(&client, ledger.clone(), base.path().join("out")).run()),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), cometapi_batch::ErrorKind::NoRuntime);
        assert!(error.is_before_sending());
    }
    assert!(!base.path().join("out").exists());
}
