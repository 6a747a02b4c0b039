//! The rules of every ledger, on this one in a file.

use std::collections::BTreeSet;
use std::iter::repeat_with;
use std::panic::resume_unwind;
use std::path::PathBuf;

use cometapi::BoxFuture;
use tempfile::TempDir;

use super::super::fault::Result;
use super::super::writer::Touch;
use crate::SqliteLedger;
use crate::conformance::{Harness, Process, Rule, check_all, rules};
use crate::ledger::{Ledger, LedgerFuture};

struct OnFile(TempDir);

impl Harness for OnFile {
    fn open(&self) -> LedgerFuture<Box<dyn Process>> {
        let ledger = SqliteLedger::open(self.0.path().join("ledger.sqlite3"));
        Box::pin(async { Ok(Box::new(Opened(ledger?)) as _) })
    }

    fn folder(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

struct Opened(SqliteLedger);

impl Process for Opened {
    fn ledger(&self) -> &dyn Ledger {
        &self.0
    }

    /// Ends the ledger's thread where it stands: the connection and the locks go with it.
    fn kill(self: Box<Self>) -> BoxFuture<()> {
        Box::pin(async move {
            let killed = self.0.writer.ask(Touch::Nothing, |_| -> Result<()> {
                resume_unwind(Box::new("killed"))
            });
            killed.await.unwrap_err();
            self.0.close().unwrap_err();
        })
    }
}

#[tokio::test]
async fn every_rule_is_kept() {
    let harnesses = repeat_with(|| OnFile(tempfile::tempdir().unwrap()));
    check_all(harnesses).await.unwrap();
}

#[tokio::test]
async fn a_rule_without_a_ledger_is_violated() {
    let violations = check_all(None::<OnFile>).await.unwrap_err();
    let violated = violations.iter().map(|violation| violation.rule().name());
    assert!(violated.eq(rules().iter().map(Rule::name)));
    let said = violations.to_string();
    for rule in rules() {
        let line = format!(
            "\n{}: expected a harness, found none (rule: {})",
            rule.name(),
            rule.text()
        );
        assert!(said.contains(&line), "{said}");
    }
}

#[test]
fn each_rule_has_a_name_and_a_sentence_of_its_own() {
    let names: BTreeSet<_> = rules().iter().map(Rule::name).collect();
    let texts: BTreeSet<_> = rules().iter().map(Rule::text).collect();
    assert_eq!((names.len(), texts.len()), (rules().len(), rules().len()));
}
