//! A row is identified by what it is, wherever it stands.

use proptest::prelude::*;

use super::row;
use crate::ledger::{Filter, Ledger, NewRow, Plan};

/// A row: its own id or none, and one of few prompts, so that some are equal.
fn any_row() -> impl Strategy<Value = (Option<u8>, u8)> {
    (prop::option::of(any::<u8>()), 0u8..4)
}

fn numbered(rows: &[(Option<u8>, u8)]) -> Vec<NewRow> {
    (1..)
        .zip(rows)
        .map(|(line, (id, prompt))| {
            // A row with an id always holds the same.
            let prompt = id.map_or_else(|| prompt.to_string(), |id| format!("of {id}"));
            let id = id.map(|id| id.to_string());
            row(line, id.as_deref(), &prompt)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn moving_inserting_and_deleting_lines_changes_nothing_for_the_others(
        before in prop::collection::vec(any_row(), 0..20),
        inserted in prop::collection::vec(any_row(), 0..8),
        deleted in 0usize..4,
        order in any::<prop::sample::Index>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let ledger = crate::SqliteLedger::in_memory().unwrap();
            let load = async |rows: &[_]| {
                let loader = ledger.loader();
                // A row with an id that another has is left out.
                loader.add(numbered(rows)).await.unwrap();
                let loaded = loader.load(Plan::new("batch", "/batch", "s")).await.unwrap();
                loaded.tally.total()
            };
            let first = load(&before).await;
            let seqs = |entries: Vec<crate::Entry>| -> Vec<_> {
                entries.into_iter().map(|e| (e.seq, e.hash, e.occurrence)).collect()
            };
            let filter = || Filter { limit: 1000, ..Filter::default() };
            let known = seqs(ledger.list(filter()).await.unwrap());

            let mut after: Vec<_> = before.iter().skip(deleted).copied().chain(inserted.clone()).collect();
            if !after.is_empty() {
                let at = order.index(after.len());
                after.rotate_left(at);
            }
            let second = load(&after).await;
            let now = seqs(ledger.list(filter()).await.unwrap());
            // Every row that was there is there as before, and at most what came in is new.
            assert!(known.iter().all(|row| now.contains(row)));
            assert!(now.len() - known.len() <= inserted.len());
            assert_eq!(known.len() as u64, first);
            assert!(second <= after.len() as u64);
        });
    }
}
