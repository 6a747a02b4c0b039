//! What models cost: the list price, the ratio, and what is charged.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::amount::{self, InvalidAmount};

/// Decimal places of a ratio.
pub(crate) const RATIO_PLACES: u32 = 6;
const RATIO_ONE: u64 = 1_000_000;

/// What one prediction of a model costs: a list price, and the ratio by which the account pays less or more
/// (documented: "$0.192" is the list price 0.24 × 0.8).
///
/// Made from dollars as a decimal string, or from those and a ratio. An amount that is no whole number of
/// units of quota (0.000002 dollars) is refused, so that nothing is rounded.
///
/// ```
/// use cometapi_mock::{InvalidAmount, Price};
///
/// let flex = Price::try_from(("0.24", "0.8"))?;
/// assert_eq!(flex.quota(), 96_000); // 0.192 dollars
/// assert_eq!("0.003".parse::<Price>()?.quota(), 1_500);
/// # Ok::<(), InvalidAmount>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// In units of quota.
    list: u64,
    /// In millionths.
    ratio: Option<u64>,
    /// In units of quota.
    charged: u64,
}

impl Price {
    /// What a create request is charged, in units of quota; 500,000 are one dollar.
    pub fn quota(self) -> u64 {
        self.charged
    }

    pub(crate) fn list(self) -> u64 {
        self.list
    }

    /// In millionths.
    pub(crate) fn ratio(self) -> Option<u64> {
        self.ratio
    }

    const fn of_quota(list: u64, ratio: Option<u64>) -> Self {
        let charged = match ratio {
            Some(ratio) => list * ratio / RATIO_ONE,
            None => list,
        };
        Self {
            list,
            ratio,
            charged,
        }
    }
}

/// The list price in dollars, which is what is charged.
impl FromStr for Price {
    type Err = InvalidAmount;

    fn from_str(dollars: &str) -> Result<Self, InvalidAmount> {
        Ok(Self::of_quota(amount::quota(dollars)?, None))
    }
}

/// The list price in dollars, which is what is charged.
impl TryFrom<&str> for Price {
    type Error = InvalidAmount;

    fn try_from(dollars: &str) -> Result<Self, InvalidAmount> {
        dollars.parse()
    }
}

/// The list price in dollars, and the ratio.
impl TryFrom<(&str, &str)> for Price {
    type Error = InvalidAmount;

    fn try_from((dollars, ratio): (&str, &str)) -> Result<Self, InvalidAmount> {
        let list = amount::quota(dollars)?;
        let millionths = amount::scaled(ratio, RATIO_PLACES)?;
        let product = list.checked_mul(millionths);
        if product.is_some_and(|product| product % RATIO_ONE == 0) {
            Ok(Self::of_quota(list, Some(millionths)))
        } else {
            let reason = "times the list price is not a whole number of units of quota";
            Err(InvalidAmount::new(ratio, reason))
        }
    }
}

const RATIO: Option<u64> = Some(800_000);

/// The prices of the models of the document, by the first part of a name that fits. Only the first one is
/// documented; the others are plausible, and no claim about the service.
const DEFAULTS: &[(&str, Price)] = &[
    ("flux-2-flex", Price::of_quota(120_000, RATIO)),
    ("-max", Price::of_quota(40_000, RATIO)),
    ("-ultra", Price::of_quota(30_000, RATIO)),
    ("-pro", Price::of_quota(20_000, RATIO)),
    ("schnell", Price::of_quota(1_500, None)),
    ("sana", Price::of_quota(1_000, None)),
    ("-flash", Price::of_quota(5_000, None)),
    ("-turbo", Price::of_quota(20_000, None)),
    ("-dev", Price::of_quota(12_500, None)),
    ("ideogram", Price::of_quota(40_000, RATIO)),
    ("-svg", Price::of_quota(40_000, None)),
];

/// Of every other model of the document.
const OTHERS: Price = Price::of_quota(17_500, None);

fn default_of(model: &str) -> Price {
    let row = DEFAULTS.iter().find(|(part, _)| model.contains(part));
    row.map_or(OTHERS, |(_, price)| *price)
}

/// The prices that are not those of the default table.
#[derive(Debug, Clone, Default)]
pub(crate) struct PriceChanges {
    /// `None`: no price.
    prices: BTreeMap<String, Option<Price>>,
    unlisted: BTreeSet<String>,
}

