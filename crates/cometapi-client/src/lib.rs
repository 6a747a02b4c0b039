//! The generated client of `CometAPI`'s Replicate-style predictions.
//!
//! **Depend on [`cometapi`](https://docs.rs/cometapi) instead**, unless you want the bare
//! operations: this crate knows how the wire looks and nothing of when to wait, repeat or
//! give up.
//!
//! Three things are in it:
//!
//! - [`Client`] and [`types`], made from `openapi.yaml` by a generator and committed;
//! - the few wire types a generator cannot express, because they must stay open to what the
//!   service has not said yet: [`PredictionResponse`], [`Status`], [`TaskStatus`], and the path
//!   parameters [`ModelOwner`], [`ModelName`] and [`PredictionId`];
//! - the one place that every request passes: [`Transport`] sets the key, holds the
//!   time limit of an attempt and keeps the response for the caller that [`observe`]s the call.
//!
//! ```no_run
//! use cometapi_client::{Client, Transport, http_client, types};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let base = "https://api.cometapi.com/replicate/v1";
//!     let transport = Transport::new("my-key")?;
//!     let client = Client::new_with_client(base, http_client().build()?, transport);
//!
//!     let mut input = serde_json::Map::new();
//!     input.insert("prompt".into(), "a paper boat".into());
//!     let body = types::CreatePredictionRequest { input };
//!     let response = client
//!         .create_prediction(&"black-forest-labs".parse()?, &"flux-schnell".parse()?, &body)
//!         .await?;
//!     println!("{:?}", response.prediction().map(|it| &it.id));
//!     Ok(())
//! }
//! ```
//!
//! # Features
//!
//! - `rustls`, `rustls-no-provider`, `native-tls`: how `https` is spoken; none is on by
//!   default.
//! - `schemars`: the wire types export their JSON Schema.
//! - `from-spec`: make the client from the `openapi.yaml` in this package while building,
//!   instead of the committed code. It replaces rather than adds, costs about forty
//!   seconds and forty more crates, and gives the same bytes.

#![warn(clippy::print_stderr, clippy::print_stdout)]
// Shows on docs.rs which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod bounded;
mod call;
mod encoding;
mod fields;
mod ignored_field;
mod key_finder;
mod lenient;
mod object;
mod params;
mod prediction_response;
mod response;
#[cfg(feature = "schemars")]
mod schema;
mod status;
mod trace;
mod transport;
mod truncate;
mod truncated;
mod typed;

#[cfg(not(feature = "from-spec"))]
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic)]
#[allow(clippy::exhaustive_enums, clippy::expect_used, clippy::unwrap_used)]
mod generated;

#[cfg(feature = "from-spec")]
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]
#[allow(clippy::exhaustive_enums, clippy::expect_used, clippy::unwrap_used)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/generated.rs"));
}

pub use crate::call::{BodyState, CallOptions, Exchange, observe};
#[doc(hidden)]
pub use crate::encoding::{ContentDecoder, DecodeError, UnsupportedEncoding};
pub use crate::generated::{Client, types};
pub use crate::ignored_field::IgnoredField;
#[doc(hidden)]
pub use crate::key_finder::{KEY_PLACEHOLDER, KeyFinder};
#[doc(hidden)]
pub use crate::params::encode_path;
pub use crate::params::{InvalidParam, ModelName, ModelOwner, PredictionId};
pub use crate::prediction_response::PredictionResponse;
pub use crate::status::{Status, TaskStatus};
pub use crate::transport::{
    InvalidKey, Transport, http_client, is_head_too_large, with_required_settings,
    with_unpooled_settings, without_tls_roots,
};
#[doc(hidden)]
pub use crate::truncate::{MAX_TEXT_LEN, truncate, truncate_owned};
pub use crate::truncated::id_in_truncated_body;

/// Decodes JSON as [`PredictionResponse::from_slice`] does: leniently, and without members that are too large.
#[doc(hidden)]
pub fn json_from_slice(body: &[u8]) -> Result<serde_json::Value, serde_json::Error> {
    lenient::from_slice(body).map(|(bounded::Json(json), _)| json)
}

// What the generated methods take and give back.
pub use progenitor_client::{ClientInfo, Error, ResponseValue};

/// The `openapi.yaml` that this client was made from.
pub const SPEC: &str = include_str!("../openapi.yaml");

// Compiles the programs in the package's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
