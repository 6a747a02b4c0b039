//! Prices, balance and tasks of a `CometAPI` account.
//!
//! [`Account`] asks the account's side of the service, which is apart from the predictions that
//! [`cometapi`](https://docs.rs/cometapi) creates. Nothing here costs money:
//!
//! | What | With | Method |
//! |---|---|---|
//! | what a model costs | nothing | [`Account::prices`], [`Account::model`] |
//! | what is left of a key's limit | the API key | [`Account::key_balance`] |
//! | what is left of the account | an access token | [`Account::account_balance`] |
//! | what was submitted, and what it cost | an access token | [`Account::tasks`] |
//!
//! ```no_run
//! use cometapi_account::{Account, PriceCache};
//!
//! # async fn example(client: cometapi::Client) -> Result<(), cometapi_account::Error> {
//! let account = Account::new(&client)?;
//! let prices = account.cached_prices(&PriceCache::at("prices.json")).await?;
//! match prices.price("black-forest-labs/flux-2-flex") {
//!     Ok(price) => println!("{} each", price.discounted),
//!     Err(unknown) => println!("{unknown}"),
//! }
//! if let Some(left) = account.balance().await?.left() {
//!     println!("{left} left");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Where the facts come from
//!
//! Most operations are not in the service's reference: they were read in the source of its own
//! command line, and no request has confirmed them. The crate's `openapi.yaml` names the source of
//! each fact. Therefore responses are decoded leniently and decided by their structure: a number may
//! be a string, one row that cannot be read does not fail a list, and what cannot be read for certain
//! is unknown ([`UnknownPrice`], [`Tasks::is_complete`]), never a guess.
//!
//! Money is exact: [`Usd`] is a decimal, made from the digits of a JSON string, or from the shortest
//! form of a JSON number.
//!
//! # Which secret goes where
//!
//! The API key is sent only to the origin of the client's base URL, the access token only to the
//! [root](Account::root), and neither to an operation that needs none. Redirects are not followed.
//!
//! # Features
//!
//! - `rustls` (default), `rustls-no-provider`, `native-tls`: how `https` is spoken.
//! - `schemars`: the wire types export their JSON Schema.
//! - `from-spec`: make the generated client from the `openapi.yaml` in this package while building,
//!   instead of the committed code.

#![warn(clippy::print_stderr, clippy::print_stdout)]
// Shows on docs.rs which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
mod balance;
mod cache;
mod call;
mod error;
mod hooks;
mod json;
mod listed_model;
mod money;
mod page;
mod price;
mod price_list;
mod root;
mod secret;
mod task;

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

// What the generated code takes from its package.
mod params {
    pub(crate) use cometapi_client::encode_path;
}
mod response {
    pub(crate) use crate::json::decode;
}
pub(crate) use cometapi_client::Transport;

pub use crate::account::{Account, AccountBuilder};
pub use crate::balance::{AccountBalance, Balance, KeyBalance};
pub use crate::cache::PriceCache;
pub use crate::error::{Error, ErrorKind};
pub use crate::listed_model::ListedModel;
pub use crate::money::{InvalidAmount, Usd};
pub use crate::price::{Price, UnknownPrice};
pub use crate::price_list::PriceList;
pub use crate::secret::AccessToken;
pub use crate::task::{Task, TaskFilter, Tasks, is_name_of};
pub use rust_decimal::Decimal;

/// The generated client and its types, for what [`Account`] does not cover.
pub mod wire {
    pub use crate::generated::{Client, types};

    /// The `openapi.yaml` that the client was made from.
    pub const SPEC: &str = include_str!("../openapi.yaml");
}

// Compiles the programs in the package's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
