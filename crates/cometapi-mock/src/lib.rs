//! A faithful, stateful mock of CometAPI's Replicate-style predictions, on a real socket.
//!
//! It creates predictions, lets them run and end, and serves real images from a second
//! origin. It checks every request against `openapi.yaml`, refuses what the document does not
//! allow with the service's own messages, and logs every request. Every known failure has a name
//! in [`Fault`] and can be planned.
//!
//! A test of code that uses `cometapi` needs neither key nor network. On tokio's paused clock, which
//! jumps over every pause, it does not wait either:
//!
//! ```
//! use cometapi::Client;
//! use cometapi::models::flux_schnell::FluxSchnell;
//! use cometapi_mock::{MockServer, Pace};
//!
//! # /*
//! #[tokio::test(start_paused = true)]
//! # */
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() { a_boat_is_drawn().await.unwrap() }
//! async fn a_boat_is_drawn() -> Result<(), Box<dyn std::error::Error>> {
//!     let server = MockServer::builder().pace(Pace::instant()).start().await?;
//!     let client = Client::builder().key("any").base_url(server.base_url()).build()?;
//!
//!     let images = client.run(FluxSchnell::new("a paper boat")).await?;
//!     assert!(images[0].bytes().await?.starts_with(b"RIFF"));
//!     assert_eq!(server.create_requests(), 1);
//!     server.assert_no_violations();
//!     Ok(())
//! }
//! ```
//!
//! On the ordinary clock, the same test takes 0.3 s: the first poll comes that long after the create request.
//! Any other HTTP client can be tested, too.
//!
//! Of the models that the document describes, it refuses an input that the provider would
//! refuse (422, every faulty field named), and gives what is not sent the model's default. A
//! field that the model does not have is kept and has no effect; a model that the document
//! does not describe takes anything.
//!
//! This has not been compared with the live service. What the mock does is documented by the
//! service, was observed by others, or follows from the two; the items here say which.
//!
//! # The account
//!
//! At the root of the same origin, it serves prices, balance and tasks ([`AccountEndpoint`]) that
//! agree with its predictions: an accepted create request is charged the model's price, and what
//! fails is refunded when it ends. [`MockServer::charges`] has every movement in order, so that a
//! test of a spending limit can show that it held at every moment:
//!
//! ```
//! use cometapi_mock::{Ending, MockServer, Pace};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = MockServer::builder()
//!     .pace(Pace::instant())
//!     .price("black-forest-labs/flux-2-flex", ("0.24", "0.8"))
//!     .balance("25.00")
//!     .start()
//!     .await?;
//! server.on_end(Ending::nsfw());
//!
//! // … run the code under test against server.base_url() and server.origin() …
//!
//! assert!(server.max_charged() <= 500_000); // a dollar
//! server.assert_no_violations();
//! # Ok(())
//! # }
//! ```
//!
//! A key and an access token are different secrets. One that arrives where the other belongs, or
//! where none is needed, is recorded as [`Rule::Leak`]. Faults are planned per endpoint with
//! [`MockServer::on_account`].
//!
//! # Headers
//!
//! It accepts every header, as `OpenAPI` does, so that any HTTP client can use it.
//! [`Builder::strict_headers`] is for a client that must send nothing unintended.
//!
//! It depends on none of the clients: it reads the document itself, so that it can disagree
//! with them.

#![warn(clippy::print_stderr, clippy::print_stdout)]
// Shows on docs.rs which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
mod body;
mod builder;
mod clock;
mod drawing;
mod endpoints;
mod errors;
mod fault;
mod files;
mod hold;
mod ids;
mod input;
mod listen;
mod observer;
mod pace;
mod plan;
mod prediction;
mod request_log;
mod response;
mod server;
mod service;
mod spec;
mod state;
mod wire;
#[cfg(feature = "wiremock")]
pub mod wiremock;

pub use account::amount::InvalidAmount;
pub use account::charges::Charge;
pub use account::endpoint::AccountEndpoint;
pub use account::price::Price;
pub use account::task::TaskForm;
pub use builder::Builder;
pub use fault::Fault;
pub use hold::Hold;
pub use observer::Served;
pub use pace::{Ending, Pace, Script, Step};
pub use plan::Plan;
pub use request_log::Received;
pub use server::{MockServer, StartError, serve};
pub use spec::{Checked, InputFault, Rule, SHIPPED, Spec, SpecError, Violation, known_models};
pub use state::Snapshot;
pub use wire::Form;

// Compiles the programs in the package's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
