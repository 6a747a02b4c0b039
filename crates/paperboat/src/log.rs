//! The log of `-v`: each request, on stderr. The library's events have neither secrets nor inputs in them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::args::{LogFormat, MessageFlags};
use crate::messages::{self, Level as Severity, Messages};
use crate::print;

/// How long the end of a command waits for a reader of the log that does not read.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// The log of this process.
static LOG: Mutex<Option<Running>> = Mutex::new(None);

/// The thread that prints. The requests do not wait for a reader who does not read.
struct Running {
    /// `None` is the end.
    lines: Sender<Option<Line>>,
    ended: Receiver<()>,
}

/// An event: its message, and its fields.
struct Line {
    message: String,
    fields: Map<String, Value>,
}

/// Prints messages from now on as the flags say.
pub(crate) fn begin(flags: MessageFlags) {
    let is_json = flags.log_format == LogFormat::Json;
    messages::set(Messages {
        quiet: flags.quiet,
        json: is_json,
    });
    let level = match flags.verbose {
        0 => return,
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let (lines, received) = channel::<Option<Line>>();
    let (end, ended) = channel();
    let printer = thread::Builder::new().name("paperboat-log".to_owned());
    let printer = printer.spawn(move || {
        while let Ok(Some(Line { message, fields })) = received.recv() {
            let text = if is_json {
                message
            } else {
                text(&message, &fields)
            };
            print::emit(Severity::Debug, &text, fields);
        }
        drop(end);
    });
    if printer.is_err() {
        return;
    }
    let recorder = Recorder {
        level,
        lines: lines.clone(),
    };
    // Nothing else in this process sets one.
    if tracing::subscriber::set_global_default(recorder).is_ok() {
        *LOG.lock().unwrap_or_else(PoisonError::into_inner) = Some(Running { lines, ended });
    }
}

/// Prints what is left of the log.
pub(crate) fn end() {
    let running = LOG.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Running { lines, ended }) = running {
        let _ = lines.send(None);
        // It ends by dropping its sender.
        let _: Result<(), RecvTimeoutError> = ended.recv_timeout(READ_TIMEOUT);
    }
}

/// An event as a line for people.
fn text(message: &str, fields: &Map<String, Value>) -> String {
    let mut left: BTreeMap<_, _> = fields.iter().collect();
    let mut take = |name: &str| {
        let value = left.remove_entry(&name.to_owned());
        value.map(|(_, value)| plain(value))
    };
    match message {
        "request" => {
            let method = take("http.request.method").unwrap_or_default();
            let path = take("url.path");
            let host = take("server.address").unwrap_or_default();
            let place = path.unwrap_or_else(|| format!("a file of {host}"));
            let status = take("http.response.status_code").or_else(|| take("error.type"));
            let took = take("duration_ms").unwrap_or_default();
            let status = status.unwrap_or_default();
            let id = take("cometapi.request_id");
            let id = id
                .map(|id| format!(", request id {id}"))
                .unwrap_or_default();
            format!("{method} {place}: {status} in {took} ms{id}")
        }
        "retrying" => {
            let request = take("request").unwrap_or_default();
            let attempt = take("attempt").unwrap_or_default();
            let kind = take("error.type").unwrap_or_default();
            let status = take("http.response.status_code");
            let status = status.map(|it| format!(" ({it})")).unwrap_or_default();
            let pause = take("pause_ms").unwrap_or_default();
            format!("{request}: attempt {attempt} ended in {kind}{status}; retrying in {pause} ms")
        }
        _ => {
            let fields = left.iter();
            let fields = fields.map(|(name, value)| format!("{name}: {}", plain(value)));
            let fields: Vec<_> = fields.collect();
            [&[message.to_owned()], &fields[..]].concat().join("\n")
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Passes the library's events on.
struct Recorder {
    level: Level,
    lines: Sender<Option<Line>>,
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_own = metadata.target().starts_with("cometapi");
        is_own && !metadata.is_span() && *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.into())
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // None is enabled.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = match fields.0.remove("message") {
            Some(Value::String(message)) => message,
            _ => String::new(),
        };
        // The thread is gone after the end.
        let _ = self.lines.send(Some(Line {
            message,
            fields: fields.0,
        }));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(message: &str, fields: &Value) -> String {
        text(message, fields.as_object().unwrap())
    }

    #[test]
    fn each_event_is_a_line() {
        let request = json!({
            "http.request.method": "GET",
            "url.path": "/predictions/q4",
            "http.response.status_code": 200,
            "duration_ms": 12,
            "cometapi.request_id": "r1",
        });
        assert_eq!(
            line("request", &request),
            "GET /predictions/q4: 200 in 12 ms, request id r1"
        );
        let file = json!({
            "http.request.method": "GET",
            "server.address": "files.example",
            "duration_ms": 3,
            "error.type": "no_response",
        });
        assert_eq!(
            line("request", &file),
            "GET a file of files.example: no_response in 3 ms"
        );
        let retry = json!({
            "request": "poll",
            "attempt": 2,
            "error.type": "unavailable",
            "http.response.status_code": 502,
            "pause_ms": 510,
        });
        assert_eq!(
            line("retrying", &retry),
            "poll: attempt 2 ended in unavailable (502); retrying in 510 ms"
        );
        let headers = json!({"sent": "accept: */*", "received": "date: x"});
        assert_eq!(
            line("headers", &headers),
            "headers\nreceived: date: x\nsent: accept: */*"
        );
    }
}
