//! What is left to spend.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::generated::types;
use crate::json;
use crate::money::Usd;

/// A limit of this many dollars or more is none (read in the source of the service's own command
/// line).
const UNLIMITED: i64 = 100_000_000;

/// What is left to spend: of the account, or of the limit of one API key.
///
/// The two are different amounts. An account has one balance, which all of its keys spend; a key may
/// have a limit of its own, or none, whatever the account has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Balance {
    /// Of the account, read with its access token.
    Account(AccountBalance),
    /// Of an API key, read with that key.
    Key(KeyBalance),
}

impl Balance {
    /// What is left, in US dollars; `None` for a key without a limit, which spends what the account
    /// has.
    pub fn left(&self) -> Option<Usd> {
        match self {
            Self::Account(account) => Some(account.left),
            Self::Key(key) => key.left(),
        }
    }

    /// What was spent until now, in US dollars, if the service says so.
    pub fn used(&self) -> Option<Usd> {
        match self {
            Self::Account(account) => account.used,
            Self::Key(key) => Some(key.used),
        }
    }
}

/// The balance of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountBalance {
    /// What is left, in US dollars. Less than nothing if the account owes it.
    pub left: Usd,
    /// What was spent until now, in US dollars, if the service says so.
    pub used: Option<Usd>,
}

impl AccountBalance {
    /// Reads `data` of `GET /api/user/self`; `None` without a quota.
    pub(crate) fn read(data: &Value) -> Option<Self> {
        let user = json::unwrapped(data).into_owned();
        let user: types::User = serde_json::from_value(user).ok()?;
        let usd = |quota| json::decimal(quota).and_then(Usd::from_decimal_quota);
        Some(Self {
            left: usd(user.quota.as_ref())?,
            used: usd(user.used_quota.as_ref()),
        })
    }
}

/// The balance of an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyBalance {
    /// What the key may spend in all, in US dollars; `None` without a limit.
    pub limit: Option<Usd>,
    /// What it has spent until now, in US dollars.
    pub used: Usd,
}

impl KeyBalance {
    /// What is left of the limit, in US dollars; `None` without a limit.
    pub fn left(&self) -> Option<Usd> {
        self.limit?.minus(self.used)
    }

    /// Reads the limit of `GET /v1/dashboard/billing/subscription`; `None` without one, and
    /// `Some(None)` for one that means no limit.
    #[allow(clippy::option_option)]
    pub(crate) fn limit(subscription: &types::Subscription) -> Option<Option<Usd>> {
        let limit = json::decimal(subscription.hard_limit_usd.as_ref())?;
        Some((limit < Decimal::from(UNLIMITED)).then(|| Usd::new(limit)))
    }

    /// Reads the cents of `GET /v1/dashboard/billing/usage`.
    pub(crate) fn used(usage: &types::Usage) -> Option<Usd> {
        let cents = json::decimal(usage.total_usage.as_ref())?;
        cents.checked_div(Decimal::ONE_HUNDRED).map(Usd::new)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    fn key(limit: Value, usage: Value) -> Option<KeyBalance> {
        let subscription = serde_json::from_value(json!({"hard_limit_usd": limit, "object": "x"}));
        let usage = serde_json::from_value(json!({"total_usage": usage}));
        Some(KeyBalance {
            limit: KeyBalance::limit(&subscription.unwrap())?,
            used: KeyBalance::used(&usage.unwrap())?,
        })
    }

    #[test]
    fn a_key_has_its_limit_less_the_cents_that_it_spent() {
        for (limit, usage, left) in [
            (json!(25), json!(314.32), Some("21.8568")),
            (json!("25.00"), json!("314.32"), Some("21.8568")),
            (json!(1), json!(150), Some("-0.5")),
            (json!(99_999_999.99), json!(0), Some("99999999.99")),
            (json!(100_000_000), json!(5), None),
            (json!("100000000"), json!(5), None),
            (json!(1e9), json!(5), None),
        ] {
            let balance = key(limit.clone(), usage).unwrap();
            assert_eq!(balance.left(), left.map(usd), "{limit}");
        }
        for (limit, usage) in [
            (json!(null), json!(1)),
            (json!(1), json!(null)),
            (json!("none"), json!(1)),
            (json!(1), json!({})),
        ] {
            assert_eq!(key(limit, usage), None);
        }
    }

    #[test]
    fn an_account_has_its_quota() {
        let read = |data: Value| AccountBalance::read(&data);
        let balance = read(json!({"quota": 6_250_000, "used_quota": "1571600", "id": 7})).unwrap();
        assert_eq!(balance.left, usd("12.5"));
        assert_eq!(balance.used, Some(usd("3.1432")));
        let in_text = read(json!("{\"quota\": -1600}")).unwrap();
        assert_eq!((in_text.left, in_text.used), (usd("-0.0032"), None));
        for data in [json!(null), json!([]), json!("x"), json!({"quota": null})] {
            assert_eq!(read(data), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_left_and_what_was_spent_are_the_limit(limit in 0_i64..99_999_999, cents in 0_i64..1_000_000_000) {
            let balance = key(json!(limit), json!(cents)).unwrap();
            let sum = balance.left().unwrap().plus(balance.used);
            prop_assert_eq!(sum, balance.limit);
        }
    }
}
