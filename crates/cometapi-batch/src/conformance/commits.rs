//! A result is a commit, and what is asked for is done.

use std::path::PathBuf;

use crate::conformance::check::{Checked, Mismatch, exactly, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{Peer, created, json, seen};
use crate::ledger::{Entry, FileRecord, Mark, Outcome, State, Want};

fn saved(harness: &dyn Harness) -> FileRecord {
    FileRecord {
        position: 0,
        path: path(harness),
        bytes: 3,
        media_type: "image/png".to_owned(),
    }
}

fn path(harness: &dyn Harness) -> PathBuf {
    harness.folder().join("x.png")
}

fn words(entry: &Entry) -> Vec<&str> {
    entry.seen.iter().map(|(_, word)| word.as_str()).collect()
}

pub(super) async fn a_result_is_seen_by_others_at_once(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let seq = one.begin("a").await?.seq;
    let [entry] = exactly("predictions", other.all().await?)?;
    same("number", entry.seq, seq)?;
    same("input", entry.input, json("a"))?;
    other.stands(seq, State::Planned, true).await?;
    one.record(seq, [Mark::Sending]).await?;
    other.stands(seq, State::Sending, true).await?;

    let created = Mark::Created {
        id: "p".to_owned(),
        request_id: Some("r".to_owned()),
    };
    one.record(seq, [created]).await?;
    let entry = other.entry(seq).await?;
    same("id", entry.id.as_deref(), Some("p"))?;
    same("id of the request", entry.request_id.as_deref(), Some("r"))?;
    same("state", entry.state, State::Running)?;
    same(
        "whether the time is known",
        entry.created_at.is_some(),
        true,
    )?;

    one.record(seq, [seen("processing")]).await?;
    same(
        "states seen",
        words(&other.entry(seq).await?),
        ["processing"],
    )?;
    one.record(seq, [Mark::Saved(saved(harness))]).await?;
    same("files", other.entry(seq).await?.files, [saved(harness)])?;

    let mut outcome = Outcome::failed(cometapi::ErrorKind::Failed, "why");
    outcome.request_ids = vec!["r1".to_owned()];
    one.record(seq, [Mark::Ended(outcome.clone())]).await?;
    let entry = other.entry(seq).await?;
    same(
        "state and whether it is held:",
        (entry.state, entry.held),
        (State::Ended, false),
    )?;
    same("outcome", entry.outcome, Some(outcome))
}

pub(super) async fn a_result_survives_the_process(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let [first, second, third] = [
        one.send("a").await?.seq,
        one.send("b").await?.seq,
        one.send("c").await?.seq,
    ];
    let saved_mark = Mark::Saved(saved(harness));
    one.record(first, [created("p1"), seen("processing"), saved_mark])
        .await?;
    let end = Mark::Ended(Outcome::succeeded());
    one.record(second, [created("p2"), end]).await?;
    // The last thing that the process does.
    one.record(third, [created("p3")]).await?;
    one.kill().await;

    let other = Peer::start(harness).await?;
    let entry = other.entry(first).await?;
    same("id", entry.id.as_deref(), Some("p1"))?;
    same("states seen", words(&entry), ["processing"])?;
    same("files", entry.files, [saved(harness)])?;
    let entry = other.entry(second).await?;
    same("state", entry.state, State::Ended)?;
    same("outcome", entry.outcome, Some(Outcome::succeeded()))?;
    let entry = other.entry(third).await?;
    same("id", entry.id.as_deref(), Some("p3"))?;
    same("state", entry.state, State::Running)
}

pub(super) async fn record_is_done_although_its_future_is_dropped(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let seq = one.send("a").await?.seq;
    drop(one.mark(seq, created("p")));
    // Done after it.
    one.record(seq, [seen("processing")]).await?;
    let entry = other.entry(seq).await?;
    same("id", entry.id.as_deref(), Some("p"))?;
    same("states seen", words(&entry), ["processing"])
}

pub(super) async fn marks_are_recorded_in_the_order_of_the_calls(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let seq = one.send("a").await?.seq;
    let marks = [
        created("p"),
        seen("1"),
        seen("2"),
        seen("3"),
        seen("4"),
        Mark::Ended(Outcome::succeeded()),
    ];
    // All are asked for before any is awaited, and the last is awaited first.
    let asked: Vec<_> = marks.map(|mark| one.mark(seq, mark)).into();
    for future in asked.into_iter().rev() {
        future.await?;
    }
    let entry = other.entry(seq).await?;
    same("states seen", words(&entry), ["1", "2", "3", "4"])?;
    same("state", entry.state, State::Ended)
}

pub(super) async fn retire_is_done_although_its_future_is_dropped(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let [first, second] = [one.send("a").await?.seq, one.send("b").await?.seq];
    one.record(first, [created("p")]).await?;
    // Asked for before the worker is retired, and so done before.
    drop(one.mark(second, created("q")));
    drop(one.ledger().retire(one.worker));
    // Retiring it again does nothing, after the first time.
    one.retire().await?;
    let claimed = other.ledger().claim(other.worker, Want::new(None, 9, 0));
    let mut ids = Vec::new();
    for job in claimed.await?.jobs {
        ids.push(job.id.ok_or_else(|| Mismatch::new("an id", "none"))?);
    }
    ids.sort_unstable();
    same("predictions that are free:", ids, ["p", "q"])
}
