//! What one request of a model costs, or why that is unknown.

use std::fmt;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::generated::types;
use crate::json;
use crate::money::Usd;

/// The currency that amounts are in.
const CURRENCY: &str = "USD";

/// The most that is kept of a currency's name, in characters.
const NAME: usize = 12;

/// The price of one request: of one prediction, on the route for Replicate's models.
///
/// Whether the service charges the list price or the discounted one is documented for some models
/// only, so both are here: [`highest`](Self::highest) is the one to plan with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Price {
    /// The id of the model in the list.
    pub id: String,
    /// The list price, in US dollars.
    pub list: Usd,
    /// By which the list price is multiplied, such as 0.8, if the list has one.
    pub ratio: Option<Decimal>,
    /// The list price times the ratio, in US dollars: the price that the service shows (documented).
    pub discounted: Usd,
}

impl Price {
    /// The price of the model `id` with this list price and ratio. `None` if it is too large to be
    /// exact.
    ///
    /// ```
    /// use cometapi_account::{Decimal, Price};
    ///
    /// let price = Price::new("flux-2-flex", "0.24".parse()?, Some(Decimal::new(8, 1)));
    /// assert_eq!(price.map(|it| it.discounted.to_string()), Some("$0.192".to_owned()));
    /// # Ok::<(), cometapi_account::InvalidAmount>(())
    /// ```
    pub fn new(id: impl Into<String>, list: Usd, ratio: Option<Decimal>) -> Option<Self> {
        let discounted = match ratio {
            Some(ratio) => Usd::new(list.dollars().checked_mul(ratio)?),
            None => list,
        };
        Some(Self {
            id: id.into(),
            list,
            ratio,
            discounted,
        })
    }

    /// The larger of the two prices, in US dollars.
    pub fn highest(&self) -> Usd {
        self.list.max(self.discounted)
    }

    /// Reads the price of a row of the list. `id` is the row's.
    pub(crate) fn read(id: &str, row: &types::ListedModel) -> Result<Self, UnknownPrice> {
        let pricing = row.pricing.as_ref().ok_or(UnknownPrice::Unreadable)?;
        let pricing = json::unwrapped(pricing).into_owned();
        let pricing: types::Pricing =
            serde_json::from_value(pricing).map_err(|_| UnknownPrice::Unreadable)?;
        let currency = json::text(pricing.currency.as_ref());
        if !currency
            .as_deref()
            .is_some_and(|it| it.eq_ignore_ascii_case(CURRENCY))
        {
            let named = currency.map(|it| it.chars().filter(|c| !c.is_control()).collect());
            let named = named.map(|it: String| it.chars().take(NAME).collect());
            return Err(UnknownPrice::Currency(named));
        }
        let others = [&pricing.input, &pricing.output, &pricing.per_second];
        let has_others = others.into_iter().any(|it| amount(it.as_ref()).is_some());
        let list = match (&pricing.per_request, has_others) {
            // Services of this kind write 0 for what is not charged.
            (None, true) => return Err(UnknownPrice::NotPerRequest),
            (Some(value), true) if is_zero(value) => return Err(UnknownPrice::NotPerRequest),
            // What is charged beside the request is not in its price.
            (Some(value), true) if amount(Some(value)).is_some() => {
                return Err(UnknownPrice::Ambiguous);
            }
            (value, _) => amount(value.as_ref()).ok_or(UnknownPrice::Unreadable)?,
        };
        let ratio = match &row.ratio {
            None => None,
            Some(ratio) => Some(amount(Some(ratio)).ok_or(UnknownPrice::Unreadable)?),
        };
        Self::new(id, Usd::new(list), ratio).ok_or(UnknownPrice::Unreadable)
    }
}

/// An amount that something can cost, or a ratio of one. A price of nothing is more likely one that
/// is not set.
fn amount(value: Option<&Value>) -> Option<Decimal> {
    json::decimal(value).filter(|it| *it > Decimal::ZERO)
}

fn is_zero(value: &Value) -> bool {
    json::decimal(Some(value)).is_some_and(|it| it.is_zero())
}

/// Why the price of a model is unknown. It is never guessed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownPrice {
    /// The model is not in the list.
    NotListed,
    /// Several models have the name and differ in their price, or one has several prices.
    Ambiguous,
    /// The price is in another currency than US dollars, or in none that is named.
    Currency(Option<String>),
    /// The model is priced per token or per second, not per request.
    NotPerRequest,
    /// The list has no price for the model, or one that cannot be read.
    Unreadable,
}

impl fmt::Display for UnknownPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("price unknown: ")?;
        match self {
            Self::NotListed => f.write_str("the model is not in the service's list"),
            Self::Ambiguous => f.write_str("the service's list has several prices for it"),
            Self::Currency(Some(currency)) => write!(f, "it is in {currency}, not in US dollars"),
            Self::Currency(None) => f.write_str("the service's list names no currency"),
            Self::NotPerRequest => f.write_str("it is per token or per second, not per request"),
            Self::Unreadable => f.write_str("the service's list has none that can be read"),
        }
    }
}

