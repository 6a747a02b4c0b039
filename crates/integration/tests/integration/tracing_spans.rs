//! One span per create, poll and download, with ids and without secrets.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

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
        format!("create{{model={SCHNELL} attempt=1"),
        format!("poll{{id={id} attempt=1"),
        format!("download{{id=\"{id}\" position=0 attempt=1"),
        "request_id=".to_owned(),
        "http.response.status_code=200".to_owned(),
    ] {
        assert!(text.contains(&needle), "{needle} in\n{text}");
    }
    assert!(!text.contains(KEY));
    assert!(!text.contains("private thought"));
}
