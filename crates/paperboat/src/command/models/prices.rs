//! Prices beside the models, from the cache alone: nothing is requested.

use cometapi::models::Model;
use cometapi_account::{Price, PriceList};

use crate::{advice, connect, pricing};

/// What the cache knows of the prices of the service that the environment names.
pub(super) struct Prices {
    list: Option<PriceList>,
    /// Whether `paperboat prices` would find a list.
    can_be_read: bool,
}

impl Prices {
    /// Reads the cache. Settings that cannot be used count as no prices: models are shown without any
    /// setting.
    pub(super) fn cached() -> Self {
        let root = connect::account_root(None).ok().flatten();
        let cache = pricing::cache();
        Self {
            list: root.as_deref().and_then(|root| cache?.load_blocking(root)),
            can_be_read: root.is_some(),
        }
    }

    /// What a prediction of `model` costs, if that is known.
    pub(super) fn of(&self, model: &Model) -> Option<Price> {
        self.list.as_ref()?.price(model.name()).ok()
    }

    /// How old the list is, in seconds.
    pub(super) fn age_seconds(&self) -> Option<u64> {
        self.list.as_ref().map(|list| list.age().as_secs())
    }

    /// What a person should know about the prices in a table of models.
    pub(super) fn note_on_all(&self) -> Option<String> {
        let what = "prices in US dollars per prediction, before any discount; the list is";
        self.note(what)
    }

    /// The same of the price of one model.
    pub(super) fn note_on_one(&self) -> Option<String> {
        self.note("the price list is")
    }

    /// How old the list is, or how to get one.
    fn note(&self, what: &str) -> Option<String> {
        match &self.list {
            Some(list) => Some(format!("{what} {} old", pricing::age(list))),
            None if self.can_be_read => Some(format!(
                "to show prices here for the next hour: {}",
                advice::command("prices", "")
            )),
            None => None,
        }
    }
}
