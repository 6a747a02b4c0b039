//! What the ledger promises of its own rows, whatever they hold, for the fuzz target in `fuzz/`
//! and the property test below. Only there under `cfg(fuzzing)` and in tests.

use std::path::PathBuf;

use crate::ledger::sqlite::damaged;

/// Every way to read a ledger whose columns hold any values ends without a panic: with what
/// could be read, or an error whose message says that a record is damaged.
pub fn ledger_rows(data: &[u8]) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
        return;
    };
    runtime.block_on(async {
        for read in damaged::read_all(data, PathBuf::from("/batch")).await {
            if let Err(e) = read {
                let message = e.to_string();
                let is_known = [
                    "record of the ledger",
                    "another worker",
                    "not registered",
                    "retired",
                ]
                .iter()
                .any(|known| message.contains(known));
                assert!(
                    is_known || !e.problems().is_empty() || message.contains("was begun at"),
                    "{e:?}"
                );
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn damaged_rows_are_read_without_a_panic(data in prop::collection::vec(any::<u8>(), 0..400)) {
            super::ledger_rows(&data);
        }
    }
}
