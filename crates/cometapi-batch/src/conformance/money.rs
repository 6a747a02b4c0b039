//! What predictions cost, and the limit of a batch.

use std::collections::BTreeMap;

use cometapi::ErrorKind as Kind;
use cometapi_account::Usd;

use crate::conformance::check::{Checked, exactly, refused, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{
    Peer, SERVICE, created, failed, intent, model, plan, row, rows, to_send,
};
use crate::error::ErrorKind;
use crate::ledger::{
    Claimed, Cost, Filter, Job, LoadId, Mark, NewRow, Outcome, Plan, Planned, State, Want,
};

/// A number of cents.
fn cents(count: i64) -> Usd {
    Usd::from_nanos(count * 10_000_000)
}

/// A plan that prices the models `a/b` and `a/c`.
fn priced(harness: &dyn Harness, b: i64, c: i64) -> Plan {
    Plan {
        prices: [("a/b", b), ("a/c", c)]
            .map(|(model, price)| (model.to_owned(), cents(price)))
            .into(),
        ..plan(harness)
    }
}

fn row_of(model_name: &str, line: u64, prompt: &str) -> Checked<NewRow> {
    let model = model(model_name)?;
    let input = crate::conformance::peer::input(prompt);
    Ok(NewRow::new(line, None, &model, &input))
}

async fn claim_within(peer: &Peer, load: LoadId, most: u32, max: i64) -> Checked<Claimed> {
    let want = Want::new(Some(load), most, most).within(Some(cents(max)));
    Ok(peer.ledger().claim(peer.worker, want).await?)
}

fn models(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.model.as_str()).collect()
}

async fn costs(peer: &Peer) -> Checked<BTreeMap<String, Cost>> {
    Ok(peer.ledger().costs(Filter::default()).await?)
}

pub(super) async fn workers_do_not_exceed_the_limit_together(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let prompts = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let (mine, _) = one.load(rows(&prompts)?, priced(harness, 10, 1)).await?;
    let (others, _) = other.load(rows(&prompts)?, priced(harness, 10, 1)).await?;
    let mut claimed = 0;
    for _ in 0..3 {
        // At once, as two processes do.
        let claims = tokio::join!(
            claim_within(&one, mine.id(), 2, 55),
            claim_within(&other, others.id(), 2, 55)
        );
        claimed += claims.0?.jobs.len() + claims.1?.jobs.len();
    }
    same("rows of 10 cents, of 55 in all,", claimed, 5)?;
    let left = claim_within(&one, mine.id(), 9, 55).await?;
    same("claimed", left.jobs.len(), 0)?;
    same("unaffordable rows", left.unaffordable, 3)
}

pub(super) async fn what_does_not_fit_is_passed_over(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let rows = vec![
        row_of("a/b", 1, "1")?,
        row_of("a/b", 2, "2")?,
        row_of("a/c", 3, "3")?,
        row_of("a/c", 4, "4")?,
    ];
    let (loader, _) = one.load(rows, priced(harness, 50, 20)).await?;
    let claimed = claim_within(&one, loader.id(), 9, 75).await?;
    same("claimed", models(&claimed.jobs), ["a/b", "a/c"])?;
    let prices: Vec<_> = claimed.jobs.iter().map(|job| job.price).collect();
    same("prices", prices, [Some(cents(50)), Some(cents(20))])
}

pub(super) async fn what_was_not_charged_makes_room(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let prompts = ["a", "b", "c", "d", "e", "f"];
    let (loader, _) = one.load(rows(&prompts)?, priced(harness, 10, 1)).await?;
    let claim = async |expected: usize| -> Checked<Vec<Job>> {
        let claimed = claim_within(&one, loader.id(), 9, 20).await?;
        same("claimed", claimed.jobs.len(), expected)?;
        Ok(claimed.jobs)
    };
    let [first, second] = exactly("rows", claim(2).await?)?;
    one.record(first.seq, [Mark::Sending, created("p1")])
        .await?;
    one.record(second.seq, [Mark::Sending]).await?;
    claim(0).await?;
    one.record(first.seq, [failed(Kind::Failed)]).await?;
    let [third] = exactly("rows", claim(1).await?)?;
    // What may have been accepted may have been charged.
    let unresolved = Outcome::failed(Kind::MaybeAccepted, "cut");
    one.record(second.seq, [Mark::Unresolved(unresolved)])
        .await?;
    claim(0).await?;
    one.record(third.seq, [Mark::Released]).await?;
    let [fourth] = exactly("rows", claim(1).await?)?;
    one.record(fourth.seq, [Mark::Sending, failed(Kind::Refused)])
        .await?;
    let [fifth] = exactly("rows", claim(1).await?)?;
    one.record(
        fifth.seq,
        [
            Mark::Sending,
            created("p5"),
            Mark::Ended(Outcome::succeeded()),
        ],
    )
    .await?;
    claim(0).await.map(drop)
}

