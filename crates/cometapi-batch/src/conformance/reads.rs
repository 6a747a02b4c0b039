//! What is listed, measured and pruned.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cometapi::{Durations, ErrorKind as Kind};

use crate::conformance::check::{Checked, Mismatch, exactly, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{
    ELSEWHERE, Peer, SERVICE, created, failed, input, model, plan, rows, to_send,
};
use crate::ledger::{FileRecord, Filter, Intent, Mark, Outcome, State};

const HOUR: Duration = Duration::from_secs(3600);

pub(super) async fn lists_are_paged_newest_first(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let (loader, _) = one
        .load(rows(&["a", "b", "c", "d", "e"])?, plan(harness))
        .await?;
    let jobs = one.claim(loader.id(), 9).await?.jobs;
    let mut filter = Filter {
        limit: 2,
        ..Filter::default()
    };
    let mut seqs = Vec::new();
    loop {
        let page = one.ledger().list(filter.clone()).await?;
        same("whether a page is within its limit:", page.len() <= 2, true)?;
        let Some(last) = page.last() else { break };
        filter.before = Some(last.seq);
        seqs.extend(page.iter().map(|entry| entry.seq));
    }
    let newest_first: Vec<_> = jobs.iter().rev().map(|job| job.seq).collect();
    same("numbers", &seqs, &newest_first)?;
    same(
        "whether numbers grow:",
        seqs.is_sorted_by(|later, earlier| later > earlier),
        true,
    )
}

pub(super) async fn lists_are_filtered(harness: &dyn Harness) -> Checked {
    type Set = fn(&mut Filter);
    let one = Peer::start(harness).await?;
    let (loader, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let seq = one.claim_one(loader.id()).await?.seq;
    one.record(seq, [Mark::Sending, created("p1"), failed(Kind::Failed)])
        .await?;
    let of_model = Intent::new(&model("a/c")?, &input("c")).with_key("key");
    let job = to_send(one.ledger().begin(one.worker, of_model).await?)?;
    one.record(job.seq, [created("p2")]).await?;
    let filters: [(Set, usize); 16] = [
        (|_| {}, 3),
        (|it| it.states = vec![State::Running], 1),
        (|it| it.states = vec![State::Running, State::Planned], 2),
        (|it| it.states = vec![State::Unresolved], 0),
        (|it| it.failed = true, 1),
        (|it| it.model = Some("a/b".to_owned()), 2),
        (|it| it.batch = Some("batch".to_owned()), 2),
        (|it| it.batch = Some("other".to_owned()), 0),
        (|it| it.folder = Some("other".into()), 0),
        (|it| it.key = Some("key".to_owned()), 1),
        (|it| it.key = Some("other".to_owned()), 0),
        (|it| it.id = Some("p1".to_owned()), 1),
        (|it| it.since = Some(UNIX_EPOCH), 3),
        (|it| it.since = Some(SystemTime::now() + HOUR), 0),
        // Every part of it counts.
        (
            |it| (it.failed, it.model) = (true, Some("a/b".to_owned())),
            1,
        ),
        (
            |it| (it.failed, it.model) = (true, Some("a/c".to_owned())),
            0,
        ),
    ];
    for (set, count) in filters {
        let mut filter = Filter::default();
        set(&mut filter);
        let what = format!("predictions of {filter:?}");
        same(&what, one.ledger().list(filter).await?.len(), count)?;
    }
    Ok(())
}

pub(super) async fn the_latest_durations_of_a_model_are_kept(harness: &dyn Harness) -> Checked {
    let other = Peer::start(harness).await?;
    let millis = Duration::from_millis;
    let kept = Durations::CAPACITY as u64;
    for (service, name, runs) in [
        (SERVICE, "a/b", kept + 3),
        (SERVICE, "a/c", 1),
        (ELSEWHERE, "a/b", 2),
    ] {
        let peer = Peer::start_at(harness, service).await?;
        for run in 0..runs {
            let intent = Intent::new(&model(name)?, &input("x"));
            let seq = to_send(peer.ledger().begin(peer.worker, intent).await?)?.seq;
            // A prediction that is taken up again counts once.
            let marks = [millis(7), millis(run)].map(|took| Mark::Seen {
                status: "succeeded".to_owned(),
                fetching: true,
                took: Some(took),
            });
            peer.record(seq, marks).await?;
            peer.record(seq, [Mark::Ended(Outcome::succeeded())])
                .await?;
        }
    }
    // They outlive the predictions.
    let later = SystemTime::now() + HOUR;
    other.ledger().prune(later).await?;
    let durations = other.ledger().durations(SERVICE.to_owned()).await?;
    let of = |name: &str| -> Checked<Vec<Duration>> {
        let found = durations.get(name);
        let found = found.ok_or_else(|| Mismatch::new("durations", "none"))?;
        Ok(found.iter().collect())
    };
    same("models", durations.len(), 2)?;
    same(
        "durations",
        of("a/b")?,
        (3..kept + 3).map(millis).collect::<Vec<_>>(),
    )?;
    same("durations", of("a/c")?, [millis(0)])?;
    let none = other.ledger().durations("https://none.example".to_owned());
    same("durations of another service", none.await?, BTreeMap::new())
}

pub(super) async fn only_ended_predictions_without_a_batch_or_a_key_are_pruned(
    harness: &dyn Harness,
) -> Checked {
    let one = Peer::start(harness).await?;
    let unknown = Outcome::failed(Kind::MaybeAccepted, "cut");
    let success = || Mark::Ended(Outcome::succeeded());
    let file = FileRecord {
        position: 0,
        path: harness.folder().join("x.png"),
        bytes: 1,
        media_type: "image/png".to_owned(),
    };
    let singles = [
        (vec![created("p1"), Mark::Saved(file), success()], true),
        (vec![failed(Kind::Refused)], true),
        (vec![], false),
        (vec![created("p2")], false),
        (vec![created("p3"), Mark::Released], false),
        (vec![Mark::Unresolved(unknown)], false),
    ];
    let mut left = Vec::new();
    let mut ended_at = None;
    for (marks, is_pruned) in singles {
        let seq = one.send("x").await?.seq;
        one.record(seq, marks).await?;
        if !is_pruned {
            left.push(seq);
        } else if ended_at.is_none() {
            ended_at = one.entry(seq).await?.ended_at;
        }
    }
    // Two rows of a batch: one has ended, one is planned.
    let (loader, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let [first, second] = exactly("rows", one.claim(loader.id(), 9).await?.jobs)?;
    one.record(first.seq, [Mark::Sending, created("p4"), success()])
        .await?;
    left.extend([first.seq, second.seq]);
    let keyed = one.send_key("key", "x").await?.seq;
    one.record(keyed, [failed(Kind::Refused)]).await?;
    left.push(keyed);

    let prune = async |before| -> Checked<u64> { Ok(one.ledger().prune(before).await?) };
    same("pruned", prune(UNIX_EPOCH).await?, 0)?;
    // Not before: it ended at this time.
    let ended_at = ended_at.ok_or_else(|| Mismatch::new("the time of the end", "none"))?;
    same("pruned", prune(ended_at).await?, 0)?;
    let later = SystemTime::now() + HOUR;
    same("pruned", prune(later).await?, 2)?;
    same("pruned", prune(later).await?, 0)?;
    let found: Vec<_> = one
        .all()
        .await?
        .iter()
        .rev()
        .map(|entry| entry.seq)
        .collect();
    same("numbers of what is left", found, left)
}
