//! The exit codes. Scripts depend on them.

use cometapi::{Error, ErrorKind};

pub(crate) const OTHER: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const OUTCOME: u8 = 3;
pub(crate) const TIMEOUT: u8 = 4;
pub(crate) const KEY: u8 = 5;
pub(crate) const LIMIT: u8 = 6;
pub(crate) const DOUBT: u8 = 7;
pub(crate) const EXPIRED: u8 = 8;
/// 128 and the number of the signal, as shells have it: SIGINT, SIGTERM, SIGHUP.
pub(crate) const INTERRUPTED: u8 = 130;
pub(crate) const TERMINATED: u8 = 143;
pub(crate) const HUNG_UP: u8 = 129;

/// The code that says what `error` is.
pub(crate) fn code(error: &Error) -> u8 {
    of(error.kind())
}

/// The code of a kind.
pub(crate) fn of(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::NoKey
        | ErrorKind::Config
        | ErrorKind::InvalidModel
        | ErrorKind::InvalidInput
        | ErrorKind::InvalidId => USAGE,
        ErrorKind::Failed | ErrorKind::Canceled | ErrorKind::Aborted => OUTCOME,
        ErrorKind::WaitTimeout => TIMEOUT,
        ErrorKind::Unauthorized => KEY,
        ErrorKind::RateLimited | ErrorKind::OutOfQuota => LIMIT,
        ErrorKind::MaybeAccepted => DOUBT,
        ErrorKind::Expired => EXPIRED,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The README's table of a create names a kind and a code in each row.
    #[test]
    fn the_readme_shows_the_codes() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
        let readme = std::fs::read_to_string(readme).unwrap();
        for kind in [
            ErrorKind::InvalidInput,
            ErrorKind::NeverReached,
            ErrorKind::RateLimited,
            ErrorKind::MaybeAccepted,
            ErrorKind::WrongEndpoint,
            ErrorKind::Unauthorized,
            ErrorKind::Blocked,
            ErrorKind::OutOfQuota,
            ErrorKind::Refused,
        ] {
            let end = format!("`{kind:?}` | {} |", of(kind));
            let named = readme.matches(&format!("`{kind:?}` |")).count();
            assert!(named > 0, "the readme does not name {kind:?}");
            assert_eq!(readme.matches(&end).count(), named, "{end}");
        }
    }
}
