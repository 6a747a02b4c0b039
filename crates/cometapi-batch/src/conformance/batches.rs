//! What identifies a batch.

use std::path::Path;

use crate::conformance::check::{Checked, refused, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{ELSEWHERE, Peer, SERVICE, created, plan, plan_in, rows};
use crate::error::ErrorKind;
use crate::ledger::{FileRecord, Filter, Mark, Outcome, Plan, State};

pub(super) async fn batches_are_returned_in_the_order_of_their_begin(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let elsewhere = Peer::start_at(harness, ELSEWHERE).await?;
    let folder = harness.folder();
    for (peer, batch, service) in [
        (&one, "z", SERVICE),
        (&other, "a", SERVICE),
        (&elsewhere, "m", ELSEWHERE),
        // Again: it stays where it is.
        (&other, "z", SERVICE),
    ] {
        peer.load(rows(&["x"])?, Plan::new(batch, folder.join(batch), service))
            .await?;
    }
    let batches = one.ledger().batches().await?;
    let found: Vec<_> = batches
        .iter()
        .map(|entry| {
            (
                entry.batch.as_str(),
                entry.folder.clone(),
                entry.service.as_str(),
            )
        })
        .collect();
    let expected = [("z", SERVICE), ("a", SERVICE), ("m", ELSEWHERE)]
        .map(|(batch, service)| (batch, folder.join(batch), service));
    same("batches", found, expected)?;
    same(
        "whether they are in order:",
        batches.is_sorted_by_key(|entry| entry.since),
        true,
    )
}

pub(super) async fn the_same_rows_of_two_batches_are_not_one(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    for batch in ["a", "b"] {
        let plan = Plan::new(batch, harness.folder(), SERVICE);
        let (_, report) = one.load(rows(&["x", "y"])?, plan).await?;
        same("planned rows", report.tally.planned, 2)?;
    }
    for (batch, count) in [(Some("b"), 2), (Some("c"), 0), (None, 4)] {
        let filter = Filter {
            batch: batch.map(str::to_owned),
            ..Filter::default()
        };
        same("predictions", one.ledger().list(filter).await?.len(), count)?;
    }
    Ok(())
}

pub(super) async fn a_batch_keeps_its_rows_when_its_folder_moves(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (before, after) = (
        harness.folder().join("before"),
        harness.folder().join("after"),
    );
    let absolute = harness.folder().join("absolute.png");
    let (loader, _) = one.load(rows(&["a", "b"])?, plan_in(&before)).await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    let saved = |position, path: &Path| {
        Mark::Saved(FileRecord {
            position,
            path: path.to_owned(),
            bytes: 3,
            media_type: "image/png".to_owned(),
        })
    };
    one.record(seq, [Mark::Sending, created("p")]).await?;
    one.record(seq, [saved(0, Path::new("x.png")), saved(1, &absolute)])
        .await?;
    let paths = async |peer: &Peer| -> Checked<Vec<_>> {
        let files = peer.entry(seq).await?.files;
        Ok(files.into_iter().map(|file| file.path).collect())
    };
    same(
        "files",
        paths(&one).await?,
        [before.join("x.png"), absolute.clone()],
    )?;
    drop(loader);
    one.retire().await?;

    let (loader, report) = other.load(rows(&["a", "b"])?, plan_in(&after)).await?;
    let tally = report.tally;
    same(
        "running and planned:",
        (tally.running, tally.planned),
        (1, 1),
    )?;
    same("predictions", other.all().await?.len(), 2)?;
    same(
        "files",
        paths(&other).await?,
        [after.join("x.png"), absolute],
    )?;
    let jobs = other.claim(loader.id(), 9).await?.jobs;
    let folders: Vec<_> = jobs.into_iter().map(|job| job.folder).collect();
    same(
        "folders",
        folders,
        [Some(after.clone()), Some(after.clone())],
    )?;
    let batches = other.ledger().batches().await?;
    let folders: Vec<_> = batches.into_iter().map(|entry| entry.folder).collect();
    same("folders of batches", folders, [after.clone()])?;
    for (folder, count) in [(before, 0), (after, 2)] {
        let filter = Filter {
            folder: Some(folder),
            ..Filter::default()
        };
        same(
            "predictions in the folder",
            other.ledger().list(filter).await?.len(),
            count,
        )?;
    }
    Ok(())
}

pub(super) async fn a_batch_stays_at_its_service(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let elsewhere = Peer::start_at(harness, ELSEWHERE).await?;
    one.load(rows(&["a"])?, plan(harness)).await?;
    let moved = harness.folder().join("moved");
    for dry in [true, false] {
        let mut there = Plan::new("batch", &moved, ELSEWHERE);
        there.dry = dry;
        let loader = elsewhere.ledger().loader();
        loader.add(rows(&["a", "b"])?).await?;
        let report = loader.load(there).await;
        refused("the batch at another service", report, ErrorKind::Folder)?;
    }
    same("predictions", one.all().await?.len(), 1)?;
    let batches = one.ledger().batches().await?;
    let found: Vec<_> = batches
        .into_iter()
        .map(|it| (it.folder, it.service))
        .collect();
    same("batches", found, [(harness.folder(), SERVICE.to_owned())])?;
    // Its rows are not of the other service either.
    let (loader, _) = one.load(rows(&["a"])?, plan(harness)).await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    let marks = [
        Mark::Sending,
        created("p"),
        Mark::Ended(Outcome::succeeded()),
    ];
    one.record(seq, marks).await?;
    same("service", one.entry(seq).await?.service, SERVICE)?;
    one.stands(seq, State::Ended, false).await
}
