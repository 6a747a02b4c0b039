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
    use std::collections::BTreeSet;

    use cometapi::Creation;
    use cometapi_batch::{
        Error as LedgerError, ErrorKind as LedgerErrorKind, Filter, Intent, Ledger, OnceError,
        SqliteLedger,
    };

    use super::*;
    use crate::advice::next_step;
    use crate::failure::Failure;

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
                next_step(*kind).unwrap_or("-".into())
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

    /// The table for queues and workflow engines in the documentation of `cometapi-batch`: the codes
    /// and the errors of each row, as they are written there.
    fn rows_for_engines() -> Vec<(Vec<u8>, Vec<String>)> {
        let document = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../cometapi-batch/docs/engines.md"
        );
        let document = std::fs::read_to_string(document).unwrap();
        let rows = document.lines().filter_map(|line| {
            let (codes, rest) = line.strip_prefix("| ")?.split_once(" | ")?;
            let codes: Vec<u8> = codes
                .split(", ")
                .map(str::parse)
                .collect::<Result<_, _>>()
                .ok()?;
            let (errors, _) = rest.split_once('|')?;
            let words = errors.split('`').skip(1).step_by(2);
            Some((codes, words.map(str::to_owned).collect()))
        });
        rows.collect()
    }

    /// A recorded prediction, as some errors carry it.
    async fn entry() -> Box<cometapi_batch::Entry> {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(folder.path().join("ledger.sqlite3")).unwrap();
        let worker = ledger
            .register("https://api.cometapi.com".to_owned())
            .await
            .unwrap();
        let input = serde_json::Map::new();
        let intent = Intent::new(&"owner/name".parse().unwrap(), &input);
        ledger.begin(worker, intent).await.unwrap();
        let mut filter = Filter::default();
        filter.limit = 1;
        Box::new(ledger.list(filter).await.unwrap().remove(0))
    }

    #[tokio::test]
    async fn the_table_for_engines_shows_the_codes() {
        let rows = rows_for_engines();
        let code = |word: &str| {
            let of_word = rows
                .iter()
                .filter(|(_, words)| words.iter().any(|it| it == word));
            let codes: Vec<_> = of_word.map(|(codes, _)| codes.as_slice()).collect();
            let [[code]] = codes[..] else {
                panic!("`{word}` must be in one row of the table in engines.md, of one code");
            };
            *code
        };
        for kind in ErrorKind::ALL {
            assert_eq!(code(kind.as_str()), of(*kind), "{kind}");
        }
        let kinds = [
            LedgerErrorKind::Ledger,
            LedgerErrorKind::OlderLedger,
            LedgerErrorKind::NewerLedger,
            LedgerErrorKind::NotALedger,
            LedgerErrorKind::Untrusted,
            LedgerErrorKind::Incomplete,
            LedgerErrorKind::Replaced,
            LedgerErrorKind::Full,
            LedgerErrorKind::Busy,
            LedgerErrorKind::TakenId,
            LedgerErrorKind::InvalidKey,
            LedgerErrorKind::KeyReused,
            LedgerErrorKind::MaxCost,
            LedgerErrorKind::Lost,
            LedgerErrorKind::NoRuntime,
        ];
        let mut others = vec![
            (
                "Unresolved".to_owned(),
                OnceError::Unresolved(entry().await),
            ),
            ("Elsewhere".to_owned(), OnceError::Elsewhere(entry().await)),
        ];
        others.extend(kinds.map(|kind| {
            let error = LedgerError::new(kind, "a test");
            (format!("Ledger({kind:?})"), OnceError::Ledger(error))
        }));
        let words = rows.iter().map(|(_, words)| words.len()).sum::<usize>();
        assert_eq!(
            words,
            ErrorKind::ALL.len() + others.len(),
            "the table has a word too many"
        );
        for (word, error) in others {
            assert_eq!(code(&word), Failure::from(error).code(), "{word}");
        }

        let shown: BTreeSet<u8> = rows.into_iter().flat_map(|(codes, _)| codes).collect();
        let all = [
            0,
            OTHER,
            USAGE,
            OUTCOME,
            TIMEOUT,
            KEY,
            LIMIT,
            DOUBT,
            EXPIRED,
            INTERRUPTED,
            TERMINATED,
            HUNG_UP,
        ];
        assert_eq!(shown, BTreeSet::from(all));
    }
}
