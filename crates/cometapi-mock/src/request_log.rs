//! The log of received requests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use tokio::sync::watch;

use crate::spec::Violation;

/// One request, as it came over the wire.
///
/// Its `Debug` shows neither credentials nor the body.
#[derive(Clone)]
#[non_exhaustive]
pub struct Received {
    /// The calendar time when it had been read. Follows a paused tokio clock.
    pub at: SystemTime,
    /// The same since the server's start, by tokio's clock.
    pub since_start: Duration,
    /// The method.
    pub method: Method,
    /// Path and query, raw: nothing decoded, nothing normalised.
    pub target: String,
    /// The headers, repeated ones included. Credentials are marked sensitive.
    pub headers: HeaderMap,
    /// The body. Empty if it was over the limit, or removed to make room.
    pub body: Bytes,
    /// The `operationId` that it matched, or the name of the account's
    /// [endpoint](crate::AccountEndpoint::operation); `None` on the files origin.
    pub operation: Option<String>,
    /// The model that a create request named, or whose price was asked for, `owner/name`.
    pub model: Option<String>,
    /// The prediction that it named, created, or asked a file or the task of.
    pub id: Option<String>,
    /// The status of the response; `None` while there is none, and where a fault sends none.
    pub status: Option<StatusCode>,
    /// The request id in the headers of its response.
    pub request_id: String,
    /// What was not allowed about it.
    pub violations: Vec<Violation>,
}

impl Received {
    /// Reads the head of a request; `headers` have had their credentials marked.
    pub(crate) fn new(parts: Parts, body: Bytes, now: (Duration, SystemTime), id: String) -> Self {
        let target = parts.uri.path_and_query();
        Self {
            at: now.1,
            since_start: now.0,
            target: target.map_or_else(|| parts.uri.to_string(), ToString::to_string),
            method: parts.method,
            headers: parts.headers,
            body,
            operation: None,
            model: None,
            id: None,
            status: None,
            request_id: id,
            violations: Vec::new(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Without its question mark.
    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    pub(crate) fn model_name(&self) -> &str {
        self.model.as_deref().unwrap_or("unknown")
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("since_start", &self.since_start)
            .field("method", &self.method)
            .field("target", &self.target)
            // Sensitive values print as `Sensitive`.
            .field("headers", &self.headers)
            .field("body_len", &self.body.len())
            .field("operation", &self.operation)
            .field("model", &self.model)
            .field("id", &self.id)
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("violations", &self.violations)
            .finish_non_exhaustive()
    }
}

/// Headers whose values must not be printed.
const CREDENTIALS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "cookie",
];

/// Marks credentials, so that no `Debug` of the headers prints them.
pub(crate) fn hide_credentials(headers: &mut HeaderMap) {
    for name in CREDENTIALS {
        if let http::header::Entry::Occupied(mut entry) = headers.entry(*name) {
            for value in entry.iter_mut() {
                value.set_sensitive(true);
            }
        }
    }
}

/// A request's place in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(u64);

/// The requests of one origin, bounded: beyond the limits the oldest go first, bodies before
/// entries.
#[derive(Debug)]
pub(crate) struct RequestLog {
    inner: Mutex<Inner>,
    total: watch::Sender<u64>,
    limits: Limits,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    entries: usize,
    body_bytes: usize,
}

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<Received>,
    /// How many have been dropped from the front.
    dropped: u64,
    /// How many bodies at the front have been emptied.
    emptied: usize,
    body_bytes: usize,
}

impl Default for RequestLog {
    fn default() -> Self {
        Self::with_limits(Limits {
            entries: 100_000,
            body_bytes: 256 << 20,
        })
    }
}

impl RequestLog {
    fn with_limits(limits: Limits) -> Self {
        Self {
            inner: Mutex::default(),
            total: watch::Sender::new(0),
            limits,
        }
    }

