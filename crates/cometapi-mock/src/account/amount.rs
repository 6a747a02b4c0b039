//! Amounts of money as integers, and as the decimals that the wire has. No float takes part.

use std::fmt;

use serde_json::Value;

/// How many units of quota the service counts as one US dollar (observed in the vendor's client).
pub(crate) const QUOTA_PER_DOLLAR: u64 = 500_000;

/// Decimal places of a dollar amount: a unit of quota is 0.000002 dollars.
const DOLLAR_PLACES: u32 = 6;
const MICROS_PER_QUOTA: u64 = 1_000_000 / QUOTA_PER_DOLLAR;

/// Decimal places of an amount in cents.
const CENT_PLACES: u32 = DOLLAR_PLACES - 2;

/// Below which the whole part of a decimal must be. With six decimal places that is at most 15 digits, which
/// every JSON reader keeps, also one that reads numbers as binary floats.
const LIMIT: u64 = 1_000_000_000;

/// An amount or a ratio that the mock cannot count exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidAmount {
    text: String,
    reason: &'static str,
}

impl InvalidAmount {
    pub(crate) fn new(text: &str, reason: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            reason,
        }
    }
}

impl fmt::Display for InvalidAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.text, self.reason)
    }
}

impl std::error::Error for InvalidAmount {}

/// A price whose conversion cannot fail is a price.
impl From<std::convert::Infallible> for InvalidAmount {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// Reads a decimal such as `5`, `0.24` or `25.00` as a multiple of the smallest that has `places` decimal
/// places.
pub(crate) fn scaled(text: &str, places: u32) -> Result<u64, InvalidAmount> {
    let refuse = |reason| Err(InvalidAmount::new(text, reason));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return refuse("is not a decimal; write it as 5 or 0.24");
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > places as usize {
        return refuse("has more than 6 decimal places");
    }
    let Some(whole) = whole.parse().ok().filter(|whole: &u64| *whole < LIMIT) else {
        return refuse("is not below a billion");
    };
    // Digits alone, and at most as many as `places`, so this is a number.
    let fraction: u64 = format!("{fraction:0<width$}", width = places as usize)
        .parse()
        .unwrap_or(0);
    Ok(whole * 10_u64.pow(places) + fraction)
}

/// Reads an amount of dollars as units of quota.
pub(crate) fn quota(dollars: &str) -> Result<u64, InvalidAmount> {
    let micros = scaled(dollars, DOLLAR_PLACES)?;
    if micros % MICROS_PER_QUOTA == 0 {
        Ok(micros / MICROS_PER_QUOTA)
    } else {
        Err(InvalidAmount::new(
            dollars,
            "is not a multiple of 0.000002 dollars, which is a unit of quota",
        ))
    }
}

/// The number in JSON that is `value` units of the last of `places` decimal places.
pub(crate) fn number(value: u64, places: u32) -> Value {
    let unit = 10_u64.pow(places);
    let fraction = format!("{:0width$}", value % unit, width = places as usize);
    let fraction = fraction.trim_end_matches('0');
    let text = match fraction {
        "" => (value / unit).to_string(),
        _ => format!("{}.{fraction}", value / unit),
    };
    // A decimal is JSON.
    serde_json::from_str(&text).unwrap_or_default()
}

/// Units of quota as a number of dollars in JSON.
pub(crate) fn dollars(quota: u64) -> Value {
    number(quota.saturating_mul(MICROS_PER_QUOTA), DOLLAR_PLACES)
}

/// Units of quota as a number of cents in JSON.
pub(crate) fn cents(quota: u64) -> Value {
    number(quota.saturating_mul(MICROS_PER_QUOTA), CENT_PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_as_whole_units_of_quota() {
        for (text, units) in [
            ("0", 0),
            ("1", 500_000),
            ("25.00", 12_500_000),
            ("0.192", 96_000),
            ("0.000002", 1),
            ("0.0000020000", 1),
            ("999999999.999998", 499_999_999_999_999),
        ] {
            assert_eq!(quota(text), Ok(units), "{text}");
        }
        for (bad, reason) in [
            ("", "is not a decimal"),
            (".5", "is not a decimal"),
            ("5.", "is not a decimal"),
            ("-1", "is not a decimal"),
            ("+1", "is not a decimal"),
            ("1e3", "is not a decimal"),
            ("1,5", "is not a decimal"),
            ("NaN", "is not a decimal"),
            ("0.0000001", "more than 6 decimal places"),
            ("0.000001", "not a multiple of 0.000002"),
            ("1000000000", "below a billion"),
            ("99999999999999999999999", "below a billion"),
        ] {
            let error = quota(bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{bad}: {error}");
        }
    }

    #[test]
    fn a_reader_of_floats_gets_every_amount_exactly() {
        for text in ["0.24", "0.192", "0.1", "25", "999999999.999998", "0.3"] {
            let units = quota(text).unwrap();
            assert_eq!(dollars(units).to_string(), text);
        }
        assert_eq!(cents(96_000).to_string(), "19.2");
        assert_eq!(cents(1).to_string(), "0.0002");
        assert_eq!(cents(0).to_string(), "0");
    }
}
