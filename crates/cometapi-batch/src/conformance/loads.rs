//! Rows become predictions.

use std::future::poll_fn;
use std::task::Poll;

use cometapi::ErrorKind as Kind;

use crate::conformance::check::{Checked, exactly, refused, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{Peer, created, failed, json, plan, row, rows};
use crate::error::ErrorKind;
use crate::ledger::{Mark, Outcome, Plan, State};

pub(super) async fn nothing_is_recorded_before_a_load(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let loader = one.ledger().loader();
    loader.add(rows(&["a", "b"])?).await?;
    let claimed = one.claim(loader.id(), 9).await?;
    same(
        "claimed and elsewhere:",
        (claimed.jobs.len(), claimed.elsewhere),
        (0, 0),
    )?;
    same("total", one.tally(loader.id()).await?.total(), 0)?;
    same("predictions", other.all().await?.len(), 0)?;
    same("batches", other.ledger().batches().await?, [])?;
    drop(loader);
    same("predictions", other.all().await?.len(), 0)
}

pub(super) async fn a_row_is_one_prediction_in_every_load(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let of = |prompts: &[&str]| -> Checked<_> {
        let mut all = rows(prompts)?;
        all.push(row(9, Some("x"), "a")?);
        Ok(all)
    };
    let (mine, report) = one.load(of(&["a", "b"])?, plan(harness)).await?;
    same("planned rows", report.tally.planned, 3)?;
    let jobs = one.claim(mine.id(), 9).await?.jobs;
    let found: Vec<_> = jobs
        .iter()
        .map(|job| (job.line, job.row.as_deref(), job.input.as_str()))
        .collect();
    let (a, b) = (json("a"), json("b"));
    let expected = [
        (Some(1), None, &*a),
        (Some(2), None, &*b),
        (Some(9), Some("x"), &*a),
    ];
    same("line, id and input of each row:", found, expected)?;
    for job in &jobs {
        same("batch", job.batch.as_deref(), Some("batch"))?;
        same("folder", job.folder.clone(), Some(harness.folder()))?;
        same("key", job.key.as_deref(), None)?;
    }
    // In another order, and with a new one.
    let (others, report) = other.load(of(&["b", "c", "a"])?, plan(harness)).await?;
    same("planned rows", report.tally.planned, 4)?;
    let claimed = other.claim(others.id(), 9).await?.jobs;
    let lines: Vec<_> = claimed.iter().map(|job| job.line).collect();
    same("lines of new rows", lines, [Some(2)])?;
    same("predictions", one.all().await?.len(), 4)
}

pub(super) async fn a_loader_can_load_again(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let (loader, _) = one
        .load(vec![row(1, Some("x"), "a")?], plan(harness))
        .await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    one.record(seq, [Mark::Sending, failed(Kind::Refused)])
        .await?;
    same(
        "repeated rows",
        loader.add(vec![row(2, Some("y"), "b")?]).await?,
        [],
    )?;
    let report = loader.load(plan(harness)).await?;
    same("planned rows", report.tally.planned, 2)?;
    let jobs = one.claim(loader.id(), 9).await?.jobs;
    let found: Vec<_> = jobs
        .iter()
        .map(|job| (job.row.as_deref(), job.input.clone()))
        .collect();
    let expected = [(Some("x"), json("a")), (Some("y"), json("b"))];
    same("id and input of each row:", found, expected)?;
    // Also what is superseded is created as the row was added.
    one.record(seq, [Mark::Sending, created("p"), failed(Kind::Failed)])
        .await?;
    let mut retry = plan(harness);
    retry.retry_failed = true;
    let report = loader.load(retry).await?;
    same("planned rows", report.tally.planned, 2)?;
    same("input", one.claim_one(loader.id()).await?.input, json("a"))
}

pub(super) async fn a_dropped_loader_gives_no_rows(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let (first, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let id = first.id();
    one.claim_one(id).await?;
    drop(first);
    same("rows to claim", one.claim(id, 9).await?.jobs.len(), 0)?;
    same("predictions", one.all().await?.len(), 2)?;
    // The other row is there for any loader that has it.
    let (second, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    same("whether the two loads are one:", second.id() == id, false)?;
    same("line", one.claim_one(second.id()).await?.line, Some(2))
}

pub(super) async fn a_load_that_is_dropped_records_all_rows_or_none(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    for is_polled in [false, true] {
        let plan = || {
            let batch = if is_polled { "polled" } else { "not polled" };
            Plan {
                batch: batch.to_owned(),
                ..plan(harness)
            }
        };
        let loader = one.ledger().loader();
        loader.add(rows(&["a", "b", "c"])?).await?;
        let mut load = loader.load(plan());
        if is_polled {
            poll_fn(|context| {
                let _ = load.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
        }
        drop(load);
        // Asked for after it, by the same process.
        one.retire().await?;
        let mut found = other.all().await?;
        found.retain(|entry| entry.batch == Some(plan().batch));
        same(
            "whether all are recorded, or none:",
            matches!(found.len(), 0 | 3),
            true,
        )?;
        let report = loader.load(plan()).await?;
        same("planned rows", report.tally.planned, 3)?;
        let mut found = other.all().await?;
        found.retain(|entry| entry.batch == Some(plan().batch));
        same("predictions", found.len(), 3)?;
    }
    Ok(())
}

pub(super) async fn a_repeated_id_is_returned_and_not_added(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let loader = one.ledger().loader();
    let first = vec![
        row(1, Some("x"), "a")?,
        row(4, Some("x"), "b")?,
        row(5, Some("y"), "a")?,
    ];
    let [again] = exactly("repeated row", loader.add(first).await?)?;
    let found = (again.line, again.first, again.id.as_str(), again.exact);
    same("repeated row", found, (4, 1, "x", true))?;
    // Also in a later call, and where capitals differ.
    let later = vec![
        row(7, Some("X"), "c")?,
        row(8, Some("y"), "d")?,
        row(9, Some("z"), "e")?,
    ];
    let [capitals, again] = exactly("repeated rows", loader.add(later).await?)?;
    let found = (
        capitals.line,
        capitals.first,
        capitals.id.as_str(),
        capitals.exact,
    );
    same("repeated row", found, (7, 1, "X", false))?;
    let found = (again.line, again.first, again.id.as_str(), again.exact);
    same("repeated row", found, (8, 5, "y", true))?;
    // Another loader has rows of its own.
    let other = one.ledger().loader();
    same(
        "repeated rows",
        other.add(vec![row(1, Some("x"), "a")?]).await?,
        [],
    )?;

    let report = loader.load(plan(harness)).await?;
    same("planned rows", report.tally.planned, 3)?;
    let jobs = one.claim(loader.id(), 9).await?.jobs;
    let found: Vec<_> = jobs
        .iter()
        .map(|job| (job.row.as_deref(), job.input.clone()))
        .collect();
    let expected = [
        (Some("x"), json("a")),
        (Some("y"), json("a")),
        (Some("z"), json("e")),
    ];
    same("id and input of each row:", found, expected)
}

pub(super) async fn a_row_that_was_sent_does_not_change(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let x = |prompt| row(1, Some("x"), prompt);
    let (loader, _) = one.load(vec![x("a")?], plan(harness)).await?;
    drop(loader);
    // Never created: it may still change.
    let (loader, _) = one.load(vec![x("b")?], plan(harness)).await?;
    let job = one.claim_one(loader.id()).await?;
    same("input", job.input, json("b"))?;
    one.record(job.seq, [Mark::Sending, created("p")]).await?;

    let loader = one.ledger().loader();
    let changed = vec![row(7, Some("x"), "c")?, row(8, None, "n")?];
    same("repeated rows", loader.add(changed).await?, [])?;
    let report = loader.load(plan(harness)).await;
    let problems: Vec<_> = match &report {
        Err(e) => e.problems().iter().map(|problem| problem.line).collect(),
        Ok(_) => Vec::new(),
    };
    refused("the load of a changed row", report, ErrorKind::Rows)?;
    same("lines of changed rows", problems, [7])?;
    same("predictions", one.all().await?.len(), 1)?;
    let mut skipping = plan(harness);
    skipping.skip_changed = true;
    let report = loader.load(skipping).await?;
    let [changed] = exactly("changed row", report.changed)?;
    let found = (changed.line, changed.id.as_str(), changed.is_running);
    same("changed row", found, (7, "x", true))?;
    same("fields that differ", changed.fields, ["prompt"])?;
    same(
        "changed rows and rows in all:",
        (report.changed_total, report.tally.total()),
        (1, 1),
    )?;
    same("input", one.entry(job.seq).await?.input, json("b"))
}

pub(super) async fn a_dry_load_changes_nothing(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let dry = || {
        let mut dry = plan(harness);
        dry.dry = true;
        dry
    };
    let (loader, report) = one.load(rows(&["a", "a", "b"])?, dry()).await?;
    same("planned rows", report.tally.planned, 3)?;
    same("predictions", one.all().await?.len(), 0)?;
    same("batches", one.ledger().batches().await?, [])?;
    drop(loader);

    let (loader, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    one.record(seq, [Mark::Sending]).await?;
    drop(loader);
    one.retire().await?;
    let more = || rows(&["a", "b", "c", "c"]);
    let mut retry = dry();
    retry.retry_unresolved = true;
    let before = format!("{:?}", other.all().await?);
    let (_, would) = other.load(more()?, retry).await?;
    same("planned rows", would.tally.planned, 4)?;
    let (_, would) = other.load(more()?, dry()).await?;
    same("entries", format!("{:?}", other.all().await?), before)?;
    same(
        "unresolved and planned:",
        (would.tally.unresolved, would.tally.planned),
        (1, 3),
    )?;
    let (_, report) = other.load(more()?, plan(harness)).await?;
    same("tally", report.tally, would.tally)
}

pub(super) async fn equal_rows_are_numbered_in_order(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let loader = one.ledger().loader();
    for part in [&["a", "b"][..], &["a"], &["b", "a"]] {
        same("repeated rows", loader.add(rows(part)?).await?, [])?;
    }
    loader.load(plan(harness)).await?;
    let jobs = one.claim(loader.id(), 9).await?.jobs;
    let places: Vec<_> = jobs
        .into_iter()
        .map(|job| (job.input, job.occurrence))
        .collect();
    let expected = [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3)];
    same(
        "places",
        places,
        expected.map(|(prompt, place)| (json(prompt), place)),
    )
}

pub(super) async fn the_tally_counts_each_state(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let all = rows(&["a", "b", "c", "d", "e", "f", "g"])?;
    let (loader, _) = one.load(all, plan(harness)).await?;
    let jobs = one.claim(loader.id(), 6).await?.jobs;
    let unknown = Mark::Unresolved(Outcome::failed(Kind::MaybeAccepted, "cut"));
    let ends = [
        vec![Mark::Sending],
        vec![Mark::Sending, created("p1")],
        vec![
            Mark::Sending,
            created("p2"),
            Mark::Ended(Outcome::succeeded()),
        ],
        vec![Mark::Sending, unknown],
        vec![Mark::Sending, created("p3"), failed(Kind::Failed)],
        vec![Mark::Sending, failed(Kind::Refused)],
    ];
    for (job, marks) in jobs.iter().zip(ends) {
        one.record(job.seq, marks).await?;
    }
    let tally = one.tally(loader.id()).await?;
    let counts = [
        tally.planned,
        tally.sending,
        tally.running,
        tally.succeeded,
        tally.unresolved,
    ];
    same(
        "planned, sending, running, succeeded and unresolved:",
        counts,
        [1; 5],
    )?;
    let failed: Vec<_> = tally.failed.into_iter().collect();
    same("failed", failed, [("failed", 1), ("refused", 1)])
}

pub(super) async fn the_rows_of_a_model_that_is_not_offered_end_together(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (loader, _) = one
        .load(rows(&["a", "b", "c", "d"])?, plan(harness))
        .await?;
    let created_already = one.claim_one(loader.id()).await?.seq;
    one.record(created_already, [Mark::Sending, created("p")])
        .await?;
    let refuse = async |model: &str, most| -> Checked<usize> {
        let outcome = Outcome::failed(Kind::Refused, "not offered");
        let ended = one
            .ledger()
            .refuse_model(loader.id(), model.to_owned(), outcome, most);
        Ok(ended.await?.len())
    };
    same("rows of another model", refuse("a/c", 9).await?, 0)?;
    for left in [2, 1, 0] {
        same("rows that end", refuse("a/b", 2).await?, left)?;
    }
    let tally = one.tally(loader.id()).await?;
    let failed: Vec<_> = tally.failed.into_iter().collect();
    same("failed", failed, [("refused", 3)])?;
    other.stands(created_already, State::Running, true).await
}
