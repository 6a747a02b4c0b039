//! What known image models take: typed inputs, their fields as data, and checks of raw JSON.
//!
//! It has no HTTP and no async, so that a form builder, a validator or a queue's producer can use
//! it alone. The crate `cometapi` sends the inputs; it re-exports this crate as `cometapi::models`.
//!
//! # Features
//!
//! - `registry` (default): the known models, their typed inputs, checks, and reading values from
//!   text. Without it there are [`Input`], [`ModelInput`] and [`media`].
//! - `schemars`: typed inputs implement `schemars::JsonSchema`.

#![warn(clippy::print_stderr, clippy::print_stdout)]
// Shows on docs.rs which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(feature = "registry", doc = "")]
#![cfg_attr(feature = "registry", doc = include_str!("examples.md"))]

#[cfg(feature = "registry")]
mod check;
#[cfg(feature = "registry")]
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, reason = "generated")]
#[allow(
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "the words of a model's publisher"
)]
mod generated;
#[cfg(feature = "registry")]
mod image;
mod input;
#[cfg(feature = "registry")]
mod json;
pub mod media;
#[cfg(feature = "registry")]
mod model;
mod model_input;
#[cfg(feature = "registry")]
mod read;
#[cfg(feature = "registry")]
mod registry;
#[cfg(feature = "registry")]
mod spelling;
#[cfg(feature = "registry")]
mod support;

pub use self::input::{Input, InputError, InputErrorKind, IntoInput};
pub use self::model_input::{Files, Json, ModelInput, OneFile, Text};
#[cfg(feature = "registry")]
pub use self::{
    check::{InputProblem, InputProblemKind, InvalidInput, Warning},
    generated::*,
    image::ImageInput,
    json::{JsonError, JsonErrorKind, json_or_text, parse_json},
    model::{Condition, Field, Kind, Model, OutputKind},
    registry::{candidates, find, misspelled, models},
    support::UnknownChoice,
};

// Compiles the programs in the package's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
