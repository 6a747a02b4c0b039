//! The same key is the same prediction.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use cometapi::ErrorKind as Kind;
use tokio::task::JoinSet;

use crate::conformance::check::{Checked, Mismatch, exactly, refused, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{
    ELSEWHERE, Peer, created, failed, intent, json, model, seen, to_send, unlike,
};
use crate::error::ErrorKind;
use crate::ledger::{Begun, Entry, Filter, Intent, Job, Mark, Outcome, State};

/// Enough that calls for many of them are made at once.
const MANY: u32 = 24;

fn held(begun: Begun) -> Checked<Entry> {
    match begun {
        Begun::Held(entry) => Ok(*entry),
        other => Err(unlike("Begun::Held", &other)),
    }
}

fn followed(begun: Begun) -> Checked<Job> {
    match begun {
        Begun::Follow(job) => Ok(job),
        other => Err(unlike("Begun::Follow", &other)),
    }
}

fn over(begun: Begun) -> Checked<(Entry, Option<String>)> {
    match begun {
        Begun::Over { entry, result } => Ok((*entry, result)),
        other => Err(unlike("Begun::Over", &other)),
    }
}

/// Sends the prediction of "key", and has it go through `marks`.
async fn done(peer: &Peer, marks: impl IntoIterator<Item = Mark> + Send) -> Checked<u64> {
    let job = peer.send_key("key", "a").await?;
    peer.record(job.seq, marks).await?;
    Ok(job.seq)
}

pub(super) async fn calls_without_a_key_are_predictions_of_their_own(
    harness: &dyn Harness,
) -> Checked {
    let one = Peer::start(harness).await?;
    let (first, second) = (one.begin("a").await?, one.begin("a").await?);
    same("whether the two are one:", first.seq == second.seq, false)?;
    same("key", first.key, None)?;
    let keys: Vec<_> = one
        .all()
        .await?
        .into_iter()
        .map(|entry| entry.key)
        .collect();
    same("keys", keys, [None, None])
}

pub(super) async fn a_key_is_sent_once(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let mut calls = JoinSet::new();
    for number in 0..MANY {
        let key = format!("key {number}");
        for peer in [&one, &other, &one] {
            let (key, begun) = (key.clone(), peer.begin_key(&key, "a")?);
            calls.spawn(async move { (key, begun.await) });
        }
    }
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    while let Some(call) = calls.join_next().await {
        let (key, begun) = call.map_err(|e| Mismatch::new("a result of begin", e))?;
        let count = counts.entry(key.clone()).or_default();
        match begun? {
            Begun::Send(job) => {
                same("key", job.key.as_deref(), Some(key.as_str()))?;
                count.0 += 1;
            }
            Begun::Held(entry) => {
                same("key", entry.key.as_deref(), Some(key.as_str()))?;
                same(
                    "state and whether it is held:",
                    (entry.state, entry.held),
                    (State::Planned, true),
                )?;
                count.1 += 1;
            }
            begun => return Err(unlike("Begun::Send or Begun::Held", &begun)),
        }
    }
    for (key, count) in counts {
        same(
            &format!("calls for {key} that send it, and find it held:"),
            count,
            (1, 2),
        )?;
    }
    same("predictions", one.all().await?.len(), MANY as usize)
}

pub(super) async fn a_key_that_a_living_worker_holds_is_held(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let job = one.send_key("key", "a").await?;
    same("key", job.key.as_deref(), Some("key"))?;
    same("input", job.input, json("a"))?;
    one.stands(job.seq, State::Sending, true).await?;
    let entry = held(other.begin_key("key", "a")?.await?)?;
    same("number", entry.seq, job.seq)?;
    one.record(job.seq, [created("p"), seen("processing")])
        .await?;
    let entry = held(other.begin_key("key", "a")?.await?)?;
    same("id", entry.id.as_deref(), Some("p"))?;
    let key = Filter {
        key: Some("key".to_owned()),
        ..Filter::default()
    };
    let [entry] = exactly("prediction of the key", one.ledger().list(key).await?)?;
    same("number", entry.seq, job.seq)
}

pub(super) async fn a_key_is_followed_when_its_worker_has_ended(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let seq = done(&one, [created("p"), seen("processing")]).await?;
    one.kill().await;
    let job = followed(other.begin_key("key", "a")?.await?)?;
    same("number", job.seq, seq)?;
    same("id", job.id.as_deref(), Some("p"))?;
    same("key", job.key.as_deref(), Some("key"))?;
    other.stands(seq, State::Running, true).await?;
    let third = Peer::start(harness).await?;
    held(third.begin_key("key", "a")?.await?)?;
    // The same of one that was released.
    other.record(seq, [Mark::Released]).await?;
    let job = followed(third.begin_key("key", "a")?.await?)?;
    third
        .record(job.seq, [Mark::Ended(Outcome::succeeded())])
        .await?;
    same("predictions", third.all().await?.len(), 1)
}

pub(super) async fn a_key_is_followed_to_files_that_may_be_there(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    for (number, kind) in (1..).zip([Kind::Download, Kind::File, Kind::NotFound, Kind::Expired]) {
        let (key, id) = (format!("key {number}"), format!("p{number}"));
        let job = one.send_key(&key, "a").await?;
        one.record(job.seq, [created(&id), failed(kind)]).await?;
        let again = followed(other.begin_key(&key, "a")?.await?)?;
        same("number", again.seq, job.seq)?;
        same("id", again.id, Some(id))?;
        other.stands(job.seq, State::Running, true).await?;
    }
    Ok(())
}

pub(super) async fn a_key_that_is_over_returns_its_last_result(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let ends = [
        Outcome::succeeded(),
        Outcome::failed(Kind::Failed, "why"),
        Outcome::failed(Kind::Canceled, "by hand"),
    ];
    for (number, outcome) in (1..).zip(ends) {
        let (key, id) = (format!("key {number}"), format!("p{number}"));
        let job = one.send_key(&key, "a").await?;
        let results = ["1", "{\"a\":\"ü\"}"].map(|json| Mark::Result(json.to_owned()));
        one.record(job.seq, [created(&id)]).await?;
        one.record(job.seq, results).await?;
        one.record(job.seq, [Mark::Ended(outcome.clone())]).await?;
        for _ in 0..2 {
            let (entry, result) = over(other.begin_key(&key, "a")?.await?)?;
            same("number", entry.seq, job.seq)?;
            same(
                "state and whether it is held:",
                (entry.state, entry.held),
                (State::Ended, false),
            )?;
            same("outcome", entry.outcome, Some(outcome.clone()))?;
            same("result", result.as_deref(), Some("{\"a\":\"ü\"}"))?;
        }
    }
    // The record of one may have been lost, or was made without it.
    let job = one.send_key("no result", "a").await?;
    let end = Mark::Ended(Outcome::succeeded());
    one.record(job.seq, [created("p"), end]).await?;
    let (_, result) = over(other.begin_key("no result", "a")?.await?)?;
    same("result", result, None)
}

pub(super) async fn a_key_is_unresolved_when_its_worker_ended_while_sending(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let seq = done(&one, []).await?;
    one.kill().await;
    for _ in 0..2 {
        let (entry, result) = over(other.begin_key("key", "a")?.await?)?;
        same("number", entry.seq, seq)?;
        same(
            "state and whether it is held:",
            (entry.state, entry.held),
            (State::Unresolved, false),
        )?;
        let kind = entry.outcome.and_then(|outcome| outcome.kind);
        same("kind of the outcome", kind, Some(Kind::MaybeAccepted))?;
        same("result", result, None)?;
    }
    same("predictions", other.all().await?.len(), 1)
}

pub(super) async fn an_unresolved_key_is_superseded_only_when_asked(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let unknown = Outcome::failed(Kind::MaybeAccepted, "cut");
    let first = done(&one, [Mark::Unresolved(unknown.clone())]).await?;
    over(other.begin_key("key", "a")?.await?)?;
    let retry = || -> Checked<Intent> { Ok(intent("a")?.with_key("key").retry_unresolved(true)) };
    let second = to_send(other.ledger().begin(other.worker, retry()?).await?)?;
    same("whether the two are one:", second.seq == first, false)?;
    let entry = other.entry(first).await?;
    same("whether the first is superseded:", entry.superseded, true)?;
    same("outcome of the first", entry.outcome, Some(unknown))?;
    // From now on the key names the second one.
    let entry = held(one.ledger().begin(one.worker, retry()?).await?)?;
    same("number", entry.seq, second.seq)?;
    let end = Mark::Ended(Outcome::succeeded());
    other
        .record(second.seq, [Mark::Sending, created("p"), end])
        .await?;
    let (entry, _) = over(one.ledger().begin(one.worker, retry()?).await?)?;
    same("number", entry.seq, second.seq)?;
    same("predictions", one.all().await?.len(), 2)
}

pub(super) async fn a_key_with_another_input_or_service_is_refused(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let elsewhere = Peer::start_at(harness, ELSEWHERE).await?;
    let unknown = || Mark::Unresolved(Outcome::failed(Kind::MaybeAccepted, "cut"));
    let ends: [(&str, Vec<Mark>); 8] = [
        ("planned", vec![Mark::NotSent]),
        ("being sent", Vec::new()),
        ("running", vec![created("p1")]),
        ("released", vec![created("p2"), Mark::Released]),
        (
            "over",
            vec![created("p3"), Mark::Ended(Outcome::succeeded())],
        ),
        ("failed", vec![created("p4"), failed(Kind::Failed)]),
        (
            "without its files",
            vec![created("p5"), failed(Kind::Download)],
        ),
        ("unresolved", vec![unknown()]),
    ];
    for (key, marks) in ends {
        let job = one.send_key(key, "a").await?;
        one.record(job.seq, marks).await?;
        let before = format!("{:?}", one.entry(job.seq).await?);
        let of_model = Intent::new(&model("a/c")?, &crate::conformance::peer::input("a"));
        for intent in [
            intent("b")?.with_key(key),
            intent("b")?.with_key(key).retry_unresolved(true),
            of_model.with_key(key),
        ] {
            let begun = other.ledger().begin(other.worker, intent).await;
            let what = format!("another input for a key that is {key}");
            refused(&what, begun, ErrorKind::KeyReused)?;
        }
        let begun = elsewhere.begin_key(key, "a")?.await;
        let what = format!("another service for a key that is {key}");
        refused(&what, begun, ErrorKind::KeyReused)?;
        same("entry", format!("{:?}", one.entry(job.seq).await?), before)?;
    }
    same("predictions", one.all().await?.len(), 8)
}

pub(super) async fn a_key_whose_request_had_no_effect_is_sent_again(
    harness: &dyn Harness,
) -> Checked {
    let (mut one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let elsewhere = Peer::start_at(harness, ELSEWHERE).await?;
    let seq = done(&one, [failed(Kind::Refused)]).await?;
    // The same again, then another input, each once more refused, and one that was never sent.
    let again = [
        ("a", failed(Kind::NeverReached)),
        ("b", failed(Kind::Refused)),
        ("c", Mark::NotSent),
    ];
    for (prompt, end) in again {
        let job = one.send_key("key", prompt).await?;
        same("number", job.seq, seq)?;
        same("input", job.input, json(prompt))?;
        let entry = other.entry(seq).await?;
        same("recorded input", entry.input, json(prompt))?;
        same(
            "state and whether it is held:",
            (entry.state, entry.held),
            (State::Sending, true),
        )?;
        same("outcome", entry.outcome, None)?;
        same("end", entry.ended_at, None)?;
        held(other.begin_key("key", prompt)?.await?)?;
        one.record(seq, [end]).await?;
    }
    // While its worker lives, it is held; nor may its input change.
    held(other.begin_key("key", "c")?.await?)?;
    let begun = other.begin_key("key", "d")?.await;
    refused(
        "another input for a key that is held",
        begun,
        ErrorKind::KeyReused,
    )?;
    one.retire().await?;
    one.renew().await?;
    let begun = elsewhere.begin_key("key", "c")?.await;
    refused("another service for a key", begun, ErrorKind::KeyReused)?;
    let job = other.send_key("key", "d").await?;
    same("number", job.seq, seq)?;
    held(one.begin_key("key", "d")?.await?)?;
    same("predictions", one.all().await?.len(), 1)
}

pub(super) async fn a_key_is_never_pruned(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let end = Mark::Ended(Outcome::succeeded());
    let result = Mark::Result("1".to_owned());
    let seq = done(&one, [created("p"), result, end]).await?;
    let later = SystemTime::now() + Duration::from_secs(3600);
    same("pruned predictions", other.ledger().prune(later).await?, 0)?;
    let (entry, result) = over(other.begin_key("key", "a")?.await?)?;
    same("number", entry.seq, seq)?;
    same("result", result.as_deref(), Some("1"))
}
