//! The ids of recorded predictions.

use cometapi_batch::{Filter, State};

use super::Candidate;
use crate::args::LedgerAddress;
use crate::ledger;

/// How many are offered: a longer list is no help at a prompt.
const MOST: u32 = 30;

/// The newest ids, of predictions that run or of all, in the ledger that the words name, else in the
/// user's own. What is wrong with a ledger is not said while a word is typed.
pub(super) fn ids(before: &[String], running_only: bool) -> Vec<Candidate> {
    read(before, running_only).unwrap_or_default()
}

fn read(before: &[String], running_only: bool) -> Option<Vec<Candidate>> {
    let address = ledger::address(named(before).as_ref()).ok()?;
    // A database may be far away, and a person waits at each TAB.
    if matches!(address, LedgerAddress::Postgres(_)) {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
    let ledger = runtime.block_on(ledger::existing(Some(&address))).ok()?;
    let mut filter = Filter::default();
    filter.limit = MOST;
    if running_only {
        filter.states.push(State::Running);
    }
    let listed = runtime.block_on(ledger.list(filter));
    drop(ledger);
    ledger::close();
    let entries = listed.ok()?;
    let candidates = entries.into_iter().filter_map(|entry| {
        let word = match entry.outcome {
            Some(ref outcome) => outcome.word(),
            None => entry.state.as_str(),
        };
        let input: serde_json::Value = serde_json::from_str(&entry.input).unwrap_or_default();
        let prompt: String = input["prompt"].as_str()?.chars().take(40).collect();
        Some(Candidate::new(entry.id?, format!("{word}: {prompt}")))
    });
    Some(candidates.collect())
}

/// The value of `--ledger` among the words.
fn named(before: &[String]) -> Option<LedgerAddress> {
    let mut words = before.iter();
    let value = loop {
        match words.next()?.strip_prefix("--ledger") {
            Some("") => break words.next()?.as_str(),
            Some(value) => break value.strip_prefix('=')?,
            None => {}
        }
    };
    let Ok(address) = LedgerAddress::read(value.into());
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_is_the_one_that_the_words_name() {
        for (line, expected) in [
            ("paperboat wait", None),
            ("paperboat wait --ledger l.db", Some("l.db")),
            ("paperboat wait --ledger=l.db x", Some("l.db")),
            ("paperboat wait --ledger", None),
        ] {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            let expected = expected.map(|path: &str| LedgerAddress::File(path.into()));
            assert!(named(&words) == expected, "{line}");
        }
    }
}