impl std::error::Error for UnknownPrice {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(row: Value) -> Result<Price, UnknownPrice> {
        Price::read("m", &serde_json::from_value(row).unwrap())
    }

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn a_price_per_request_is_read_before_and_after_the_ratio() {
        for pricing in [
            json!({"currency": "USD", "per_request": 0.24, "input": null}),
            json!({"currency": "usd", "per_request": "0.24", "input": 0, "per_second": "0"}),
            json!("{\"currency\":\"USD\",\"per_request\":0.24}"),
            json!({"currency": "USD", "per_request": "2.4e-1", "output": "n/a", "new": [1]}),
        ] {
            for ratio in [json!(0.8), json!("0.8"), json!("0.80")] {
                let price = read(json!({"pricing": pricing, "ratio": ratio})).unwrap();
                assert_eq!(price.list, usd("0.24"));
                assert_eq!(price.discounted, usd("0.192"));
                assert_eq!(price.highest(), usd("0.24"));
            }
            for ratio in [
                json!({"pricing": pricing}),
                json!({"pricing": pricing, "ratio": null}),
            ] {
                let price = read(ratio).unwrap();
                assert_eq!((price.list, price.ratio), (price.discounted, None));
            }
        }
        let dearer = json!({"currency": "USD", "per_request": 0.1});
        let dearer = read(json!({"pricing": dearer, "ratio": 1.5})).unwrap();
        assert_eq!(dearer.highest(), usd("0.15"));
    }

    #[test]
    fn what_is_not_certain_is_unknown() {
        let usd = |fields: Value| {
            let mut pricing = json!({"currency": "USD"});
            let pricing_fields = pricing.as_object_mut().unwrap();
            pricing_fields.extend(fields.as_object().unwrap().clone());
            json!({"pricing": pricing})
        };
        let in_currency =
            |currency: Value| json!({"pricing": {"currency": currency, "per_request": 1}});
        for (row, why) in [
            (json!({}), UnknownPrice::Unreadable),
            (json!({"pricing": null}), UnknownPrice::Unreadable),
            (json!({"pricing": "on request"}), UnknownPrice::Unreadable),
            (json!({"pricing": [0.24]}), UnknownPrice::Unreadable),
            (json!({"pricing": {}}), UnknownPrice::Currency(None)),
            (in_currency(json!(null)), UnknownPrice::Currency(None)),
            (
                in_currency(json!("CNY")),
                UnknownPrice::Currency(Some("CNY".into())),
            ),
            (
                in_currency(json!("a\u{1b}[31m coin of the realm")),
                UnknownPrice::Currency(Some("a[31m coin o".into())),
            ),
            (usd(json!({})), UnknownPrice::Unreadable),
            (usd(json!({"per_request": null})), UnknownPrice::Unreadable),
            (usd(json!({"per_request": 0})), UnknownPrice::Unreadable),
            (usd(json!({"per_request": -1})), UnknownPrice::Unreadable),
            (
                usd(json!({"per_request": "free"})),
                UnknownPrice::Unreadable,
            ),
            (
                usd(json!({"per_request": {"usd": 1}})),
                UnknownPrice::Unreadable,
            ),
            (
                usd(json!({"per_request": "free", "input": 1})),
                UnknownPrice::Unreadable,
            ),
            (
                usd(json!({"input": 1.25, "output": "10"})),
                UnknownPrice::NotPerRequest,
            ),
            (
                usd(json!({"per_second": 0.05})),
                UnknownPrice::NotPerRequest,
            ),
            (
                usd(json!({"per_request": 0, "per_second": 0.05})),
                UnknownPrice::NotPerRequest,
            ),
            (
                usd(json!({"per_request": 0.1, "per_second": 0.05})),
                UnknownPrice::Ambiguous,
            ),
        ] {
            assert_eq!(read(row.clone()), Err(why), "{row}");
        }
        for ratio in [json!("x"), json!(0), json!(-0.8), json!({}), json!(true)] {
            let row = json!({"pricing": {"currency": "USD", "per_request": 1}, "ratio": ratio});
            assert_eq!(read(row), Err(UnknownPrice::Unreadable));
        }
    }

    proptest! {
        /// In cents and tenths of a per cent, by whole numbers.
        #[test]
        fn the_discounted_price_is_exact(cents in 1_i64..1_000_000, thousandths in 1_i64..3000) {
            let (list, ratio) = (Decimal::new(cents, 2), Decimal::new(thousandths, 3));
            let number = |it: Decimal| serde_json::from_str::<Value>(&it.to_string()).unwrap();
            let pricing = json!({"currency": "USD", "per_request": number(list)});
            let price = read(json!({"pricing": pricing, "ratio": number(ratio)})).unwrap();
            prop_assert_eq!(price.discounted, Usd::new(Decimal::new(cents * thousandths, 5)));
            prop_assert!(price.highest() >= price.list && price.highest() >= price.discounted);
        }
    }
}
