//! The state that the calls and the files of one client share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use cometapi_client::{ClientInfo, KeyFinder};

/// The future of a call: boxed, so that it can be named, and `Send`.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The generated client, and the seed of the jitter. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Core(Arc<State>);

#[derive(Debug)]
struct State {
    raw: cometapi_client::Client,
    seed: Option<u64>,
}

impl Core {
    pub(crate) fn new(raw: cometapi_client::Client, seed: Option<u64>) -> Self {
        Self(Arc::new(State { raw, seed }))
    }

    pub(crate) fn raw(&self) -> &cometapi_client::Client {
        &self.0.raw
    }

    pub(crate) fn key_finder(&self) -> &KeyFinder {
        self.0.raw.inner().key_finder()
    }

    /// Returns a generator for the jitter of one call.
    pub(crate) fn rng(&self) -> fastrand::Rng {
        self.0
            .seed
            .map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)
    }
}
