//! What marks do.

use cometapi::ErrorKind as Kind;

use crate::conformance::check::{Checked, exactly, refused, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{ELSEWHERE, Peer, created, failed, plan, rows, seen};
use crate::error::ErrorKind;
use crate::ledger::{Mark, Outcome, State};

pub(super) async fn an_id_is_of_one_prediction_of_a_service(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let elsewhere = Peer::start_at(harness, ELSEWHERE).await?;
    let (loader, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let [first, second] = exactly("rows", one.claim(loader.id(), 9).await?.jobs)?;
    one.record(first.seq, [Mark::Sending]).await?;
    one.record(second.seq, [Mark::Sending]).await?;
    // Again is the same.
    one.record(first.seq, [created("p1"), created("p1")])
        .await?;
    let taken = one.mark(second.seq, created("p1")).await;
    refused("the id of another prediction", taken, ErrorKind::TakenId)?;
    // Nothing has changed: the caller says what it is.
    let tally = one.tally(loader.id()).await?;
    same(
        "running and sending:",
        (tally.running, tally.sending),
        (1, 1),
    )?;
    let doubt = Outcome::failed(Kind::MaybeAccepted, "taken");
    one.record(second.seq, [Mark::Unresolved(doubt.clone())])
        .await?;
    let tally = one.tally(loader.id()).await?;
    same(
        "running and unresolved:",
        (tally.running, tally.unresolved),
        (1, 1),
    )?;
    same("outcome", one.entry(second.seq).await?.outcome, Some(doubt))?;
    // At another service it means nothing.
    let seq = elsewhere.send("a").await?.seq;
    elsewhere.record(seq, [created("p1")]).await
}

pub(super) async fn what_was_not_sent_is_still_held(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (loader, _) = one.load(rows(&["a"])?, plan(harness)).await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    one.record(seq, [Mark::Sending, Mark::NotSent]).await?;
    other.stands(seq, State::Planned, true).await?;
    one.record(seq, [Mark::Sending]).await?;
    other.stands(seq, State::Sending, true).await?;
    // What was not sent is planned when its worker ends, and not unresolved.
    one.record(seq, [Mark::NotSent]).await?;
    one.retire().await?;
    other.stands(seq, State::Planned, false).await
}

pub(super) async fn no_end_is_overwritten(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let unresolved = Outcome::failed(Kind::MaybeAccepted, "cut");
    for (id, end) in [
        ("p1", Mark::Ended(Outcome::succeeded())),
        ("p2", failed(Kind::Failed)),
        ("p3", Mark::Unresolved(unresolved)),
    ] {
        let seq = one.send("a").await?.seq;
        one.record(seq, [created(id), end]).await?;
        let before = format!("{:?}", one.entry(seq).await?);
        for late in [
            Mark::NotSent,
            seen("processing"),
            Mark::Released,
            failed(Kind::Expired),
        ] {
            let what = format!("{late:?} after the end");
            refused(&what, one.mark(seq, late).await, ErrorKind::Lost)?;
        }
        same("entry", format!("{:?}", one.entry(seq).await?), before)?;
    }
    Ok(())
}
