//! Times as the service writes them: RFC 3339.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the time that `text` names; `None` if it is not a time from 1970 on: `2026-03-20T08:15:30.412Z`, with
/// any number of fractional digits, `Z` or an offset.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let number = |range: std::ops::Range<usize>| digits(text.get(range)?);
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let bytes = text.as_bytes();
    if separators
        .iter()
        .any(|(at, byte)| bytes.get(*at) != Some(byte))
        || !matches!(bytes.get(10)?, b'T' | b't' | b' ')
    {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let (nanos, zone) = fraction(text.get(19..)?)?;
    let days = days(year, month, day);
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - offset(zone)?;
    let since = Duration::new(u64::try_from(seconds).ok()?, nanos);
    UNIX_EPOCH.checked_add(since)
}

fn digits(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// The nanoseconds of a fraction, and what follows it. Digits beyond the ninth are dropped.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(rest) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (fraction, zone) = rest.split_at(end);
    let nanos = digits(&format!("{fraction:0<9.9}")).filter(|_| end > 0)?;
    Some((u32::try_from(nanos).ok()?, zone))
}

/// The seconds by which a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    Some(sign * (digits(hours)? * 60 + digits(minutes)?) * 60)
}

/// The days from 1970 to a date of the Gregorian calendar (Howard Hinnant, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Option<Duration> {
        parse(text).map(|time| time.duration_since(UNIX_EPOCH).unwrap())
    }

    #[test]
    fn a_time_is_read_with_its_fraction_and_zone() {
        let time = Duration::from_secs(1_773_994_530);
        for (text, millis) in [
            ("2026-03-20T08:15:30Z", 0),
            ("2026-03-20T08:15:30.4Z", 400),
            ("2026-03-20T08:15:30.412Z", 412),
            ("2026-03-20T08:15:30.412000000999Z", 412),
            ("2026-03-20T10:15:30.412+02:00", 412),
            ("2026-03-20 02:45:30-05:30", 0),
        ] {
            assert_eq!(
                at(text),
                Some(time + Duration::from_millis(millis)),
                "{text}"
            );
        }
        assert_eq!(
            at("2026-03-12T11:27:18.948938475Z").unwrap().subsec_nanos(),
            948_938_475
        );
        assert_eq!(at("1970-01-01T00:00:00Z"), Some(Duration::ZERO));
        assert_eq!(
            at("2000-02-29T00:00:00Z"),
            Some(Duration::from_secs(951_782_400))
        );
    }

    #[test]
    fn what_is_not_a_time_is_none() {
        for text in [
            "",
            "soon",
            "2026-03-20",
            "2026-03-20T08:15:30",
            "2026-03-20T08:15:30.Z",
            "2026-13-20T08:15:30Z",
            "2026-03-20T24:15:30Z",
            "1969-12-31T23:59:59Z",
            "2026-03-20T08:15:30+2",
            "+026-03-20T08:15:30Z",
            "2026-03-20T08:15:3\u{e9}Z",
            "2026-03-20T08:15:30.é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[0-9TZ:.+ \\-é]{0,40}") {
            let _ = parse(&text);
        }

        /// The other reader of dates in the tree has the same calendar.
        #[test]
        fn every_second_is_the_one_that_http_dates_name(seconds in 0u64..253_402_300_800) {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            let http = httpdate::fmt_http_date(time);
            let month = 1 + "JanFebMarAprMayJunJulAugSepOctNovDec".find(&http[8..11]).unwrap() / 3;
            let text = format!("{}-{month:02}-{}T{}Z", &http[12..16], &http[5..7], &http[17..25]);
            prop_assert_eq!(parse(&text), Some(time));
        }
    }
}
