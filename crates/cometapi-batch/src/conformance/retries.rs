//! What happens to recorded rows that are run again.

use std::path::Path;
use std::time::{Duration, Instant};

use cometapi::ErrorKind as Kind;

use crate::conformance::check::{Checked, Mismatch, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{Peer, created, failed, plan, row, rows};
use crate::ledger::{FileRecord, Mark, Outcome, Plan};

fn retry(harness: &dyn Harness) -> Plan {
    let mut plan = plan(harness);
    plan.retry_failed = true;
    plan
}

pub(super) async fn a_failed_row_is_created_again_only_when_asked(
    harness: &dyn Harness,
) -> Checked {
    let one = Peer::start(harness).await?;
    let five = || rows(&["a", "b", "c", "d", "e"]);
    let (loader, _) = one.load(five()?, plan(harness)).await?;
    let unknown = Outcome::failed(Kind::MaybeAccepted, "cut");
    let ends = [
        vec![created("p0"), failed(Kind::Failed)],
        vec![created("p1"), Mark::Ended(Outcome::succeeded())],
        vec![Mark::Unresolved(unknown)],
        vec![failed(Kind::Refused)],
        vec![created("p4"), failed(Kind::Download)],
    ];
    for (job, marks) in one.claim(loader.id(), 9).await?.jobs.iter().zip(ends) {
        one.record(job.seq, [Mark::Sending]).await?;
        one.record(job.seq, marks).await?;
    }
    drop(loader);
    let (_, report) = one.load(five()?, plan(harness)).await?;
    let tally = report.tally;
    let counts = (tally.succeeded, tally.unresolved, tally.failed());
    same("succeeded, unresolved and failed:", counts, (1, 1, 1))?;
    // The refused one was never created; the one without its files is followed by its id.
    same(
        "planned and running:",
        (tally.planned, tally.running),
        (1, 1),
    )?;

    let (_, report) = one.load(five()?, retry(harness)).await?;
    let tally = report.tally;
    let counts = (tally.planned, tally.unresolved, tally.failed());
    same("planned, unresolved and failed:", counts, (2, 1, 0))?;
    let mut both = retry(harness);
    both.retry_unresolved = true;
    let (_, report) = one.load(five()?, both).await?;
    let tally = report.tally;
    let counts = (tally.planned, tally.unresolved, tally.total());
    same("planned, unresolved and all:", counts, (3, 0, 5))?;
    // The records of what was superseded are kept.
    let all = one.all().await?;
    let superseded = all.iter().filter(|entry| entry.superseded);
    same(
        "predictions and superseded ones:",
        (all.len(), superseded.count()),
        (7, 2),
    )
}

pub(super) async fn only_what_was_provably_not_created_is_planned_again(
    harness: &dyn Harness,
) -> Checked {
    let one = Peer::start(harness).await?;
    let all = || rows(&["a", "b", "c", "d", "e", "f"]);
    let (loader, _) = one.load(all()?, plan(harness)).await?;
    // Without an id: recording it may have failed.
    let ends = [
        Mark::Ended(Outcome::succeeded()),
        failed(Kind::Failed),
        failed(Kind::NotFound),
        failed(Kind::File),
        failed(Kind::Refused),
        failed(Kind::NeverReached),
    ];
    for (job, end) in one.claim(loader.id(), 9).await?.jobs.iter().zip(ends) {
        one.record(job.seq, [Mark::Sending, end]).await?;
    }
    drop(loader);
    let (_, report) = one.load(all()?, plan(harness)).await?;
    let tally = report.tally;
    same(
        "planned and running:",
        (tally.planned, tally.running),
        (2, 0),
    )
}

pub(super) async fn files_that_may_be_there_are_followed_before_they_are_paid_for_again(
    harness: &dyn Harness,
) -> Checked {
    let one = Peer::start(harness).await?;
    // An id that is not found may be found with another key.
    let unknown = || -> Checked<_> { Ok(vec![row(1, Some("not found"), "x")?]) };
    let (loader, _) = one.load(unknown()?, plan(harness)).await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    one.record(seq, [Mark::Sending, created("p1"), failed(Kind::NotFound)])
        .await?;
    let (_, report) = one.load(unknown()?, retry(harness)).await?;
    let tally = report.tally;
    same(
        "planned and running:",
        (tally.planned, tally.running),
        (0, 1),
    )?;

    // A file host's passing refusal looks like files that are gone.
    let gone = || -> Checked<_> { Ok(vec![row(1, Some("expired"), "x")?]) };
    let (loader, _) = one.load(gone()?, plan(harness)).await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    one.record(seq, [Mark::Sending, created("p2"), failed(Kind::Expired)])
        .await?;
    for plan in [retry(harness), plan(harness)] {
        let (loader, report) = one.load(gone()?, plan).await?;
        let tally = report.tally;
        same(
            "planned and running:",
            (tally.planned, tally.running),
            (0, 1),
        )?;
        same("number", one.claim_one(loader.id()).await?.seq, seq)?;
        one.record(seq, [failed(Kind::Expired)]).await?;
    }
    // Followed, and not there: now it is created again on request.
    let (_, report) = one.load(gone()?, retry(harness)).await?;
    let tally = report.tally;
    same(
        "planned and running:",
        (tally.planned, tally.running),
        (1, 0),
    )
}

pub(super) async fn the_end_of_a_success_stays(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let file = FileRecord {
        position: 0,
        path: Path::new("none.png").to_owned(),
        bytes: 3,
        media_type: "image/png".to_owned(),
    };
    let success = || Mark::Ended(Outcome::succeeded());
    // An end without a success is only when a worker gave up.
    for (id, marks, stays) in [
        ("a", vec![Mark::Saved(file), success()], true),
        ("b", vec![failed(Kind::NotFound)], false),
    ] {
        let rows = || -> Checked<_> { Ok(vec![row(1, Some(id), "x")?]) };
        let (loader, _) = one.load(rows()?, plan(harness)).await?;
        let seq = one.claim_one(loader.id()).await?.seq;
        one.record(seq, [Mark::Sending, created(id)]).await?;
        one.record(seq, marks).await?;
        let first = one.entry(seq).await?.ended_at;
        for end in [failed(Kind::File), success()] {
            tick();
            let (loader, _) = one.load(rows()?, retry(harness)).await?;
            same("number", one.claim_one(loader.id()).await?.seq, seq)?;
            same("end of what runs", one.entry(seq).await?.ended_at, None)?;
            one.record(seq, [end]).await?;
            let is_first = one.entry(seq).await?.ended_at == first;
            same("whether the end is the first one:", is_first, stays)?;
        }
    }
    Ok(())
}

/// Waits until a ledger that counts milliseconds sees another time.
fn tick() {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2) {
        std::hint::spin_loop();
    }
}

