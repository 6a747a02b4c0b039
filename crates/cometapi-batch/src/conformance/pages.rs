//! Lists for those who go through all of something.

use std::path::Path;

use cometapi::ErrorKind as Kind;

use crate::conformance::check::{Checked, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{Peer, SERVICE, created, failed, json, plan, rows};
use crate::ledger::{FileRecord, Filter, Mark, Plan, State};

pub(super) async fn lists_after_a_number_are_paged_oldest_first(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let (loader, _) = one
        .load(rows(&["a", "b", "c", "d", "e"])?, plan(harness))
        .await?;
    let jobs = one.claim(loader.id(), 9).await?.jobs;
    let oldest_first: Vec<_> = jobs.iter().map(|job| job.seq).collect();
    for load in [None, Some(loader.id())] {
        let mut filter = Filter {
            after: Some(0),
            load,
            limit: 2,
            ..Filter::default()
        };
        let mut seqs = Vec::new();
        loop {
            let page = one.ledger().list(filter.clone()).await?;
            same("whether a page is within its limit:", page.len() <= 2, true)?;
            let Some(last) = page.last() else { break };
            same(
                "whether a page goes on:",
                filter.after < Some(last.seq),
                true,
            )?;
            filter.after = Some(last.seq);
            seqs.extend(page.iter().map(|entry| entry.seq));
        }
        same("numbers", &seqs, &oldest_first)?;
    }
    let between = Filter {
        after: Some(oldest_first[0]),
        before: Some(oldest_first[3]),
        ..Filter::default()
    };
    let page = one.ledger().list(between).await?;
    let seqs: Vec<_> = page.iter().map(|entry| entry.seq).collect();
    same("numbers in between", seqs, &oldest_first[1..3])
}

pub(super) async fn a_list_of_a_load_has_its_rows(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (first, _) = one.load(rows(&["a", "b", "c"])?, plan(harness)).await?;
    let seq = one.claim_one(first.id()).await?.seq;
    one.record(seq, [Mark::Sending, created("p"), failed(Kind::Failed)])
        .await?;
    other.begin("b").await?;
    let loader = one.ledger().loader();
    same("repeated rows", loader.add(rows(&["b", "a"])?).await?, [])?;
    let of_load = |set: fn(&mut Filter)| {
        let mut filter = Filter {
            load: Some(loader.id()),
            ..Filter::default()
        };
        set(&mut filter);
        filter
    };
    let inputs = async |filter| -> Checked<Vec<_>> {
        let found = one.ledger().list(filter).await?;
        Ok(found.into_iter().map(|entry| entry.input).collect())
    };
    let none: [String; 0] = [];
    same("inputs before a load", inputs(of_load(|_| {})).await?, none)?;
    let mut retry = plan(harness);
    retry.retry_failed = true;
    loader.load(retry).await?;
    // The row that failed is another prediction by now, which is newer.
    let (a, b) = (json("a"), json("b"));
    same("inputs", inputs(of_load(|_| {})).await?, [&*a, &*b])?;
    same(
        "inputs",
        inputs(of_load(|it| it.after = Some(0))).await?,
        [&*b, &*a],
    )?;
    let planned = inputs(of_load(|it| it.states = vec![State::Planned])).await?;
    same("inputs of planned rows", planned.len(), 2)?;
    let failed = inputs(of_load(|it| it.failed = true)).await?;
    same("inputs of failed rows", failed.len(), 0)?;
    // What failed is of the batch, and no longer of the load.
    let batch = Filter {
        batch: Some("batch".to_owned()),
        ..Filter::default()
    };
    for (filter, models) in [(of_load(|_| {}), 0), (batch, 1)] {
        let costs = one.ledger().costs(filter).await?;
        same("models with costs", costs.len(), models)?;
    }
    Ok(())
}

pub(super) async fn a_file_leads_to_its_prediction(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let home = harness.folder();
    let saved = |position, path: &Path| {
        Mark::Saved(FileRecord {
            position,
            path: path.to_owned(),
            bytes: 3,
            media_type: "image/png".to_owned(),
        })
    };
    let single = one.send("x").await?.seq;
    let marks = [created("p1"), saved(0, &home.join("x.png"))];
    one.record(single, marks).await?;
    let mut seqs = Vec::new();
    for batch in ["batch", "other"] {
        let plan = Plan::new(batch, home.join(batch), SERVICE);
        let (loader, _) = one.load(rows(&["a"])?, plan).await?;
        let seq = one.claim_one(loader.id()).await?.seq;
        one.record(seq, [Mark::Sending, created(batch)]).await?;
        let deep = Path::new("deep").join("x.png");
        one.record(seq, [saved(0, Path::new("x.png")), saved(1, &deep)])
            .await?;
        one.record(seq, [saved(2, &home.join(batch).join("whole.png"))])
            .await?;
        seqs.push(seq);
    }
    let moved = home.join("moved");
    let (first, second) = (seqs[0], seqs[1]);
    let plan = Plan::new("batch", &moved, SERVICE);
    one.load(rows(&["a"])?, plan).await?;
    let other = home.join("other");
    for (path, expected) in [
        (home.join("x.png"), Some(single)),
        (moved.join("x.png"), Some(first)),
        (moved.join("deep").join("x.png"), Some(first)),
        (home.join("batch").join("whole.png"), Some(first)),
        (other.join("x.png"), Some(second)),
        (other.join("deep").join("x.png"), Some(second)),
        (home.join("batch").join("x.png"), None),
        (home.join("deep").join("x.png"), None),
        (Path::new("x.png").to_owned(), None),
        (home.clone(), None),
    ] {
        let what = format!("predictions with the file {}", path.display());
        let filter = Filter {
            file: Some(path),
            ..Filter::default()
        };
        let found = one.ledger().list(filter.clone()).await?;
        let found: Vec<_> = found.iter().map(|entry| entry.seq).collect();
        same(&what, found, expected.into_iter().collect::<Vec<_>>())?;
        let costs = one.ledger().costs(filter).await?;
        same(&what, costs.len(), usize::from(expected.is_some()))?;
    }
    Ok(())
}
