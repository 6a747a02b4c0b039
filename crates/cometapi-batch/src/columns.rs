//! Values as a [`Ledger`](crate::Ledger) in a database writes them into its columns.
//!
//! Times are milliseconds since 1970, money is billionths of a US dollar, and a path is text. Every
//! ledger of this workspace uses these, so that the same prediction is the same in each of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cometapi_account::Usd;

/// A day in milliseconds.
const DAY: i64 = 24 * 3600 * 1000;

/// Whether a prediction that was created then is [recent](crate::RecordedRow::is_recent).
pub fn is_recent(created_at: i64) -> bool {
    created_at > now() - DAY
}

/// Now, as a ledger writes it.
pub fn now() -> i64 {
    millis(SystemTime::now())
}

/// A time as a ledger writes it: 0 if it is before 1970.
pub fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The time that a ledger has written.
pub fn time(millis: i64) -> SystemTime {
    let since = Duration::from_millis(natural(millis));
    // A damaged ledger may hold a time that the system cannot represent.
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

/// A path as a ledger writes it.
pub fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The path of a file whose batch, if it is of one, has this folder.
pub fn file_path(folder: Option<&Path>, path: &str) -> PathBuf {
    folder.map_or_else(|| path.into(), |folder| folder.join(path))
}

/// Money as a ledger writes it: billionths of a dollar, rounded up where it is finer.
pub fn nanos(amount: Usd) -> i64 {
    /// A million dollars. No prediction costs that, and a sum of such amounts fits 64 bits.
    const MOST: i64 = 1_000_000_000_000_000;

    amount.to_nanos().map_or(MOST, |nanos| nanos.clamp(0, MOST))
}

/// A count or a position as a database has it.
pub fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count or a position that a ledger has written: 0 if it is negative.
pub fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let at = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        assert_eq!(time(millis(at)), at);
        assert_eq!(time(-1), UNIX_EPOCH);
        assert_eq!(natural(integer(7)), 7);
        assert_eq!((integer(u64::MAX), natural(-1)), (i64::MAX, 0));
        assert_eq!(
            Usd::from_nanos(nanos(Usd::from_nanos(3))),
            Usd::from_nanos(3)
        );
    }

    #[test]
    fn a_day_is_recent() {
        assert!(is_recent(now() - DAY / 2));
        assert!(!is_recent(now() - 2 * DAY));
    }
}
