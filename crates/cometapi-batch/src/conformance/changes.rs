//! Rows that are others than last time.

use std::path::Path;

use cometapi::ErrorKind as Kind;

use crate::conformance::check::{Checked, exactly, refused, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{Peer, created, failed, json, plan, row, seen};
use crate::error::ErrorKind;
use crate::ledger::{FileRecord, Mark, NewRow, Outcome, Plan};

fn update(harness: &dyn Harness) -> Plan {
    let mut plan = plan(harness);
    plan.update = true;
    plan
}

fn saved() -> Mark {
    Mark::Saved(FileRecord {
        position: 0,
        path: Path::new("x.png").to_owned(),
        bytes: 3,
        media_type: "image/png".to_owned(),
    })
}

fn success() -> Mark {
    Mark::Ended(Outcome::succeeded())
}

pub(super) async fn the_labels_of_the_latest_load_count(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let labeled = |labels: &[Option<&str>]| -> Checked<Vec<NewRow>> {
        let rows = (1..).zip(labels).map(|(line, labels)| {
            let mut row = row(line, Some(&format!("row {line}")), "a")?;
            row.labels = labels.map(str::to_owned);
            Ok(row)
        });
        rows.collect()
    };
    let (red, blue) = (r#"{"color":"red"}"#, r#"{"color":"blue"}"#);
    let (loader, _) = one
        .load(labeled(&[Some(red), Some(red), None])?, plan(harness))
        .await?;
    let job = one.claim_one(loader.id()).await?;
    same("labels", job.labels.as_deref(), Some(red))?;
    one.record(job.seq, [Mark::Sending, created("p"), success()])
        .await?;
    drop(loader);
    let stand = async || -> Checked<Vec<_>> {
        let all = one.all().await?;
        Ok(all.into_iter().rev().map(|entry| entry.labels).collect())
    };
    let as_they_were = [Some(red.to_owned()), Some(red.to_owned()), None];
    same("labels", stand().await?, &as_they_were[..])?;

    let others = || labeled(&[Some(blue), None, Some(blue)]);
    let mut dry = plan(harness);
    dry.dry = true;
    one.load(others()?, dry).await?;
    same("labels", stand().await?, &as_they_were[..])?;
    let (loader, report) = one.load(others()?, plan(harness)).await?;
    same("succeeded rows", report.tally.succeeded, 1)?;
    let as_they_are = [Some(blue.to_owned()), None, Some(blue.to_owned())];
    same("labels", stand().await?, as_they_are)?;
    let jobs = one.claim(loader.id(), 9).await?.jobs;
    let found: Vec<_> = jobs.into_iter().map(|job| job.labels).collect();
    same("labels", found, [None, Some(blue.to_owned())])
}

pub(super) async fn an_update_creates_changed_rows_anew(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let all = |prompt: &str| -> Checked<Vec<NewRow>> {
        let ids = ["saved", "failed", "refused", "unresolved"];
        let changed = (1..).zip(ids).map(|(line, id)| row(line, Some(id), prompt));
        let same = [row(5, Some("as it was"), "a")];
        changed.chain(same).collect()
    };
    let (loader, _) = one.load(all("a")?, plan(harness)).await?;
    let jobs = one.claim(loader.id(), 9).await?.jobs;
    let unknown = Mark::Unresolved(Outcome::failed(Kind::MaybeAccepted, "cut"));
    let ends = [
        vec![created("p1"), saved(), success()],
        vec![created("p2"), failed(Kind::Failed)],
        vec![failed(Kind::Refused)],
        vec![unknown],
        vec![created("p5"), success()],
    ];
    for (job, marks) in jobs.iter().zip(ends) {
        one.record(job.seq, [Mark::Sending]).await?;
        one.record(job.seq, marks).await?;
    }
    drop(loader);

    // What is unresolved may have been created: it is not superseded unless that is asked for, too.
    let loader = one.ledger().loader();
    same("repeated rows", loader.add(all("b")?).await?, [])?;
    let report = loader.load(update(harness)).await;
    refused("the load of a changed row", report, ErrorKind::Rows)?;
    same("predictions", one.all().await?.len(), 5)?;
    let mut skipping = update(harness);
    skipping.skip_changed = true;
    let report = loader.load(skipping).await?;
    let [changed] = exactly("changed row", report.changed)?;
    let found = (
        changed.id.as_str(),
        changed.is_unresolved,
        changed.is_running,
    );
    same("changed row", found, ("unresolved", true, false))?;
    let tally = report.tally;
    same(
        "planned and succeeded:",
        (tally.planned, tally.succeeded),
        (3, 1),
    )?;
    let mut anew = one.claim(loader.id(), 9).await?.jobs;
    // A row that is planned again has an older number than the others.
    anew.sort_by_key(|job| job.line);
    let found: Vec<_> = anew
        .iter()
        .map(|job| (job.row.as_deref(), job.input.clone(), job.retake))
        .collect();
    let expected = [
        (Some("saved"), json("b"), 1),
        (Some("failed"), json("b"), 0),
        (Some("refused"), json("b"), 0),
    ];
    same("id, input and retake of each row:", found, expected)?;
    let [first, _, refused] = exactly("rows", anew)?;
    same("number", refused.seq, jobs[2].seq)?;
    let before = one.entry(jobs[0].seq).await?;
    let found = (before.superseded, before.retake, before.files.len());
    same("superseded, retake and files:", found, (true, 0, 1))?;
    same("retake", one.entry(first.seq).await?.retake, 1)?;

    // The next change counts on.
    one.record(
        first.seq,
        [Mark::Sending, created("p6"), saved(), success()],
    )
    .await?;
    drop(loader);
    let again = vec![row(1, Some("saved"), "c")?];
    let (loader, _) = one.load(again, update(harness)).await?;
    same("retake", one.claim_one(loader.id()).await?.retake, 2)
}

pub(super) async fn an_update_leaves_what_runs_until_its_end(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let both = |prompt: &str| -> Checked<Vec<NewRow>> {
        Ok(vec![
            row(1, Some("free"), prompt)?,
            row(2, Some("held"), prompt)?,
        ])
    };
    let (loader, _) = one.load(both("a")?, plan(harness)).await?;
    let [free, held] = exactly("rows", one.claim(loader.id(), 9).await?.jobs)?;
    one.record(free.seq, [Mark::Sending, created("p1"), Mark::Released])
        .await?;
    one.record(held.seq, [Mark::Sending, created("p2"), seen("processing")])
        .await?;

    let (loader, report) = other.load(both("b")?, update(harness)).await?;
    let counts = (report.updated_later, report.changed_total);
    same("updated later, and left out:", counts, (2, 0))?;
    same("running rows", report.tally.running, 2)?;
    let [job] = exactly("row to claim", other.claim(loader.id(), 9).await?.jobs)?;
    let found = (job.seq, job.input);
    same("number and input:", found, (free.seq, json("a")))?;
    other.record(free.seq, [success()]).await?;
    one.record(held.seq, [failed(Kind::Failed)]).await?;
    let report = loader.load(update(harness)).await?;
    let counts = (report.updated_later, report.tally.planned);
    same("updated later, and planned:", counts, (0, 2))?;
    let jobs = other.claim(loader.id(), 9).await?.jobs;
    let found: Vec<_> = jobs
        .iter()
        .map(|job| (job.row.as_deref(), job.input.clone()))
        .collect();
    let expected = [(Some("free"), json("b")), (Some("held"), json("b"))];
    same("id and input of each row:", found, expected)
}