pub(super) async fn what_was_spent_counts_in_later_runs(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (loader, _) = one.load(rows(&["a", "b"])?, priced(harness, 10, 1)).await?;
    let job = one.claim_one(loader.id()).await?;
    one.record(job.seq, [Mark::Sending]).await?;
    drop(loader);
    one.kill().await;
    let (loader, report) = other
        .load(rows(&["b", "c", "d"])?, priced(harness, 10, 1))
        .await?;
    same("spent", report.spent, cents(10))?;
    let claimed = claim_within(&other, loader.id(), 9, 20).await?;
    same("claimed", claimed.jobs.len(), 1)
}

pub(super) async fn a_row_without_a_price_is_not_claimed_within_a_limit(
    harness: &dyn Harness,
) -> Checked {
    let one = Peer::start(harness).await?;
    let (loader, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let claimed = claim_within(&one, loader.id(), 9, 1000).await?;
    same("claimed", claimed.jobs.len(), 0)?;
    same("unaffordable rows", claimed.unaffordable, 2)?;
    // Sent without a limit, they cost something that is not known until it is.
    let jobs = one.claim(loader.id(), 1).await?.jobs;
    let [job] = exactly("row", jobs)?;
    one.record(job.seq, [Mark::Sending, created("p")]).await?;
    let again = |plan| loader.load(plan);
    same("unpriced", again(plan(harness)).await?.unpriced, 1)?;
    let report = again(priced(harness, 10, 1)).await?;
    same("unpriced", report.unpriced, 0)?;
    same("spent", report.spent, cents(10))?;
    let claimed = claim_within(&one, loader.id(), 9, 20).await?;
    same("claimed", claimed.jobs.len(), 1)
}

pub(super) async fn a_load_says_what_is_to_be_created(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let mut two_files = row(2, None, "2")?;
    two_files.files = 2;
    let all = || -> Checked<Vec<NewRow>> {
        Ok(vec![
            row_of("a/c", 1, "1")?,
            two_files.clone(),
            row(3, None, "3")?,
        ])
    };
    let expected = |b: Planned| {
        BTreeMap::from([
            ("a/b".to_owned(), b),
            ("a/c".to_owned(), Planned::new(1, 1)),
        ])
    };
    let dry = Plan {
        dry: true,
        ..plan(harness)
    };
    let (_, report) = one.load(all()?, dry).await?;
    same("planned", report.planned, expected(Planned::new(2, 3)))?;
    let (loader, report) = one.load(all()?, plan(harness)).await?;
    same("planned", report.planned, expected(Planned::new(2, 3)))?;
    let claimed = one.claim(loader.id(), 2).await?.jobs;
    let [_, second] = exactly("rows", claimed)?;
    one.record(second.seq, [Mark::Sending, created("p")])
        .await?;
    let report = loader.load(plan(harness)).await?;
    same("planned", report.planned, expected(Planned::new(1, 1)))
}

pub(super) async fn costs_are_summed_by_model(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let begin = async |prompt: &str, price: Option<Usd>| -> Checked<u64> {
        let intent = intent(prompt)?.with_price(price);
        let job = to_send(one.ledger().begin(one.worker, intent).await?)?;
        one.mark(job.seq, Mark::Sending).await?;
        Ok(job.seq)
    };
    let charged = begin("charged", Some(cents(10))).await?;
    one.record(charged, [created("p1"), Mark::Ended(Outcome::succeeded())])
        .await?;
    let expected = begin("expected", Some(cents(20))).await?;
    one.record(expected, [created("p2"), Mark::Ended(Outcome::succeeded())])
        .await?;
    let late = begin("late", None).await?;
    one.record(late, [created("p3"), Mark::Priced(cents(5))])
        .await?;
    let unknown = begin("unknown", None).await?;
    one.record(unknown, [created("p4")]).await?;
    let free = begin("failed", Some(cents(40))).await?;
    one.record(free, [created("p5"), failed(Kind::Canceled)])
        .await?;
    let refused = begin("refused", Some(cents(80))).await?;
    one.record(refused, [failed(Kind::Refused)]).await?;
    let reported = vec![("p1".to_owned(), cents(9)), ("other".to_owned(), cents(1))];
    let found = one.ledger().charge(SERVICE.to_owned(), reported);
    same("charged predictions", found.await?, 1)?;
    let costs = costs(&one).await?;
    let [(name, cost)] = exactly("model", costs.into_iter().collect())?;
    same("model", name.as_str(), "a/b")?;
    same("predictions that cost something", cost.predictions, 4)?;
    same("charged", cost.charged, cents(9))?;
    same("expected", cost.expected, cents(25))?;
    same("unknown", cost.unknown, 1)?;
    let entry = one.entry(expected).await?;
    same("uncharged since", cost.uncharged_since, entry.created_at)?;
    let entry = one.entry(charged).await?;
    same("price", entry.price, Some(cents(10)))?;
    same("charge", entry.charge, Some(cents(9)))?;
    same("cost", entry.cost, Some(cents(9)))
}

pub(super) async fn a_charge_counts_more_than_the_price(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let (loader, _) = one
        .load(rows(&["a", "b", "c"])?, priced(harness, 10, 1))
        .await?;
    let claimed = claim_within(&one, loader.id(), 9, 10).await?.jobs;
    let [job] = exactly("row", claimed)?;
    one.record(job.seq, [Mark::Sending, created("p"), failed(Kind::Failed)])
        .await?;
    let charge = |cost| {
        one.ledger()
            .charge(SERVICE.to_owned(), vec![("p".to_owned(), cost)])
    };
    // Charged although it failed.
    charge(cents(4)).await?;
    same(
        "spent",
        loader.load(priced(harness, 10, 1)).await?.spent,
        cents(4),
    )?;
    let claimed = claim_within(&one, loader.id(), 9, 13).await?;
    same("claimed", claimed.jobs.len(), 0)?;
    let claimed = claim_within(&one, loader.id(), 9, 14).await?;
    same("claimed", claimed.jobs.len(), 1)?;
    let elsewhere = one
        .ledger()
        .charge("another".to_owned(), vec![("p".to_owned(), cents(1))]);
    same("charged at another service", elsewhere.await?, 0)
}

pub(super) async fn a_key_has_a_limit_of_its_own(harness: &dyn Harness) -> Checked {
    let mut one = Peer::start(harness).await?;
    let begin = |peer: &Peer, price: Option<i64>, max| -> Checked<_> {
        let intent = intent("a")?
            .with_key("k")
            .retry_unresolved(true)
            .with_price(price.map(cents))
            .with_max_cost(Some(cents(max)));
        Ok(peer.ledger().begin(peer.worker, intent))
    };
    refused(
        "a price above the limit",
        begin(&one, Some(11), 10)?.await,
        ErrorKind::MaxCost,
    )?;
    refused(
        "an unknown price",
        begin(&one, None, 10)?.await,
        ErrorKind::MaxCost,
    )?;
    same("predictions", one.all().await?.len(), 0)?;
    let job = to_send(begin(&one, Some(10), 10)?.await?)?;
    one.record(job.seq, [Mark::Sending]).await?;
    one.retire().await?;
    one.renew().await?;
    // The first may have been charged.
    refused(
        "a second one",
        begin(&one, Some(10), 19)?.await,
        ErrorKind::MaxCost,
    )?;
    one.stands(job.seq, State::Unresolved, false).await?;
    let second = to_send(begin(&one, Some(10), 20)?.await?)?;
    same("price", second.price, Some(cents(10)))
}

pub(super) async fn only_a_doubt_is_settled_as_not_created(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let not_created = || {
        let outcome = Outcome::failed(Kind::NeverReached, "confirmed");
        Mark::NotCreated(outcome)
    };
    let unresolved = || Mark::Unresolved(Outcome::failed(Kind::MaybeAccepted, "cut"));
    let sending = one.send("sending").await?.seq;
    refused(
        "of one being sent",
        one.mark(sending, not_created()).await,
        ErrorKind::Lost,
    )?;
    let known = one.send("known").await?.seq;
    one.record(known, [created("p"), unresolved()]).await?;
    refused(
        "of one with an id",
        one.mark(known, not_created()).await,
        ErrorKind::Lost,
    )?;
    let doubt = one.send("doubt").await?.seq;
    one.record(doubt, [unresolved(), not_created()]).await?;
    let entry = one.entry(doubt).await?;
    same("state", entry.state, State::Ended)?;
    same(
        "outcome",
        entry.outcome.and_then(|it| it.kind),
        Some(Kind::NeverReached),
    )?;
    same("cost", entry.cost, Some(Usd::ZERO))
}
