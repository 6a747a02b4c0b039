//! The values of arguments, read from text.

use std::time::Duration;

/// `90s`, `5m`, `1h 30m`, or a plain number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.trim().parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string()),
        Err(_) => humantime::parse_duration(text).map_err(|e| e.to_string()),
    };
    match parsed {
        Ok(duration) if duration.is_zero() => Err("must be longer than nothing".to_owned()),
        result => result.map_err(|e| format!("{e}; write it as 90s, 5m or 1h30m")),
    }
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
}