pub(super) async fn a_success_is_followed_if_a_file_is_missing(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let file = harness.folder().join("x.png");
    let write = |bytes: &[u8]| {
        let written = std::fs::write(&file, bytes);
        written.map_err(|e| Mismatch::new("a folder that can be written", e))
    };
    write(b"abc")?;
    let again = || rows(&["a"]);
    let (loader, _) = one.load(again()?, plan(harness)).await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    let saved = || {
        Mark::Saved(FileRecord {
            position: 0,
            path: Path::new("x.png").to_owned(),
            bytes: 3,
            media_type: "image/png".to_owned(),
        })
    };
    let end = || Mark::Ended(Outcome::succeeded());
    one.record(seq, [Mark::Sending, created("p"), saved(), end()])
        .await?;
    drop(loader);
    let (loader, report) = one.load(again()?, plan(harness)).await?;
    same("succeeded rows", report.tally.succeeded, 1)?;
    drop(loader);
    // Of another size, then gone.
    for is_there in [true, false] {
        if is_there {
            write(b"ab")?;
        } else {
            let removed = std::fs::remove_file(&file);
            removed.map_err(|e| Mismatch::new("a file that can be removed", e))?;
        }
        let (loader, report) = one.load(again()?, plan(harness)).await?;
        same("running rows", report.tally.running, 1)?;
        let job = one.claim_one(loader.id()).await?;
        same("id", job.id.as_deref(), Some("p"))?;
        one.record(seq, [saved(), end()]).await?;
    }
    Ok(())
}
