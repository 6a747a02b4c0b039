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
    humantime::format_rfc3339_millis(time).to_string()
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
    let time = time + Duration::from_secs(8 * 3_600);
    let seconds = humantime::format_rfc3339_seconds(time).to_string();
    let digits = seconds.chars().filter(char::is_ascii_digit);
    let nanos = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    digits.collect::<String>() + &nanos.subsec_nanos().to_string()
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
    fn request_ids_are_eight_hours_ahead_and_not_padded() {
        assert_eq!(request_id_time(at(1_773_314_838, 42)), "2026031219271842");
    }
}
