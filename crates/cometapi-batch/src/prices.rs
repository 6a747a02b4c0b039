//! What predictions are expected to cost.

use std::fmt;
use std::sync::Arc;

use cometapi_account::Usd;

use crate::error::{Error, ErrorKind};

/// Where expected prices come from: asked by model, `owner/name`, whenever one is needed.
#[derive(Clone, Default)]
pub(crate) struct Prices(Option<Arc<Source>>);

type Source = dyn Fn(&str) -> Option<Usd> + Send + Sync;

impl Prices {
    pub(crate) fn new(source: impl Fn(&str) -> Option<Usd> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(source)))
    }

    /// What a prediction of `model` is expected to cost, as far as it is known now.
    pub(crate) fn of(&self, model: &str) -> Option<Usd> {
        let price = self.0.as_ref()?(model)?;
        // Nothing costs less than nothing.
        Some(price).filter(|price| !price.is_negative())
    }
}

/// Checks that one more prediction, at `price`, may be created after earlier ones that cost `spent`.
///
/// # Errors
///
/// [`ErrorKind::MaxCost`] if that is more than `max`, or if there is no price.
pub(crate) fn check_cost(price: Option<Usd>, spent: Usd, max: Option<Usd>) -> Result<(), Error> {
    let Some(max) = max else { return Ok(()) };
    let why = match price {
        Some(price) if price.plus(spent).is_some_and(|cost| cost <= max) => return Ok(()),
        Some(price) if spent == Usd::ZERO => format!("the prediction costs {price}"),
        Some(price) => format!("the prediction costs {price}, and earlier ones have cost {spent}"),
        None => "the price of the model is not known".to_owned(),
    };
    let what = format!("{why}, and at most {max} is allowed: nothing was sent");
    Err(Error::new(ErrorKind::MaxCost, what))
}

impl fmt::Debug for Prices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prices").field(&self.0.is_some()).finish()
    }
}
