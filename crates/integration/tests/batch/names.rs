//! The names of files, whatever the rows are called: none is shared, and none keeps another row from
//! being run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cometapi_batch::{Batch, Entry, FileTemplate, Filter, Ledger, Rows, SqliteLedger, folded};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::engine::Bench;
use crate::setup::{Stage, quick};

const MODEL: &str = "black-forest-labs/flux-schnell";

/// A row: its id, a label, a seed, and how many files it returns.
type Drawn = (String, String, u8, u8);

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let id = "[a-bA-B./~ _-]{1,4}|[ab][-_]{1,2}[1-3]|a\\.webp(/a)?|index|é|e\u{301}|\\PC{1,6}";
    let label = "[a-b/.]{0,2}";
    prop::collection::vec((id, label, 0u8..3, 1u8..4), 1..9)
}

/// The rows that can be used: the others are refused before anything is sent.
fn rows(drawn: &[Drawn]) -> Vec<serde_json::Value> {
    let row = |(id, label, seed, files): &Drawn| {
        json!({
            "id": id, "model": MODEL, "labels": {"label": label},
            "input": {"prompt": id, "seed": seed, "num_outputs": files, "megapixels": "0.25"},
        })
    };
    drawn.iter().map(row).collect()
}

fn read(rows: &[serde_json::Value]) -> Rows {
    Rows::from_iter(rows.to_vec())
}

/// Every file below a folder that a user sees.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
        if path.is_dir() {
            found.extend(files(&path));
        } else if !is_hidden {
            found.insert(path);
        }
    }
    found
}

async fn entries(ledger: &dyn Ledger) -> Vec<Entry> {
    ledger.list(Filter::default()).await.unwrap()
}

/// Runs the rows twice, and once more with a ledger that knows nothing.
async fn check(bench: &Bench, drawn: &[Drawn], template: Option<&str>) {
    let template: Option<FileTemplate> = template.map(|text| text.parse().unwrap());
    let named = |batch: Batch| match &template {
        Some(template) => batch.names(template),
        None => batch,
    };
    let batch = || named(bench.batch()).skip_bad(true);
    let all = rows(drawn);
    // When every row is bad, there is nothing to run.
    let Ok(first) = batch().run(read(&all)).await else {
        return;
    };
    let used = first.tally.total();
    assert_eq!(
        (first.created, first.tally.succeeded),
        (used, used),
        "{first:?}"
    );
    let entries = entries(&*bench.ledger).await;
    let folder = bench.folder().canonicalize().unwrap();
    let mut rows_of = BTreeMap::new();
    let mut expected = 0;
    for entry in &entries {
        let input: serde_json::Value = serde_json::from_str(&entry.input).unwrap();
        expected += input["num_outputs"].as_u64().unwrap();
        for file in &entry.files {
            let name = folded(file.path.strip_prefix(&folder).unwrap().to_str().unwrap());
            assert_eq!(rows_of.insert(name, &entry.row), None, "{entries:?}");
            assert_eq!(file.path.metadata().unwrap().len(), file.bytes);
        }
    }
    assert_eq!(rows_of.len() as u64, expected);
    let there = files(&folder);
    assert_eq!(there.len() as u64, expected, "{there:?}");

    let again = batch().run(read(&all)).await.unwrap();
    assert_eq!((again.created, again.tally.succeeded), (0, used));
    assert_eq!(files(&folder), there);

    // Another ledger: no row is paid for again whose file shows that it is there, and no other is
    // kept from running.
    let ledger = SqliteLedger::open(bench.base.path().join("other")).unwrap();
    let other = named(Batch::new(&bench.client, Arc::new(ledger), bench.folder()))
        .name("other")
        .skip_bad(true)
        .create_policy(quick());
    let fresh = json!({
        "id": "zebra", "model": MODEL, "labels": {"label": "a"},
        "input": {"prompt": "zebra", "seed": 9, "megapixels": "0.25"},
    });
    let with_fresh: Vec<_> = all.iter().cloned().chain([fresh]).collect();
    let lost = other.run(read(&with_fresh)).await.unwrap();
    let is_known = template.as_ref().is_none_or(FileTemplate::identifies_rows);
    let created = if is_known { 1 } else { used + 1 };
    assert_eq!(lost.created, created, "{lost:?} {there:?}");
}

/// A folder of one row would have the name of another's file.
#[tokio::test]
async fn no_folder_has_the_name_of_a_file() {
    for (template, ids) in [
        (None, ["a", "a.webp/a"]),
        (Some("{id}.{ext}"), ["a", "a.webp/a"]),
        (Some("{id}/{index}.{ext}"), ["a", "a/1.webp"]),
        (Some("{label}/{id}.{ext}"), ["a", "a.WEBP/a"]),
    ] {
        let drawn = ids.map(|id| (id.to_owned(), String::new(), 0, 1));
        check(&Bench::new().await, &drawn, template).await;
    }
}

/// By default names and by templates that say whose a file is, and those that do not.
#[test]
fn rows_never_share_a_name_and_none_is_skipped_because_of_another_file() {
    let config = Config {
        cases: 24,
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let templates = [
        None,
        Some("{id}.{ext}"),
        Some("x/{id}-{index}.webp"),
        Some("{seed}.{ext}"),
        Some("fox.webp"),
        Some("{label}/{prompt:1}-{index}.{ext}"),
    ];
    let strategy = (drawn(), prop::sample::select(templates.to_vec()));
    let run = |(drawn, template): (Vec<Drawn>, Option<&str>)| {
        runtime.block_on(async {
            check(&Bench::new().await, &drawn, template).await;
        });
        Ok(())
    };
    TestRunner::new(config).run(&strategy, run).unwrap();
}

/// Names that only the ledger can keep apart, in two processes that are killed where a file has its
/// name and where it does not.
#[tokio::test(flavor = "multi_thread")]
async fn names_of_a_template_survive_kills_between_two_processes() {
    const ROWS: usize = 60;

    let stage = Stage::new(ROWS).await;
    let names = [("BATCH_NAMES", "{prompt:5}.{ext}")];
    for passing in 1..=3 {
        for point in ["state", "file-renamed", "file-recorded", "ended"] {
            let other = stage.worker_with(2, None, &names);
            let mut worker = stage.worker_with(3, Some((point, passing)), &names);
            // The other may have taken all that was left.
            worker.until("parked").await;
            worker.kill(None).await;
            other.kill(None).await;
        }
    }
    let mut last = stage.worker_with(8, None, &names);
    assert!(last.until("done").await);
    assert!(last.child.wait().await.unwrap().success());
    stage.assert_once(ROWS).await;
}

#[tokio::test]
async fn a_field_that_no_row_has_is_refused_before_anything_is_sent() {
    let bench = Bench::new().await;
    let drawn = [("fox".to_owned(), "a".to_owned(), 1, 1)];
    let names = "{id}-{colour}.{ext}".parse().unwrap();
    let batch = bench.batch().names(&names);
    let error = batch.run(read(&rows(&drawn))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no row has a column or a field \"colour\", which the file names need: nothing was sent"
    );
    assert!(bench.server.requests().is_empty() && !bench.folder().exists());
}
