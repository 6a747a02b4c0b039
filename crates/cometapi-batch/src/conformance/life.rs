//! Life is known, not timed.

use std::time::Duration;

use cometapi::ErrorKind as Kind;

use crate::conformance::check::{Checked, exactly, refused, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{Peer, created, failed, intent, plan, rows, seen, to_send};
use crate::error::ErrorKind;
use crate::ledger::{Begun, Mark, Outcome, State, Want};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn a_silent_worker_keeps_what_it_holds(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (mine, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let (others, _) = other.load(rows(&["a", "b"])?, plan(harness)).await?;
    let [first, second] = exactly("rows", one.claim(mine.id(), 9).await?.jobs)?;
    one.record(first.seq, [Mark::Sending]).await?;
    let single = one.send("single").await?.seq;
    one.record(single, [created("p")]).await?;
    harness.pass_time(DAY).await;

    let claimed = other.claim(others.id(), 9).await?;
    same(
        "claimed and elsewhere:",
        (claimed.jobs.len(), claimed.elsewhere),
        (0, 2),
    )?;
    let claimed = other.ledger().claim(other.worker, Want::new(None, 9, 0));
    same("claimed", claimed.await?.jobs.len(), 0)?;
    let adopted = other.ledger().adopt(other.worker, "p".to_owned()).await?;
    same("adopted", adopted.map(|job| job.seq), None)?;
    other.stands(first.seq, State::Sending, true).await?;
    one.record(first.seq, [created("p1"), seen("processing")])
        .await?;
    one.record(second.seq, [Mark::Sending, created("p2")])
        .await?;
    one.record(single, [Mark::Ended(Outcome::succeeded())])
        .await
}

pub(super) async fn what_an_ended_worker_held_is_free_at_once(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let three = || rows(&["a", "b", "c"]);
    let (mine, _) = one.load(three()?, plan(harness)).await?;
    let (others, _) = other.load(three()?, plan(harness)).await?;
    let [first, second, _] = exactly("rows", one.claim(mine.id(), 9).await?.jobs)?;
    one.record(first.seq, [Mark::Sending]).await?;
    let marks = [Mark::Sending, created("p1"), seen("processing")];
    one.record(second.seq, marks).await?;
    let claimed = other.claim(others.id(), 9).await?;
    same(
        "claimed and elsewhere:",
        (claimed.jobs.len(), claimed.elsewhere),
        (0, 3),
    )?;
    drop(mine);
    one.kill().await;

    let taken = other.claim(others.id(), 9).await?.jobs;
    let taken: Vec<_> = taken
        .iter()
        .map(|job| (job.line, job.id.as_deref()))
        .collect();
    same("claimed", taken, [(Some(2), Some("p1")), (Some(3), None)])?;
    let tally = other.tally(others.id()).await?;
    let counts = (tally.unresolved, tally.running, tally.planned);
    same("unresolved, running and planned:", counts, (1, 1, 1))?;
    let entry = other.entry(first.seq).await?;
    let kind = entry.outcome.and_then(|outcome| outcome.kind);
    same("kind of the outcome", kind, Some(Kind::MaybeAccepted))
}

pub(super) async fn what_is_not_sent_when_its_worker_ends_was_not_created(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let single = one.begin("single").await?.seq;
    let with_key = to_send(one.begin_key("key", "a")?.await?)?.seq;
    one.kill().await;
    // Any call that takes predictions notices that the worker has ended.
    let adopted = other.ledger().adopt(other.worker, "p".to_owned()).await?;
    same("adopted", adopted.map(|job| job.seq), None)?;
    other.stands(with_key, State::Planned, false).await?;
    // A key can be asked for again, also with another input,
    let begun = other.begin_key("key", "b")?.await?;
    same("number", to_send(begun)?.seq, with_key)?;
    other.stands(with_key, State::Planned, true).await?;
    // and without a key nobody could take it up.
    other.stands(single, State::Ended, false).await?;
    let kind = other
        .entry(single)
        .await?
        .outcome
        .and_then(|outcome| outcome.kind);
    same("kind of the outcome", kind, Some(Kind::NeverReached))
}

pub(super) async fn an_ended_worker_is_noticed_by_each_call_that_takes(
    harness: &dyn Harness,
) -> Checked {
    // By `adopt`,
    let one = Peer::start(harness).await?;
    let other = Peer::start(harness).await?;
    let seq = one.send("a").await?.seq;
    one.record(seq, [created("p"), seen("processing")]).await?;
    one.kill().await;
    let adopted = other.ledger().adopt(other.worker, "p".to_owned()).await?;
    same("adopted", adopted.map(|job| job.seq), Some(seq))?;
    // by `begin`,
    let one = Peer::start(harness).await?;
    one.send_key("key", "a").await?;
    one.kill().await;
    let begun = other.begin_key("key", "a")?.await?;
    same(
        "whether it is over:",
        matches!(begun, Begun::Over { .. }),
        true,
    )?;
    // and by `load`.
    let one = Peer::start(harness).await?;
    let (loader, _) = one.load(rows(&["a"])?, plan(harness)).await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    one.record(seq, [Mark::Sending]).await?;
    drop(loader);
    one.kill().await;
    let (_, report) = other.load(rows(&["a"])?, plan(harness)).await?;
    same("unresolved rows", report.tally.unresolved, 1)
}

pub(super) async fn a_retired_worker_takes_nothing(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (loader, _) = one.load(rows(&["a"])?, plan(harness)).await?;
    let seq = other.send("single").await?.seq;
    other.record(seq, [created("p"), Mark::Released]).await?;
    let with_key = other.send_key("known", "x").await?.seq;
    let marks = [created("q"), Mark::Released];
    other.record(with_key, marks).await?;
    one.retire().await?;
    one.retire().await?;
    let (ledger, worker) = (one.ledger(), one.worker);
    let before = other.all().await?.len();
    let claimed = ledger
        .claim(worker, Want::new(Some(loader.id()), 1, 1))
        .await;
    refused("its claim", claimed, ErrorKind::Lost)?;
    let adopted = ledger.adopt(worker, "p".to_owned()).await;
    refused("its adoption", adopted, ErrorKind::Lost)?;
    for intent in [
        intent("x")?,
        intent("x")?.with_key("new"),
        intent("x")?.with_key("known"),
    ] {
        let begun = ledger.begin(worker, intent).await;
        refused("its prediction", begun, ErrorKind::Lost)?;
    }
    same("predictions", other.all().await?.len(), before)?;
    other.stands(seq, State::Running, false).await
}

pub(super) async fn late_marks_are_refused(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (mine, _) = one.load(rows(&["a", "b", "c"])?, plan(harness)).await?;
    let (others, _) = other.load(rows(&["a", "b", "c"])?, plan(harness)).await?;
    let [first, second, third] = exactly("rows", one.claim(mine.id(), 9).await?.jobs)?;
    one.record(first.seq, [Mark::Sending]).await?;
    one.record(second.seq, [Mark::Sending, created("p")])
        .await?;
    // As another process does that takes this one for ended.
    other.ledger().retire(one.worker).await?;
    let late = [
        (first.seq, Mark::NotSent),
        (first.seq, failed(Kind::Refused)),
        (second.seq, Mark::Ended(Outcome::succeeded())),
        (second.seq, Mark::Result("{}".to_owned())),
        (second.seq, seen("processing")),
        (second.seq, Mark::Released),
        (third.seq, Mark::Sending),
    ];
    for (seq, mark) in late {
        let what = format!("{mark:?} by a worker that was retired");
        refused(&what, one.mark(seq, mark).await, ErrorKind::Lost)?;
    }
    let tally = other.tally(others.id()).await?;
    let counts = (tally.unresolved, tally.running, tally.planned);
    same("unresolved, running and planned:", counts, (1, 1, 1))?;
    // Nor when another has taken it.
    let taken = other.claim(others.id(), 9).await?.jobs;
    same("claimed", taken.len(), 2)?;
    let late = one.mark(third.seq, Mark::Sending).await;
    refused("sending what another holds", late, ErrorKind::Lost)?;
    let late = one.mark(second.seq, created("q")).await;
    refused("another id of what another holds", late, ErrorKind::Lost)?;
    other.record(third.seq, [Mark::Sending]).await
}

pub(super) async fn an_id_that_comes_late_is_kept(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let seq = one.send("a").await?.seq;
    other.ledger().retire(one.worker).await?;
    other.stands(seq, State::Unresolved, false).await?;
    one.record(seq, [created("p")]).await?;
    // No worker holds it, so any that lives can wait for it.
    let entry = one.entry(seq).await?;
    same("id", entry.id.as_deref(), Some("p"))?;
    same(
        "state and whether it is held:",
        (entry.state, entry.held),
        (State::Running, false),
    )?;
    same("outcome", entry.outcome, None)?;
    let claimed = other.ledger().claim(other.worker, Want::new(None, 9, 0));
    let [job] = exactly("prediction to claim", claimed.await?.jobs)?;
    same("number", job.seq, seq)
}

pub(super) async fn what_is_released_while_it_is_sent_is_unresolved(
    harness: &dyn Harness,
) -> Checked {
    let one = Peer::start(harness).await?;
    let (loader, _) = one.load(rows(&["a"])?, plan(harness)).await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    one.record(seq, [Mark::Sending, Mark::Released]).await?;
    one.stands(seq, State::Unresolved, false).await?;
    let kind = one
        .entry(seq)
        .await?
        .outcome
        .and_then(|outcome| outcome.kind);
    same("kind of the outcome", kind, Some(Kind::MaybeAccepted))?;
    // The same of one without a batch.
    let seq = one.send("single").await?.seq;
    one.record(seq, [Mark::Released]).await?;
    one.stands(seq, State::Unresolved, false).await
}
