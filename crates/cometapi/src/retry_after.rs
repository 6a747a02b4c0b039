//! The `Retry-After` header: seconds or a date.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// How long the header asks to wait, as seen at `now`. A date that has passed is no wait; a
/// value that is neither form is no answer.
pub(crate) fn told(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        // 2026-03-20 08:15:30 UTC
        told(
            &headers,
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_773_994_530),
        )
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(at("7"), Some(Duration::from_secs(7)));
        assert_eq!(at(" 0 "), Some(Duration::ZERO));
        assert_eq!(at("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(
            at("Fri, 20 Mar 2026 08:15:40 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(at("Fri, 20 Mar 2026 08:15:20 GMT"), Some(Duration::ZERO));
        for bad in ["soon", "-1", "inf", "NaN", "1e400", ""] {
            assert_eq!(at(bad), None, "{bad}");
        }
        assert_eq!(told(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
    }
}
