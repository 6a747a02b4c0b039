//! The names of files, and where files go.

use cometapi::ErrorKind as Kind;

use crate::conformance::check::{Checked, exactly, refused, same};
use crate::conformance::harness::Harness;
use crate::conformance::peer::{
    Peer, SERVICE, created, failed, intent, plan, rows, to_send, unlike,
};
use crate::error::ErrorKind;
use crate::ledger::{Begun, Job, Mark, Plan};

async fn reserve(peer: &Peer, job: &Job, position: u64, names: &[&str]) -> Checked<Option<String>> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let reserved = peer.ledger().reserve(peer.worker, job.seq, position, names);
    Ok(reserved.await?)
}

pub(super) async fn a_name_is_of_one_file_of_a_batch(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let (loader, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let [first, second] = exactly("rows", one.claim(loader.id(), 9).await?.jobs)?;
    for (job, position, names, expected) in [
        (&first, 0, &["Café.png", "x"][..], Some("Café.png")),
        (&first, 1, &["Café.png", "café-2.png"], Some("café-2.png")),
        // Names that a file system may take for one.
        (
            &second,
            0,
            &["CAFÉ.png", "cafe\u{301}-2.png", "café-3.png"],
            Some("café-3.png"),
        ),
        (&second, 1, &["café.png", "CAFÉ-3.PNG"], None),
        (&second, 1, &[], None),
        (&second, 1, &["cafe.png"], Some("cafe.png")),
    ] {
        let what = format!("name reserved out of {names:?}");
        let found = reserve(&one, job, position, names).await?;
        same(&what, found.as_deref(), expected)?;
    }
    Ok(())
}

pub(super) async fn a_reserved_name_stays(harness: &dyn Harness) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (loader, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let [first, second] = exactly("rows", one.claim(loader.id(), 9).await?.jobs)?;
    let found = reserve(&one, &first, 0, &["x.png"]).await?;
    same("reserved name", found.as_deref(), Some("x.png"))?;
    for names in [&["x.png"][..], &["y.png", "x.png"], &[]] {
        let found = reserve(&one, &first, 0, names).await?;
        same("reserved name", found.as_deref(), Some("x.png"))?;
    }
    one.record(first.seq, [Mark::Sending, created("p")]).await?;
    drop(loader);
    one.retire().await?;
    // Whichever worker continues with it.
    let (loader, _) = other.load(rows(&["a", "b"])?, plan(harness)).await?;
    let [again, _] = exactly("rows", other.claim(loader.id(), 9).await?.jobs)?;
    same("number", again.seq, first.seq)?;
    let found = reserve(&other, &again, 0, &["z.png"]).await?;
    same("reserved name", found.as_deref(), Some("x.png"))?;
    let found = reserve(&other, &second, 0, &["x.png", "x-2.png"]).await?;
    same("reserved name", found.as_deref(), Some("x-2.png"))
}

pub(super) async fn only_the_worker_of_a_prediction_reserves_its_names(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let (loader, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let job = one.claim_one(loader.id()).await?;
    let single = one.begin("c").await?;
    for job in [&job, &single] {
        let names = vec!["x.png".to_owned()];
        let reserved = other.ledger().reserve(other.worker, job.seq, 0, names);
        refused(
            "a name reserved by another worker",
            reserved.await,
            ErrorKind::Lost,
        )?;
    }
    one.record(job.seq, [Mark::Released]).await?;
    let names = vec!["x.png".to_owned()];
    let reserved = one.ledger().reserve(one.worker, job.seq, 0, names).await;
    refused(
        "a name reserved for what was released",
        reserved,
        ErrorKind::Lost,
    )?;
    let job = one.claim_one(loader.id()).await?;
    let found = reserve(&one, &job, 0, &["x.png"]).await?;
    same("reserved name", found.as_deref(), Some("x.png"))
}

pub(super) async fn names_are_reserved_within_a_batch(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    for batch in ["batch", "other"] {
        let plan = Plan::new(batch, harness.folder(), SERVICE);
        let (loader, _) = one.load(rows(&["a"])?, plan).await?;
        let job = one.claim_one(loader.id()).await?;
        let found = reserve(&one, &job, 0, &["x.png", "y.png"]).await?;
        same("reserved name", found.as_deref(), Some("x.png"))?;
    }
    // Nothing is recorded for single predictions.
    for prompt in ["a", "b"] {
        let job = one.begin(prompt).await?;
        for names in [["x.png", "y.png"], ["y.png", "x.png"]] {
            let found = reserve(&one, &job, 0, &names).await?;
            same("name", found.as_deref(), Some(names[0]))?;
        }
    }
    Ok(())
}

pub(super) async fn a_row_that_was_not_created_gives_its_names_back(
    harness: &dyn Harness,
) -> Checked {
    let one = Peer::start(harness).await?;
    let (loader, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let [first, second] = exactly("rows", one.claim(loader.id(), 9).await?.jobs)?;
    for (job, name, end) in [
        (&first, "x.png", failed(Kind::Refused)),
        (&second, "y.png", failed(Kind::MaybeAccepted)),
    ] {
        let found = reserve(&one, job, 0, &[name]).await?;
        same("reserved name", found.as_deref(), Some(name))?;
        one.record(job.seq, [Mark::Sending, end]).await?;
    }
    drop(loader);
    let (loader, _) = one.load(rows(&["a", "b"])?, plan(harness)).await?;
    let job = one.claim_one(loader.id()).await?;
    same("number", job.seq, first.seq)?;
    let found = reserve(&one, &job, 0, &["y.png", "z.png"]).await?;
    same("reserved name", found.as_deref(), Some("z.png"))?;
    let found = reserve(&one, &job, 1, &["x.png"]).await?;
    same("reserved name", found.as_deref(), Some("x.png"))
}

pub(super) async fn where_the_files_of_a_single_prediction_go_is_kept(
    harness: &dyn Harness,
) -> Checked {
    let (one, other) = (Peer::start(harness).await?, Peer::start(harness).await?);
    let place = |name: &str| {
        let names = Some(format!("{name}.{{ext}}"));
        (Some(harness.folder().join(name)), names)
    };
    let asked = |name: &str, key: Option<&str>| -> Checked<_> {
        let (folder, names) = place(name);
        let mut intent = intent("a")?.saved_in(folder, names);
        intent.key = key.map(str::to_owned);
        Ok(intent)
    };
    let of = |job: Job| (job.folder, job.names);
    let listed = async |seq| -> Checked<_> {
        let entry = other.entry(seq).await?;
        Ok((entry.folder, entry.names))
    };
    // By its id.
    let job = to_send(one.ledger().begin(one.worker, asked("x", None)?).await?)?;
    let seq = job.seq;
    same("folder and names:", of(job), place("x"))?;
    same("folder and names:", listed(seq).await?, place("x"))?;
    one.record(seq, [Mark::Sending, created("p1"), Mark::Released])
        .await?;
    let adopted = other.ledger().adopt(other.worker, "p1".to_owned()).await?;
    let [job] = exactly("adopted prediction", adopted.into_iter().collect())?;
    same("folder and names:", of(job), place("x"))?;

    // By its key, where the latest call decides.
    let begin = async |name, key| -> Checked<_> {
        Ok(one.ledger().begin(one.worker, asked(name, key)?).await?)
    };
    let job = to_send(begin("y", Some("key")).await?)?;
    one.record(job.seq, [Mark::Sending, failed(Kind::Refused)])
        .await?;
    let job = to_send(begin("z", Some("key")).await?)?;
    let seq = job.seq;
    same("folder and names:", of(job), place("z"))?;
    same("folder and names:", listed(seq).await?, place("z"))?;
    one.record(seq, [Mark::Sending, created("p2"), Mark::Released])
        .await?;
    for (asked, expected) in [
        (intent("a")?.with_key("key"), place("z")),
        (asked("w", Some("key"))?, place("w")),
    ] {
        let job = match one.ledger().begin(one.worker, asked).await? {
            Begun::Follow(job) => job,
            other => return Err(unlike("Begun::Follow", &other)),
        };
        same("folder and names:", of(job), expected.clone())?;
        same("folder and names:", listed(seq).await?, expected)?;
        one.record(seq, [Mark::Released]).await?;
    }
    let job = one.begin("b").await?;
    same("folder and names:", of(job), (None, None))
}

pub(super) async fn the_latest_names_of_a_batch_count(harness: &dyn Harness) -> Checked {
    let one = Peer::start(harness).await?;
    let named = |names: Option<&str>, dry| {
        let mut plan = plan(harness);
        (plan.names, plan.dry) = (names.map(str::to_owned), dry);
        plan
    };
    let all = || rows(&["a", "b", "c"]);
    for (names, dry, expected) in [
        (Some("{id}.{ext}"), false, Some("{id}.{ext}")),
        (Some("{seed}.{ext}"), true, Some("{id}.{ext}")),
        (Some("{seed}.{ext}"), false, Some("{seed}.{ext}")),
        (None, false, None),
    ] {
        let (loader, _) = one.load(all()?, named(names, dry)).await?;
        for entry in one.all().await? {
            same("names", entry.names.as_deref(), expected)?;
            same("folder", entry.folder, Some(harness.folder()))?;
        }
        if !dry {
            let job = one.claim_one(loader.id()).await?;
            same("names", job.names.as_deref(), expected)?;
        }
    }
    Ok(())
}
