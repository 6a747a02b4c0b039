//! Amounts of money, exact.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many units of quota the service counts as one US dollar (read in the source of its own command
/// line).
const QUOTA_PER_DOLLAR: i64 = 500_000;

/// Decimal places of [`Usd::to_nanos`].
const NANOS: u32 = 9;

/// An amount of US dollars: an exact decimal, never a binary float.
///
/// ```
/// use cometapi_account::Usd;
///
/// let price: Usd = "0.24".parse()?;
/// assert_eq!(price.to_string(), "$0.24");
/// assert_eq!(price.times(3).map(|it| it.to_string()), Some("$0.72".to_owned()));
/// assert_eq!(Usd::from_quota(1_600), "0.0032".parse()?);
/// # Ok::<(), cometapi_account::InvalidAmount>(())
/// ```
///
/// It is serialized as a string, `"0.24"`: a JSON number would be read as a binary float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Usd(Decimal);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// This many dollars.
    pub const fn new(dollars: Decimal) -> Self {
        Self(dollars)
    }

    /// The dollars as a decimal.
    pub const fn dollars(self) -> Decimal {
        self.0
    }

    /// The amount that the service counts as `quota`: 500,000 units are one dollar.
    pub fn from_quota(quota: i64) -> Self {
        Self(Decimal::from(quota) / Decimal::from(QUOTA_PER_DOLLAR))
    }

    /// The same of a quota that came as any number.
    pub(crate) fn from_decimal_quota(quota: Decimal) -> Option<Self> {
        let dollars = quota.checked_div(Decimal::from(QUOTA_PER_DOLLAR));
        dollars.map(Self)
    }

    /// The amount of this many billionths of a dollar.
    pub fn from_nanos(nanos: i64) -> Self {
        Self(Decimal::new(nanos, NANOS))
    }

    /// The amount in billionths of a dollar, rounded away from zero, for a database that sums integers.
    /// `None` beyond nine billion dollars.
    pub fn to_nanos(self) -> Option<i64> {
        let nanos = self.0.checked_mul(Decimal::from(10_i64.pow(NANOS)))?;
        let nanos = nanos.round_dp_with_strategy(0, RoundingStrategy::AwayFromZero);
        i64::try_from(nanos).ok()
    }

    /// The same, rounded towards zero, for a limit.
    pub fn to_nanos_down(self) -> Option<i64> {
        let nanos = self.0.checked_mul(Decimal::from(10_i64.pow(NANOS)))?;
        i64::try_from(nanos.trunc()).ok()
    }

    /// The sum, unless it is too large to be exact.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, unless it is too large to be exact.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The amount for `count` of it, unless it is too large to be exact.
    pub fn times(self, count: u64) -> Option<Self> {
        self.0.checked_mul(Decimal::from(count)).map(Self)
    }

    /// Whether it is more than nothing.
    pub fn is_positive(self) -> bool {
        self.0 > Decimal::ZERO
    }

    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        self.0 < Decimal::ZERO
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let amount = self.0.abs().normalize();
        // People read $0.50, and $0.0032 in full.
        let places = amount.scale().max(2) as usize;
        f.pad(&format!("{sign}${amount:.places$}"))
    }
}

/// Reads a decimal such as `5`, `0.0032` or `$5`.
impl FromStr for Usd {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let text = text.trim();
        let text = text.strip_prefix('$').unwrap_or(text);
        decimal(text).map(Self).ok_or(InvalidAmount(()))
    }
}

/// Reads a decimal, also in scientific notation, if it can be kept exactly.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}

/// A sum that is too large to be exact is the largest amount there is.
impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |sum, it| Self(sum.0.saturating_add(it.0)))
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.normalize())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A string that is not an amount of dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidAmount(());

impl fmt::Display for InvalidAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not an amount of dollars; write it as 5 or 0.25")
    }
}

impl std::error::Error for InvalidAmount {}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn an_amount_is_read_and_shown_exactly() {
        for (text, shown, json) in [
            ("5", "$5.00", "5"),
            ("$0.24", "$0.24", "0.24"),
            ("0.0032", "$0.0032", "0.0032"),
            ("0.1900", "$0.19", "0.19"),
            ("1e-3", "$0.001", "0.001"),
            ("-2.5", "-$2.50", "-2.5"),
            (" 0 ", "$0.00", "0"),
        ] {
            assert_eq!(usd(text).to_string(), shown);
            let written = serde_json::to_string(&usd(text)).unwrap();
            assert_eq!(written, format!("\"{json}\""));
            assert_eq!(serde_json::from_str::<Usd>(&written).unwrap(), usd(text));
        }
        for bad in ["", "$", "five", "1,5", "NaN", "inf", "0x1", "1e99", "1e-99"] {
            assert!(bad.parse::<Usd>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ten_dimes_are_a_dollar() {
        assert_eq!((0..10).map(|_| usd("0.1")).sum::<Usd>(), usd("1"));
        assert_eq!(usd("0.24").times(300), Some(usd("72")));
    }

    #[test]
    fn nanos_and_quota_are_exact_or_rounded_up() {
        assert_eq!(usd("0.192").to_nanos(), Some(192_000_000));
        assert_eq!(usd("0.0000000001").to_nanos(), Some(1));
        assert_eq!(usd("10000000000").to_nanos(), None);
        for quota in [0, 1, 1_600, 96_000, 499_999] {
            let nanos = Usd::from_quota(quota).to_nanos().unwrap();
            assert_eq!(nanos, quota * 2_000);
            assert_eq!(Usd::from_nanos(nanos), Usd::from_quota(quota));
        }
    }
}
