//! The values of arguments, read from text.

use std::time::Duration;

use clap::builder::{OsStringValueParser, RangedI64ValueParser, TypedValueParser};
use cometapi::ModelRef;
use cometapi_batch::Usd;
use cometapi_mock::{InvalidAmount, Pace, Price};

use super::ledger::LedgerAddress;

/// `owner/name`, or the short name of a known model; for any other, the error names those that it may
/// be meant for.
pub(super) fn model(text: &str) -> Result<ModelRef, String> {
    text.parse().map_err(|e: cometapi::Error| e.to_string())
}

/// What names a prediction when its command is run again.
pub(super) fn key(text: &str) -> Result<String, String> {
    let is_name = !text.trim().is_empty() && !text.contains(char::is_control);
    if is_name && text.len() <= cometapi_batch::Once::MAX_KEY_LEN {
        return Ok(text.to_owned());
    }
    Err(format!(
        "a name has 1 to {} bytes and no control characters",
        cometapi_batch::Once::MAX_KEY_LEN
    ))
}

/// Where a ledger is.
pub(super) fn ledger() -> impl TypedValueParser<Value = LedgerAddress> {
    OsStringValueParser::new().try_map(LedgerAddress::read)
}

/// How many predictions run at once.
pub(super) fn jobs() -> RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..)
}

/// `90s`, `5m`, `1h 30m`, or a plain number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.trim().parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    let step = "write it as 90s, 5m or 1h30m";
    match parsed {
        Some(duration) if duration.is_zero() => Err(format!("it must be longer than zero; {step}")),
        Some(duration) => Ok(duration),
        None => Err(format!("it is not a duration; {step}")),
    }
}

/// How long a prediction of the mock runs: a quarter of it before it starts to process.
pub(super) fn pace(text: &str) -> Result<Pace, String> {
    if text.trim() == "instant" {
        return Ok(Pace::instant());
    }
    let whole = duration(text).map_err(|e| format!("{e}, or `instant`"))?;
    let starting = whole / 4;
    Ok(Pace::clock(starting, whole.saturating_sub(starting)))
}

/// An amount of US dollars: `5`, `0.25`, `$5`.
pub(super) fn dollars(text: &str) -> Result<Usd, String> {
    let amount: Usd = text.parse().map_err(|e| format!("it {e}"))?;
    if amount.is_negative() {
        return Err("it must not be negative; write it as 5 or 0.25".to_owned());
    }
    match amount.to_nanos() {
        Some(nanos) if Usd::from_nanos(nanos) == amount => Ok(amount),
        _ => Err("it has more than nine decimal places, or is too large".to_owned()),
    }
}

/// `MODEL=USD`: what a model costs on the mock, such as `flux-dev=0.03`.
pub(super) fn price(text: &str) -> Result<(String, Price), String> {
    let (name, dollars) = text
        .rsplit_once('=')
        .ok_or("expected MODEL=USD, such as flux-dev=0.03")?;
    let price = dollars.parse().map_err(|e: InvalidAmount| e.to_string())?;
    Ok((model(name)?.to_string(), price))
}

/// An amount of dollars that the mock can count.
pub(super) fn balance(text: &str) -> Result<String, String> {
    // What can be a price can be a balance.
    text.parse::<Price>()
        .map(|_| text.to_owned())
        .map_err(|e| e.to_string())
}

/// `256kB`, `1.5 MB`, or a plain number of bytes; in bytes. A kB has 1024 of them, as it has
/// where the limit is documented.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => Some(1.0),
        "k" | "kb" | "kib" => Some(1024.0),
        "m" | "mb" | "mib" => Some(1024.0 * 1024.0),
        _ => None,
    };
    let bytes = number.parse::<f64>().ok().zip(factor).map(|(n, by)| n * by);
    match bytes {
        Some(bytes) if (1.0..=f64::from(u32::MAX)).contains(&bytes) =>
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "in range; part of a byte is none"
            )]
            Ok(bytes as usize)
        }
        _ => Err("it is not a size; write it as 500kB or 1MB".to_owned()),
    }
}

/// The longer side of an image.
pub(super) fn pixels() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(64..=16_384)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_units_or_seconds() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            (" 2m ", 120),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "0", "0s", "-1", "soon", "1e400"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pace_is_a_duration_or_instant() {
        assert_eq!(pace("instant"), Ok(Pace::instant()));
        let quarter = Duration::from_millis(300);
        assert_eq!(pace("1200ms"), Ok(Pace::clock(quarter, quarter * 3)));
        assert_eq!(pace("1200ms"), Ok(Pace::default()));
        for bad in ["", "0", "soon"] {
            let error = pace(bad).unwrap_err();
            assert!(error.contains("instant"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_price_names_a_model_and_dollars() {
        let (name, read) = price("flux-dev=0.03").unwrap();
        assert_eq!(name, "black-forest-labs/flux-dev");
        assert_eq!(read.quota(), 15_000);
        assert_eq!(price("acme/portrait=1").unwrap().0, "acme/portrait");
        for (bad, says) in [
            ("flux-dev", "expected MODEL=USD"),
            ("flux-dev=", "write it as 5 or 0.24"),
            ("flux-dev=$1", "write it as 5 or 0.24"),
            ("flux-dev=0.0000001", "more than 6 decimal places"),
            ("watercolor=1", "write owner/name"),
        ] {
            let error = price(bad).unwrap_err();
            assert!(error.contains(says), "{bad}: {error}");
        }
        assert_eq!(balance("25.00"), Ok("25.00".to_owned()));
        assert!(balance("much").is_err());
    }

    #[test]
    fn sizes_are_read_in_units_or_bytes() {
        for (text, bytes) in [
            ("256kB", 256 * 1024),
            ("1MB", 1024 * 1024),
            ("1.5 mb", 1536 * 1024),
            (" 2M ", 2 * 1024 * 1024),
            ("1000", 1000),
            ("7b", 7),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "0", "kB", "-1", "1GB", "1e9", "much", "1.2.3", "9999MB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_default_size_is_the_documented_one() {
        assert_eq!(size("256kB"), Ok(cometapi::ImageInput::DOCUMENTED_LIMIT));
    }

    #[test]
    fn a_short_name_is_enough_and_others_get_the_whole_names() {
        let schnell = model("flux-schnell").unwrap().to_string();
        assert_eq!(schnell, "black-forest-labs/flux-schnell");
        assert_eq!(
            model("flux-schnel").unwrap_err(),
            "\"flux-schnel\" is not a known model: did you mean black-forest-labs/flux-schnell?"
        );
        let refused = model("watercolor").unwrap_err();
        assert!(refused.contains("write owner/name, such as"), "{refused}");
        assert!(model("acme/portrait").is_ok());
    }
}