    pub(crate) fn push(&self, received: Received) -> Ticket {
        let mut inner = self.lock();
        inner.body_bytes += received.body.len();
        inner.entries.push_back(received);
        inner.make_room(self.limits);
        let total = inner.dropped + inner.entries.len() as u64;
        drop(inner);
        // Two pushes may arrive here in either order.
        self.total.send_modify(|seen| *seen = total.max(*seen));
        Ticket(total - 1)
    }

    pub(crate) fn update(&self, ticket: Ticket, change: impl FnOnce(&mut Received)) {
        let mut inner = self.lock();
        let at = ticket
            .0
            .checked_sub(inner.dropped)
            .and_then(|at| usize::try_from(at).ok());
        if let Some(entry) = at.and_then(|at| inner.entries.get_mut(at)) {
            change(entry);
        }
    }

    pub(crate) fn entries(&self) -> Vec<Received> {
        self.lock().entries.iter().cloned().collect()
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        let inner = self.lock();
        inner
            .entries
            .iter()
            .filter(|entry| entry.operation.as_deref() == Some(operation))
            .count()
    }

    pub(crate) async fn wait_for(&self, total: u64) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.total.subscribe().wait_for(|seen| *seen >= total).await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn make_room(&mut self, limits: Limits) {
        while self.entries.len() > limits.entries {
            if let Some(gone) = self.entries.pop_front() {
                self.body_bytes -= gone.body.len();
                self.dropped += 1;
                self.emptied = self.emptied.saturating_sub(1);
            }
        }
        while self.body_bytes > limits.body_bytes {
            let Some(entry) = self.entries.get_mut(self.emptied) else {
                break;
            };
            self.body_bytes -= entry.body.len();
            entry.body = Bytes::new();
            self.emptied += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn received(target: &str, body: &'static str) -> Received {
        Received {
            at: UNIX_EPOCH,
            since_start: Duration::ZERO,
            method: Method::GET,
            target: target.to_owned(),
            headers: HeaderMap::new(),
            body: body.into(),
            operation: Some("get_prediction".to_owned()),
            model: None,
            id: None,
            status: None,
            request_id: String::new(),
            violations: Vec::new(),
        }
    }

    #[test]
    fn debug_shows_no_credential_and_no_body() {
        let mut one = received("/", "sk-body");
        for name in CREDENTIALS {
            one.headers
                .append(*name, "Bearer sk-first".parse().unwrap());
            one.headers
                .append(*name, "Bearer sk-second".parse().unwrap());
        }
        hide_credentials(&mut one.headers);
        let shown = format!("{one:?} {one:#?}");
        assert!(!shown.contains("sk-"), "{shown}");
        assert!(shown.contains("authorization"), "{shown}");
    }

    #[test]
    fn the_oldest_go_first_and_tickets_stay_good() {
        let log = RequestLog::with_limits(Limits {
            entries: 2,
            body_bytes: 5,
        });
        let first = log.push(received("/1", "aaa"));
        let second = log.push(received("/2", "bbb"));
        let bodies = |log: &RequestLog| -> Vec<_> {
            log.entries().iter().map(|one| one.body.len()).collect()
        };
        assert_eq!(bodies(&log), [0, 3]);
        log.push(received("/3", "cc"));
        assert_eq!(bodies(&log), [3, 2]);

        log.update(first, |one| one.status = Some(StatusCode::OK));
        log.update(second, |one| one.status = Some(StatusCode::IM_A_TEAPOT));
        let entries = log.entries();
        assert_eq!(entries[0].status, Some(StatusCode::IM_A_TEAPOT));
        assert_eq!(entries[1].status, None);
        assert_eq!(log.count("get_prediction"), 2);
    }

    #[tokio::test]
    async fn waits_for_what_has_come_and_what_will() {
        let log = RequestLog::default();
        log.push(received("/1", ""));
        log.wait_for(1).await;
        tokio::join!(log.wait_for(2), async {
            log.push(received("/2", ""));
        });
    }
}
