//! A response, and how it reaches the client.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;

use crate::hold::Hold;

/// A response before it is delivered.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) delivery: Delivery,
}

/// How a response reaches the client, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    Delayed(Duration),
    Held(Hold),
    Slow(Duration),
    Stalled,
    Cut { reset: bool },
    Never,
    Dropped { reset: bool },
}

impl Response {
    pub(crate) fn new(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(content_type) {
            headers.insert(CONTENT_TYPE, value);
        }
        Self {
            status,
            headers,
            body: body.into(),
            delivery: Delivery::Whole,
        }
    }

    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // The shapes here have text keys and no failing `Serialize`; were it otherwise, the
        // empty body would be seen at once.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self::new(status, "application/json; charset=utf-8", body)
    }

    pub(crate) fn html(status: StatusCode, body: &'static str) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    /// A status and nothing else.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            delivery: Delivery::Whole,
        }
    }

    pub(crate) fn redirect(status: StatusCode, location: &str) -> Self {
        Self::empty(status).with(LOCATION, location)
    }

    /// No response at all.
    pub(crate) fn none(delivery: Delivery) -> Self {
        Self::empty(StatusCode::OK).delivered(delivery)
    }

    pub(crate) fn retry_after(self, value: &str) -> Self {
        self.with(RETRY_AFTER, value)
    }

    /// Adds a header; a value that HTTP forbids is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// The status that the client gets to see.
    pub(crate) fn visible_status(&self) -> Option<StatusCode> {
        match self.delivery {
            Delivery::Never | Delivery::Dropped { .. } => None,
            _ => Some(self.status),
        }
    }

    /// The first half of the body.
    pub(crate) fn half(&self) -> Bytes {
        self.body.slice(..self.body.len() / 2)
    }
}
