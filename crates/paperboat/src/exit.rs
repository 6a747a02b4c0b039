//! The exit codes. Scripts depend on them.

use cometapi::ErrorKind;

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

/// The code of an error kind. A kind that is not named here has the general one; a test lists all.
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
    use cometapi::Creation;

    use super::*;
    use crate::advice::next_step;

    /// Everything known of each kind, so that a new one shows up here: its word, whether a
    /// prediction was created, its severity, its exit code, and the advice on it.
    #[test]
    fn every_kind_has_a_code_and_advice() {
        let rows = ErrorKind::ALL.iter().map(|kind| {
            format!(
                "{kind} | {:?} | {} | {} | {}",
                kind.creation(),
                kind.severity(),
                of(*kind),
                next_step(*kind).unwrap_or("-")
            )
        });
        insta::assert_snapshot!(rows.collect::<Vec<_>>().join("\n"));
    }

    /// The table in the documentation of `cometapi::Create` names a kind and a code in each row:
    /// every kind that a create request ends in, and no other.
    #[test]
    fn the_documentation_of_create_shows_the_codes() {
        let docs = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../cometapi/src/calls/create.rs"
        );
        let docs = std::fs::read_to_string(docs).unwrap();
        for kind in ErrorKind::ALL {
            let link = format!("(ErrorKind::{kind:?}) |");
            let end = format!("{link} {} |", of(*kind));
            let named = docs.matches(&link).count();
            let is_of_create_requests =
                kind.creation() == Creation::NotCreated || *kind == ErrorKind::MaybeAccepted;
            // Those that are found before a request is made share a row.
            let is_usage = of(*kind) == USAGE && *kind != ErrorKind::InvalidInput;
            assert_eq!(
                named > 0,
                is_of_create_requests && !is_usage,
                "the table of Create must have a row that ends in `{end}` exactly if a create \
                 request can end in {kind:?}"
            );
            assert_eq!(
                docs.matches(&end).count(),
                named,
                "each row of {kind:?} in the table of Create must end in `{end}`"
            );
        }
    }
}
