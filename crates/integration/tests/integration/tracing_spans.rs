//! A span per run, create, poll and download, by the names of OpenTelemetry, without secrets.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use cometapi::ErrorKind;
use cometapi_mock::{Ending, Fault};
use tracing_subscriber::fmt::format::FmtSpan;

use crate::setup::{KEY, SCHNELL, client, mock};

/// With one subscriber alone, tracing asks only the thread that meets a span first whether it is
/// wanted. That may be the thread of another test, which would turn the span off for all.
static SECOND: OnceLock<tracing::Dispatch> = OnceLock::new();

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Everything at trace level, on this thread, for as long as the guard lives: spans and
    /// events, and what the libraries below write by the `log` crate.
    pub(crate) fn capture(&self) -> tracing::subscriber::DefaultGuard {
        // One for the process; the second call finds it there.
        let _ = tracing_log::LogTracer::init();
        SECOND.get_or_init(|| tracing::Dispatch::new(tracing_subscriber::registry()));
        let log = self.clone();
        tracing::subscriber::set_default(
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_span_events(FmtSpan::FULL)
                .with_ansi(false)
                .with_writer(move || log.clone())
                .finish(),
        )
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_request_has_its_span() {
    let server = mock().await;
    let log = Log::default();
    let guard = log.capture();
    let done = client(&server)
        .run_model(SCHNELL, serde_json::json!({"prompt": "a private thought"}))
        .await
        .unwrap();
    done.files()[0].bytes().await.unwrap();
    drop(guard);

    let text = log.text();
    let id = done.prediction().id();
    for needle in [
        format!("generate_content{{otel.name=\"generate_content {SCHNELL}\" otel.kind=\"client\""),
        "gen_ai.operation.name=\"generate_content\"".to_owned(),
        "gen_ai.provider.name=\"cometapi\"".to_owned(),
        format!("gen_ai.request.model=\"{SCHNELL}\""),
        "gen_ai.output.type=\"image\"".to_owned(),
        format!("gen_ai.response.id=\"{id}\" gen_ai.response.model=\"{SCHNELL}\""),
        "gen_ai.response.finish_reasons=[\"succeeded\"]".to_owned(),
        "server.address=\"127.0.0.1\" server.port=".to_owned(),
        "}:create{otel.name=\"POST /models/{model_owner}/{model_name}/predictions\"".to_owned(),
        "}:poll{otel.name=\"GET /predictions/{prediction_id}\" otel.kind=\"client\"".to_owned(),
        format!("gen_ai.response.id={id} cometapi.poll=1"),
        format!(
            "download{{otel.name=\"GET\" otel.kind=\"client\" http.request.method=\"GET\" gen_ai.response.id=\"{id}\" cometapi.file=0"
        ),
        "cometapi.request_id=".to_owned(),
        "http.response.status_code=200".to_owned(),
    ] {
        assert!(text.contains(&needle), "{needle} in\n{text}");
    }
    for absent in [KEY, "private thought", "error.type", "otel.status_code"] {
        assert!(!text.contains(absent), "{absent} in\n{text}");
    }
    for template in [
        "/models/{model_owner}/{model_name}/predictions",
        "/predictions/{prediction_id}",
    ] {
        let path = format!("\n  {template}:\n");
        assert!(cometapi::wire::SPEC.contains(&path), "{template}");
    }
}

#[tokio::test]
async fn a_failure_is_recorded_in_its_spans() {
    let server = mock().await;
    server.on_create(Fault::EmptyTooManyRequests);
    server.on_end(Ending::failed("a private thought"));
    let log = Log::default();
    let guard = log.capture();
    let input = serde_json::json!({"prompt": "a private thought"});
    let run = client(&server).run_model(SCHNELL, input);
    assert_eq!(run.await.unwrap_err().kind(), ErrorKind::Failed);
    server.on_create(Fault::InvalidToken);
    let input = serde_json::json!({"prompt": "x"});
    client(&server).run_model(SCHNELL, input).await.unwrap_err();
    drop(guard);

    let text = log.text();
    for needle in [
        "http.response.status_code=429 otel.status_code=\"ERROR\" error.type=\"429\"",
        "http.request.resend_count=1",
        "otel.status_code=\"ERROR\" error.type=\"failed\"",
        "gen_ai.response.finish_reasons=[\"failed\"]",
        "error.type=\"unauthorized\"",
    ] {
        assert!(text.contains(needle), "{needle} in\n{text}");
    }
    assert!(!text.contains("private thought"), "{text}");
}
