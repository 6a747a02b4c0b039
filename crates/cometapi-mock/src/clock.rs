//! Time that a paused test clock can move, and how the wire spells it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Tokio's clock, anchored in the calendar once, when the server starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    wall: SystemTime,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// Time since the server's start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The calendar time of a moment given as time since the server's start.
    pub(crate) fn calendar(&self, since_start: Duration) -> SystemTime {
        self.wall + since_start
    }
}

/// RFC 3339 in UTC with milliseconds, as the service writes it (documented).
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let civil = Civil::of(time);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        civil.year,
        civil.month,
        civil.day,
        civil.hour,
        civil.minute,
        civil.second,
        civil.nanos / 1_000_000
    )
}

/// An HTTP date, for `Retry-After`.
pub(crate) fn http_date(time: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let civil = Civil::of(time);
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        DAYS[civil.weekday],
        civil.day,
        MONTHS[civil.month - 1],
        civil.year,
        civil.hour,
        civil.minute,
        civil.second
    )
}

/// Whole seconds since 1970; 0 before.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// The gateway's request ids start with the time in UTC+8, its nanoseconds not padded
/// (observed in its samples).
pub(crate) fn request_id_time(time: SystemTime) -> String {
    let civil = Civil::of(time + Duration::from_secs(8 * 3_600));
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{}",
        civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second, civil.nanos
    )
}

/// A moment in the proleptic Gregorian calendar, UTC.
struct Civil {
    year: u64,
    month: usize,
    day: u64,
    /// Days since a Thursday, modulo 7.
    weekday: usize,
    hour: u64,
    minute: u64,
    second: u64,
    nanos: u32,
}

impl Civil {
    /// Days to date by counting in 400-year cycles that start on 1 March.
    fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs();
        let days = seconds / 86_400;
        let shifted = days + 719_468;
        let cycle = shifted / 146_097;
        let day_of_cycle = shifted % 146_097;
        let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
            - day_of_cycle / 146_096)
            / 365;
        let day_of_year =
            day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        Self {
            year: cycle * 400 + year_of_cycle + u64::from(month <= 2),
            // Both are small by construction.
            month: usize::try_from(month).unwrap_or(1),
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            weekday: usize::try_from(days % 7).unwrap_or(0),
            hour: seconds / 3_600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            nanos: since.subsec_nanos(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, nanos: u32) -> SystemTime {
        UNIX_EPOCH + Duration::new(seconds, nanos)
    }

    #[test]
    fn spells_dates() {
        assert_eq!(rfc3339(at(0, 0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            rfc3339(at(1_773_314_838, 258_999_999)),
            "2026-03-12T11:27:18.258Z"
        );
        assert_eq!(rfc3339(at(951_782_400, 0)), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(at(4_107_542_399, 0)), "2100-02-28T23:59:59.000Z");
        assert_eq!(rfc3339(at(4_107_542_400, 0)), "2100-03-01T00:00:00.000Z");
        assert_eq!(rfc3339(at(1_735_689_599, 0)), "2024-12-31T23:59:59.000Z");
    }

    #[test]
    fn spells_http_dates() {
        assert_eq!(
            http_date(at(784_111_777, 0)),
            "Sun, 06 Nov 1994 08:49:37 GMT"
        );
        assert_eq!(http_date(at(0, 0)), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn request_ids_are_eight_hours_ahead_and_not_padded() {
        assert_eq!(request_id_time(at(1_773_314_838, 42)), "2026031219271842");
    }
}
