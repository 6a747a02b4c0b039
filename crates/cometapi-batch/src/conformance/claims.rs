//! Claims are atomic.

use std::collections::BTreeSet;
use std::time::Duration;

use cometapi::ErrorKind as Kind;

use crate::conformance::check::{Checked, exactly, refused, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{ELSEWHERE, Peer, SERVICE, created, failed, plan, row, rows, seen};
use crate::error::ErrorKind;
use crate::ledger::{Filter, Job, Mark, Outcome, State, Want};

fn ids(jobs: &[Job]) -> Vec<Option<&str>> {
    jobs.iter().map(|job| job.id.as_deref()).collect()
}

pub(super) async fn no_prediction_is_held_by_two_workers(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let prompts = ["a", "b", "c", "d", "e", "f", "a"];
    let (mine, _) = one.load(rows(&prompts)?, plan(harness)).await?;
    let (others, report) = other.load(rows(&prompts)?, plan(harness)).await?;
    same("planned rows", report.tally.planned, 7)?;
    let mut held = Vec::new();
    let mut by_other = 0;
    for _ in 0..2 {
        // At once, as two processes do.
        let claims = tokio::join!(one.claim(mine.id(), 2), other.claim(others.id(), 2));
        held.extend(claims.0?.jobs);
        let jobs = claims.1?.jobs;
        by_other += jobs.len() as u64;
        held.extend(jobs);
    }
    let seqs: BTreeSet<u64> = held.iter().map(|job| job.seq).collect();
    let different = "different rows among those claimed:";
    same(different, seqs.len(), held.len())?;
    same("claimed rows", held.len(), 7)?;
    let claimed = one.claim(mine.id(), 2).await?;
    same("rows left to claim", claimed.jobs.len(), 0)?;
    let elsewhere = "rows that are held elsewhere";
    same(elsewhere, claimed.elsewhere, by_other)?;

    let prediction = one.send("single").await?;
    one.record(prediction.seq, [created("p"), Mark::Released])
        .await?;
    let third = Peer::start(harness).await?;
    let adopt = |peer: &Peer| peer.ledger().adopt(peer.worker, "p".to_owned());
    let adopted = tokio::join!(adopt(&other), adopt(&third));
    let adopted = usize::from(adopted.0?.is_some()) + usize::from(adopted.1?.is_some());
    same("workers that adopted the prediction", adopted, 1)
}

pub(super) async fn record_compares_the_worker(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (loader, _) = other.load(rows(&["a"])?, plan(harness)).await?;
    let seq = other.claim_one(loader.id()).await?.seq;
    for mark in [
        Mark::Sending,
        created("p"),
        seen("processing"),
        Mark::Result("{}".to_owned()),
        Mark::Released,
        failed(Kind::Refused),
    ] {
        let what = format!("{mark:?} by a worker that does not hold the prediction");
        refused(&what, one.mark(seq, mark).await, ErrorKind::Lost)?;
    }
    other.stands(seq, State::Planned, true).await?;
    other.record(seq, [Mark::Sending, created("p")]).await?;
    other.stands(seq, State::Running, true).await
}

pub(super) async fn a_claim_begins_with_what_has_an_id(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let all = || rows(&["a", "b", "c"]);
    let (loader, _) = one.load(all()?, plan(harness)).await?;
    let jobs = one.claim(loader.id(), 9).await?.jobs;
    let [_, second, _] = exactly("rows", jobs)?;
    one.record(second.seq, [Mark::Sending, created("p2")])
        .await?;
    drop(loader);
    one.retire().await?;
    let (loader, _) = other.load(all()?, plan(harness)).await?;
    let jobs = other.claim(loader.id(), 2).await?.jobs;
    same("claimed", ids(&jobs), [Some("p2"), None])?;
    let lines: Vec<_> = jobs.iter().map(|job| job.line).collect();
    same("lines", lines, [Some(2), Some(1)])
}

pub(super) async fn a_claim_takes_no_more_than_is_asked_for(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (loader, _) = one
        .load(rows(&["a", "b", "c", "d"])?, plan(harness))
        .await?;
    let claim = async |want| -> Checked<usize> {
        Ok(one.ledger().claim(one.worker, want).await?.jobs.len())
    };
    let load = Some(loader.id());
    same("rows, of none,", claim(Want::new(load, 0, 9)).await?, 0)?;
    same(
        "rows, of none to create,",
        claim(Want::new(load, 9, 0)).await?,
        0,
    )?;
    same(
        "rows, of one to create,",
        claim(Want::new(load, 9, 1)).await?,
        1,
    )?;
    same(
        "rows, of two in all,",
        claim(Want::new(load, 2, 9)).await?,
        2,
    )?;
    // Without a load nothing is created, whatever is asked for.
    same(
        "rows without a load",
        claim(Want::new(None, 9, 9)).await?,
        0,
    )?;
    let claimed = other.ledger().claim(other.worker, Want::new(None, 9, 9));
    same("rows without a load", claimed.await?.jobs.len(), 0)?;
    same("rows left", claim(Want::new(load, 9, 9)).await?, 1)
}

pub(super) async fn a_claim_that_was_dropped_is_freed_with_its_worker(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (mine, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    drop(
        one.ledger()
            .claim(one.worker, Want::new(Some(mine.id()), 2, 2)),
    );
    one.retire().await?;
    let (others, report) = other.load(rows(&["a", "b"])?, plan(harness)).await?;
    same("planned rows", report.tally.planned, 2)?;
    same(
        "rows to claim",
        other.claim(others.id(), 9).await?.jobs.len(),
        2,
    )
}

pub(super) async fn what_a_worker_released_it_does_not_claim_again(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (mine, _) = one.load(rows(&["a"])?, plan(harness)).await?;
    let (others, _) = other.load(rows(&["a"])?, plan(harness)).await?;
    let seq = one.claim_one(mine.id()).await?.seq;
    one.record(seq, [Mark::Released]).await?;
    one.stands(seq, State::Planned, false).await?;
    let claimed = one.claim(mine.id(), 1).await?;
    same(
        "claimed and elsewhere:",
        (claimed.jobs.len(), claimed.elsewhere),
        (0, 0),
    )?;
    same("number", other.claim_one(others.id()).await?.seq, seq)
}

pub(super) async fn predictions_of_another_service_are_not_taken(harness: &dyn Harness) -> Checked {
    let mut here = Peer::start(harness).await?;
    let there = Peer::start_at(harness, ELSEWHERE).await?;
    for (peer, id) in [(&here, "here"), (&there, "there")] {
        let seq = peer.send("a").await?.seq;
        peer.record(seq, [created(id), Mark::Released]).await?;
        peer.retire().await?;
    }
    here.renew().await?;
    let adopted = here.ledger().adopt(here.worker, "there".to_owned()).await?;
    same("adopted", adopted.map(|job| job.id), None)?;
    let claimed = here.ledger().claim(here.worker, Want::new(None, 9, 0));
    same("claimed", ids(&claimed.await?.jobs), [Some("here")])
}

pub(super) async fn what_no_living_worker_holds_can_be_adopted(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let adopt = async |id: &str| other.ledger().adopt(other.worker, id.to_owned()).await;
    let seq = one.send("a").await?.seq;
    one.record(seq, [created("p")]).await?;
    same(
        "adopted, while it is held,",
        adopt("p").await?.map(|job| job.seq),
        None,
    )?;
    same(
        "adopted, of an unknown id,",
        adopt("q").await?.map(|job| job.seq),
        None,
    )?;
    one.retire().await?;
    let claimed = other.ledger().claim(other.worker, Want::new(None, 5, 5));
    same("claimed", ids(&claimed.await?.jobs), [Some("p")])?;
    other.record(seq, [Mark::Released]).await?;
    // What it has released itself, too: it was asked for by its id.
    let [adopted] = exactly("adopted prediction", Vec::from_iter(adopt("p").await?))?;
    same("number", adopted.seq, seq)?;
    same("folder", adopted.folder, None)?;
    other.stands(seq, State::Running, true).await?;
    other.record(seq, [failed(Kind::Failed)]).await?;
    let failed = Filter {
        failed: true,
        ..Filter::default()
    };
    same(
        "failed predictions",
        one.ledger().list(failed).await?.len(),
        1,
    )
}

pub(super) async fn a_final_end_is_not_adopted(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let ends = [
        (Outcome::succeeded(), false),
        (Outcome::failed(Kind::Failed, "why"), false),
        (Outcome::failed(Kind::Expired, "gone"), true),
        (Outcome::failed(Kind::Download, "away"), true),
        (Outcome::failed(Kind::NotFound, "unknown"), true),
    ];
    for (line, (outcome, is_adopted)) in (1..).zip(ends) {
        let id = format!("p{line}");
        let row = || row(line, Some(&id), "x");
        let (mine, _) = one.load(vec![row()?], plan(harness)).await?;
        let seq = one.claim_one(mine.id()).await?.seq;
        let what = format!("whether {} is adopted:", outcome.word());
        one.record(seq, [Mark::Sending, created(&id), Mark::Ended(outcome)])
            .await?;
        let adopted = one.ledger().adopt(one.worker, id.clone()).await?;
        same(&what, adopted.is_some(), is_adopted)?;
        if !is_adopted {
            one.stands(seq, State::Ended, false).await?;
            continue;
        }
        one.stands(seq, State::Running, true).await?;
        // The worker that holds it keeps it.
        let mut again = plan(harness);
        again.retry_failed = true;
        let (_, report) = other.load(vec![row()?], again).await?;
        let tally = report.tally;
        same(
            "running and planned:",
            (tally.running, tally.planned),
            (1, 0),
        )?;
        one.record(seq, [Mark::Ended(Outcome::succeeded())]).await?;
    }
    Ok(())
}

pub(super) async fn a_pause_is_kept_by_every_process_at_the_service(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let there = Peer::start_at(harness, ELSEWHERE).await?;
    let paused = async |peer: &Peer| -> Checked<Duration> {
        let claimed = peer.ledger().claim(peer.worker, Want::new(None, 1, 0));
        Ok(claimed.await?.paused)
    };
    let what = "pause of a service that has not asked for one:";
    same(what, paused(&other).await?, Duration::ZERO)?;
    let (short, long) = (Duration::from_secs(60), Duration::from_secs(3600));
    for pause in [long, short] {
        one.ledger().pause(SERVICE.to_owned(), pause).await?;
        for peer in [&one, &other] {
            let left = paused(peer).await?;
            let is_long = left > short && left <= long;
            same("whether the longest pause counts:", is_long, true)?;
        }
    }
    let what = "pause of another service:";
    same(what, paused(&there).await?, Duration::ZERO)
}
