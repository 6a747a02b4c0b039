//! The `Retry-After` header: seconds or a date.

use std::time::{Duration, SystemTime};

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};

/// An earlier `Date` is that of a server whose clock was never set: this API is younger.
const EARLIEST_DATE: Duration = Duration::from_secs(1_700_000_000);

/// Returns how long the header asks to wait. A date that has passed asks for no wait; a value
/// that is neither seconds nor a date is ignored.
///
/// A date is compared with the response's own `Date`, since the local clock may be wrong by hours.
/// `now`, the local time, is used if the response has none.
pub(crate) fn from_headers(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?;
    if let Ok(seconds) = value.to_str().ok()?.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = date(value)?;
    let now = headers.get(DATE).and_then(sent_at).unwrap_or(now);
    Some(until.duration_since(now).unwrap_or_default())
}

/// Returns when a response with the `Date` of `value` was sent, by the service's clock.
pub(crate) fn sent_at(value: &HeaderValue) -> Option<SystemTime> {
    date(value).filter(|sent| *sent >= SystemTime::UNIX_EPOCH + EARLIEST_DATE)
}

/// Returns the pause before the next request: never shorter than the delay that was asked for,
/// and a little longer, so that the clients that got the same delay do not return together;
/// `own` if none was asked for.
pub(crate) fn pause(asked: Option<Duration>, own: Duration) -> Duration {
    asked.map_or(own, |asked| asked.saturating_add(own.mul_f64(0.1)))
}

fn date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-03-20 08:15:30 UTC
    const NOW: u64 = 1_773_994_530;

    fn time(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn headers(retry_after: &str, date: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        headers
    }

    fn delay(text: &str) -> Option<Duration> {
        from_headers(&headers(text, None), time(NOW))
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(delay("7"), Some(Duration::from_secs(7)));
        assert_eq!(delay(" 0 "), Some(Duration::ZERO));
        assert_eq!(delay("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(
            delay("Fri, 20 Mar 2026 08:15:40 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(delay("Fri, 20 Mar 2026 08:15:20 GMT"), Some(Duration::ZERO));
        for bad in ["soon", "-1", "inf", "NaN", "1e400", ""] {
            assert_eq!(delay(bad), None, "{bad}");
        }
        assert_eq!(
            from_headers(&HeaderMap::new(), SystemTime::UNIX_EPOCH),
            None
        );
    }

    #[test]
    fn a_date_is_compared_with_that_of_the_response() {
        const UNTIL: &str = "Fri, 20 Mar 2026 08:15:40 GMT";
        for (date, local, seconds) in [
            (Some("Fri, 20 Mar 2026 08:15:30 GMT"), NOW, 10),
            (Some("Fri, 20 Mar 2026 08:15:30 GMT"), NOW + 7 * 3600, 10),
            (Some("Fri, 20 Mar 2026 08:15:30 GMT"), NOW - 7 * 3600, 10),
            (Some("Fri, 20 Mar 2026 08:15:30 GMT"), 0, 10),
            (Some("Fri, 20 Mar 2026 08:15:50 GMT"), NOW - 3600, 0),
            (None, NOW, 10),
            (None, NOW - 3600, 3610),
            (Some("today"), NOW, 10),
            (Some("Thu, 01 Jan 1970 00:00:07 GMT"), NOW, 10),
        ] {
            assert_eq!(
                from_headers(&headers(UNTIL, date), time(local)),
                Some(Duration::from_secs(seconds)),
                "{date:?} {local}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_local_clock_does_not_matter_beside_a_date(
            local in 0..4_000_000_000u64, sent in NOW..NOW + 1_000_000_000, delay in 0..100_000u64,
        ) {
            let date = |seconds| HeaderValue::from_str(&httpdate::fmt_http_date(time(seconds)));
            let mut headers = HeaderMap::new();
            headers.insert(DATE, date(sent).unwrap());
            headers.insert(RETRY_AFTER, date(sent + delay).unwrap());
            prop_assert_eq!(from_headers(&headers, time(local)), Some(Duration::from_secs(delay)));
        }
    }
}
