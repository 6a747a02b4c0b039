//! What the known models take, typed, and checked before it costs.
//!
//! An input is made from what its model requires; the rest is set where it is wanted, and
//! what is not set is not sent.
//!
//! ```no_run
//! use cometapi::models::flux_schnell::{AspectRatio, FluxSchnell};
//!
//! # async fn example(client: cometapi::Client) -> Result<(), cometapi::Error> {
//! let files = client
//!     .run(FluxSchnell::new("a red fox").aspect_ratio(AspectRatio::Ratio16x9).num_outputs(2))
//!     .await?;
//! println!("{} images", files.len());
//! # Ok(())
//! # }
//! ```
//!
//! [`models`] lists them, with every field's type, range, default and source. The same list
//! [checks](Model::check) raw JSON, and [reads](Field::read) values that came as text:
//!
//! ```
//! use serde_json::json;
//!
//! let schnell = cometapi::models::find("black-forest-labs/flux-schnell").unwrap();
//! let input = json!({"promt": "a red fox", "num_outputs": 9});
//! let refused = schnell.check(input.as_object().unwrap()).unwrap_err();
//! assert_eq!(
//!     refused.to_string(),
//!     "the input does not fit black-forest-labs/flux-schnell: num_outputs is 9, it takes 1–4; \
//!      promt is not one of its fields, did you mean prompt?"
//! );
//! ```
//!
//! A hosted model changes without notice, so all of this is advice that can be set aside:
//! [`Run::unchecked`](crate::Run::unchecked) and [`Create::unchecked`](crate::Create::unchecked)
//! send what they are given. A model that is not listed is never checked.

pub(crate) mod check;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, reason = "generated")]
#[allow(
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "the words of a model's publisher"
)]
mod generated;
mod image;
mod json;
mod nearest;
mod read;
pub(crate) mod registry;
mod support;

pub use self::check::{InputProblem, InputProblemKind, InvalidInput, Warning};
pub use self::generated::*;
pub use self::image::ImageInput;
pub use self::json::{JsonError, JsonErrorKind, json_or_text, parse_json};
pub use self::registry::{Condition, Field, Kind, Model, OutputKind, find, models, nearest};
pub use self::support::UnknownChoice;
