//! `CometAPI`'s Replicate-style predictions: start a run of an image model, keep its id, wait
//! for it, download the images.
//!
//! ```no_run
//! use cometapi::Client;
//! use cometapi::models::flux_schnell::{AspectRatio, FluxSchnell};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), cometapi::Error> {
//!     let client = Client::from_env()?; // COMETAPI_KEY, COMETAPI_BASE_URL
//!     let boat = FluxSchnell::new("A paper boat at sunrise").aspect_ratio(AspectRatio::Ratio16x9);
//!     for image in client.run(boat).await? {
//!         println!("{}", image.save_in("out").await?.path.display());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Requests run in a [tokio](https://tokio.rs) runtime and in no other; the example needs tokio's
//! features `macros` and `rt-multi-thread`. The crate needs Rust 1.90 or later.
//!
//! # Overview
//!
//! - [`Client::run`] is the main job in one call: create, wait, files. It takes a typed input
//!   of a known model (see [`models`](mod@models)); [`Client::run_model`] takes any model and
//!   any JSON.
//! - [`Client::predictions`] has the operations one by one: [`create`](Predictions::create),
//!   [`get`](Predictions::get) and [`wait`](Predictions::wait), which can be awaited or taken
//!   as a stream of updates.
//! - [`Client::raw`] is the generated client underneath, for what is not covered here. Any
//!   JSON object is an input, and any JSON is an output ([`Output`]).
//! - [`Error`] is the one error. Its [`kind`](Error::kind) says what happened and what to do. The
//!   documentation of [`Create`] has a table of what each response to a create request leads to.
//!
//! # What it promises
//!
//! - A create request is retried only if it provably had no effect. If that is unknown, the error says so
//!   ([`Error::may_have_been_accepted`]), never repeated.
//! - Every error after a create request carries the prediction's id.
//! - Only a terminal state ends a wait, and a wait always ends.
//! - The key goes to the base URL and nowhere else.
//! - Status words, fields and shapes that are not known never break a decode.
//!
//! # What it does not do
//!
//! The service documents no cancel, no list and no webhook on this route, so there is none
//! here. It has never yet been run against the live service: all it knows of the wire is
//! documented or was observed by others, and the documentation says which.
//!
//! # Features
//!
//! - `rustls` (default), `rustls-no-provider`, `native-tls`: how `https` is spoken, as
//!   `reqwest` names them. Without any of them, only plain http to this machine works.
//! - `download` (default): [`OutputFile::bytes`](crate::OutputFile), `stream`, `save_in` and
//!   `save_to`.
//! - `models` (default): typed inputs of the known models, and the check of what is sent to
//!   them.
//! - `schemars`: the wire types and the typed inputs implement `schemars::JsonSchema`.
//! - `tracing`: a span `generate_content` per run, and one per create request, poll and
//!   download, with the names of OpenTelemetry's conventions for generative AI; never an input or
//!   a key. `tracing-opentelemetry` needs no glue. Each request to the service and each retry is an event of
//!   level `DEBUG`; headers, without those that may hold a secret, are one of level `TRACE`.
//!
//! # Other crates
//!
//! - [`cometapi-models`](https://docs.rs/cometapi-models): the typed inputs alone, without HTTP
//! - [`cometapi-client`](https://docs.rs/cometapi-client): the generated client alone
//! - [`cometapi-batch`](https://docs.rs/cometapi-batch): durable, resumable batches
//! - [`cometapi-mock`](https://docs.rs/cometapi-mock): a mock of the service, for your tests
//! - [`paperboat`](https://docs.rs/paperboat): the command

#![warn(clippy::print_stderr, clippy::print_stdout)]
// Shows on docs.rs which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod calls;
mod client;
mod core;
mod files;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod run;

pub use crate::calls::create::{Create, CreateProgress};
pub use crate::calls::limiter::{Limiter, Permit};
pub use crate::calls::policy::{
    CreatePolicy, Durations, NextPoll, PollPace, PollSchedule, WaitPolicy,
};
pub use crate::calls::predictions::Predictions;
pub use crate::calls::wait::Wait;
pub use crate::client::{Client, ClientBuilder};
pub use crate::core::backoff::Backoff;
pub use crate::core::error::Error;
pub use crate::core::error_kind::{Creation, ErrorKind};
pub use crate::core::failure_kind::FailureKind;
pub use crate::core::key::ApiKey;
pub use crate::core::model::{IntoModelRef, ModelRef};
pub use crate::core::prediction::Prediction;
pub use crate::core::retry_progress::RetryProgress;
pub use crate::core::service_error::ServiceError;
pub use crate::core::state::BoxFuture;
#[doc(hidden)]
pub use crate::core::text::shorten_data_uris;
pub use crate::files::contents::{Contents, OutputText};
#[cfg(feature = "download")]
#[doc(hidden)]
pub use crate::files::download::names;
#[cfg(feature = "download")]
pub use crate::files::download::{
    fetch::FileStream, policy::DownloadPolicy, saved_file::SavedFile,
};
pub use crate::files::output::Output;
pub use crate::files::output_file::OutputFile;
#[cfg(feature = "download")]
pub use crate::files::save::Save;
pub use crate::run::{Completed, Run, RunOutput};
/// Typed inputs, checks and JSON Schemas of known models: the crate `cometapi-models`.
#[doc(inline)]
pub use cometapi_models as models;
#[cfg(feature = "models")]
pub use cometapi_models::{ImageInput, models};
pub use cometapi_models::{Input, IntoInput, ModelInput};
// The wire's own types are used as they are.
#[doc(hidden)]
pub use crate::core::connection::causes;
pub use cometapi_client as wire;
pub use cometapi_client::{IgnoredField, Status};
#[doc(hidden)]
pub use cometapi_client::{MAX_TEXT_LEN, truncate, truncate_owned};
// `ClientBuilder::configure_http` takes its builder.
pub use reqwest;

// Compiles the programs in the package's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
