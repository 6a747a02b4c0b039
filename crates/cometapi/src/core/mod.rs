//! What every part of the crate uses: errors, predictions, responses, settings, the network.

pub(crate) mod backoff;
pub(crate) mod base_url;
pub(crate) mod connection;
pub(crate) mod error;
pub(crate) mod error_kind;
pub(crate) mod failure_kind;
pub(crate) mod http_clients;
pub(crate) mod key;
pub(crate) mod model;
pub(crate) mod network;
pub(crate) mod outcome;
pub(crate) mod prediction;
pub(crate) mod response;
pub(crate) mod retry_after;
pub(crate) mod retry_progress;
pub(crate) mod runtime;
pub(crate) mod service_error;
pub(crate) mod state;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod text;
pub(crate) mod timestamp;
pub(crate) mod trace;
