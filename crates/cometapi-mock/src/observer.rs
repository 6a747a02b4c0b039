//! Reports each request to the owner of the server, as it is answered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::Instant;

/// A request and its response, for a line of a log. It holds no header, no query and no body, so
/// no credential.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// The method.
    pub method: Method,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The status of the response; `None` where none was sent.
    pub status: Option<StatusCode>,
    /// From the head of the request to that of the response, by tokio's clock.
    pub elapsed: Duration,
}

type Observe = dyn Fn(&Served) + Send + Sync;

#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<Observe>>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(&Served) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observe)))
    }

    /// Observes a request whose head has been read.
    pub(crate) fn watch(&self, method: &Method, path: &str) -> Watch<'_> {
        Watch {
            observer: self,
            served: Served {
                method: method.clone(),
                path: path.to_owned(),
                status: None,
                elapsed: Duration::ZERO,
            },
            started: Instant::now(),
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}

/// Reports when it is dropped, so that a request whose client has gone is reported, too.
pub(crate) struct Watch<'o> {
    observer: &'o Observer,
    served: Served,
    started: Instant,
}

impl Watch<'_> {
    pub(crate) fn responded(mut self, status: StatusCode) {
        self.served.status = Some(status);
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(observe) = &self.observer.0 {
            self.served.elapsed = self.started.elapsed();
            observe(&self.served);
        }
    }
}