impl PriceChanges {
    pub(crate) fn set(&mut self, model: String, price: Option<Price>) {
        self.prices.insert(model, price);
    }

    pub(crate) fn leave_out(&mut self, model: String) {
        self.unlisted.insert(model);
    }
}

/// The price of each model that has one.
#[derive(Debug)]
pub(crate) struct PriceTable {
    prices: BTreeMap<String, Price>,
    /// Those with a price that the list does not have.
    unlisted: BTreeSet<String>,
}

impl PriceTable {
    /// The default table of these models, with what was changed of it.
    pub(crate) fn new<'m>(models: impl Iterator<Item = &'m str>, changes: &PriceChanges) -> Self {
        let mut table = Self {
            prices: models
                .map(|model| (model.to_owned(), default_of(model)))
                .collect(),
            unlisted: changes.unlisted.clone(),
        };
        for (model, price) in &changes.prices {
            table.set(model.clone(), *price);
        }
        table
    }

    pub(crate) fn set(&mut self, model: String, price: Option<Price>) {
        match price {
            Some(price) => self.prices.insert(model, price),
            None => self.prices.remove(&model),
        };
    }

    pub(crate) fn get(&self, model: &str) -> Option<Price> {
        self.prices.get(model).copied()
    }

    /// The prices that the service shows, by the name of the model.
    pub(crate) fn listed(&self) -> Vec<(String, Price)> {
        let prices = self.prices.iter();
        prices
            .filter(|(model, _)| !self.unlisted.contains(*model))
            .map(|(model, price)| (model.clone(), *price))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::known_models;

    use super::*;

    #[test]
    fn a_ratio_that_would_round_is_refused() {
        assert_eq!(Price::try_from(("0.24", "0.8")).unwrap().quota(), 96_000);
        assert_eq!(Price::try_from(("0.24", "0")).unwrap().quota(), 0);
        assert_eq!(Price::try_from(("0.24", "1.5")).unwrap().quota(), 180_000);
        let error = Price::try_from(("0.000002", "0.8")).unwrap_err();
        assert!(error.to_string().contains("whole number"), "{error}");
        let error = Price::try_from(("999999999", "999999999")).unwrap_err();
        assert!(error.to_string().contains("whole number"), "{error}");
        assert!(Price::try_from(("0.24", "a fifth")).is_err());
    }

    #[test]
    fn every_default_is_charged_exactly() {
        let mut with_ratio = 0;
        let table = PriceTable::new(known_models(), &PriceChanges::default());
        for model in known_models() {
            let price = table.get(model).unwrap();
            let ratio = price.ratio().unwrap_or(RATIO_ONE);
            assert_eq!(price.list() * ratio % RATIO_ONE, 0, "{model}");
            assert_eq!(price.list() * ratio / RATIO_ONE, price.quota(), "{model}");
            assert!((1_000..=120_000).contains(&price.quota()), "{model}");
            with_ratio += usize::from(price.ratio().is_some());
        }
        assert_eq!(table.listed().len(), known_models().count());
        assert!(with_ratio > 0 && with_ratio < table.listed().len());
        let flex = table.get("black-forest-labs/flux-2-flex").unwrap();
        assert_eq!(flex, Price::try_from(("0.24", "0.8")).unwrap());
    }

    #[test]
    fn every_row_of_the_default_table_is_used() {
        for (at, (part, _)) in DEFAULTS.iter().enumerate() {
            let is_of_row = |model: &str| {
                let row = DEFAULTS.iter().position(|(part, _)| model.contains(part));
                row == Some(at)
            };
            assert!(known_models().any(is_of_row), "{part}");
        }
    }

    #[test]
    fn what_was_changed_replaces_the_default() {
        let mut changes = PriceChanges::default();
        changes.set("a/b".to_owned(), Some("0.5".parse().unwrap()));
        changes.set("a/gone".to_owned(), None);
        changes.leave_out("a/hidden".to_owned());
        let models = ["a/gone", "a/hidden", "a/kept"];
        let table = PriceTable::new(models.into_iter(), &changes);
        let names: Vec<_> = table.listed().into_iter().map(|(model, _)| model).collect();
        assert_eq!(names, ["a/b", "a/kept"]);
        assert_eq!(table.get("a/b").map(Price::quota), Some(250_000));
        assert_eq!(table.get("a/gone"), None);
        assert_eq!(table.get("a/hidden"), Some(OTHERS));
    }
}
