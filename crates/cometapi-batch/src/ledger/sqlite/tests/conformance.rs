//! What the trait's documentation says, of any implementation: each test is given two handles
//! on the same empty ledger, as two processes have them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cometapi::{Durations, ErrorKind as Kind};
use serde_json::json;

use crate::ErrorKind;
use crate::ledger::{
    Claimed, Filter, Intent, Ledger, LoadId, Loaded, Mark, Outcome, Plan, StagedRow, State, Want,
    WorkerId,
};

type Shared = Arc<dyn Ledger>;

/// Runs a test of any ledger on this crate's.
fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Shared, Shared, std::path::PathBuf) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite3");
    let open = || Arc::new(crate::SqliteLedger::open(&path).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(test(open(), open(), folder.path().to_owned()));
}

const SERVICE: &str = "https://service.example";

fn row(line: u64, id: Option<&str>, prompt: &str) -> StagedRow {
    let model = "a/b".parse().unwrap();
    let input = json!({"prompt": prompt});
    StagedRow::new(
        line,
        id.map(str::to_owned),
        &model,
        input.as_object().unwrap(),
    )
}

fn rows(prompts: &[&str]) -> Vec<StagedRow> {
    let lines = 1..;
    lines
        .zip(prompts)
        .map(|(line, prompt)| row(line, None, prompt))
        .collect()
}

fn plan(folder: &Path) -> Plan {
    Plan {
        folder: folder.to_owned(),
        service: SERVICE.to_owned(),
        ..Plan::default()
    }
}

async fn load(ledger: &Shared, load: i64, rows: Vec<StagedRow>, plan: Plan) -> Loaded {
    assert_eq!(ledger.stage(LoadId(load), rows).await.unwrap(), []);
    ledger.load(LoadId(load), plan).await.unwrap()
}

async fn claim(ledger: &Shared, worker: WorkerId, load: i64, most: u32) -> Claimed {
    let want = Want::new(Some(LoadId(load)), most, most);
    ledger.claim(worker, want).await.unwrap()
}

fn created(id: &str) -> Mark {
    Mark::Created {
        id: id.to_owned(),
        request_id: None,
    }
}

#[test]
fn no_row_is_held_by_two() {
    on_sqlite(|one, other, folder| async move {
        let prompts = ["a", "b", "c", "d", "e", "f", "a"];
        load(&one, 1, rows(&prompts), plan(&folder)).await;
        let again = load(&other, 2, rows(&prompts), plan(&folder)).await;
        assert_eq!(again.tally.planned, 7);
        let (mine, others) = (
            one.register(SERVICE.to_owned()).await.unwrap(),
            other.register(SERVICE.to_owned()).await.unwrap(),
        );
        let mut held = Vec::new();
        for _ in 0..2 {
            held.extend(claim(&one, mine, 1, 2).await.jobs);
            held.extend(claim(&other, others, 2, 2).await.jobs);
        }
        let mut seqs: Vec<_> = held.iter().map(|job| job.seq).collect();
        seqs.sort_unstable();
        seqs.dedup();
        assert_eq!(seqs.len(), 7);
        let claimed = claim(&one, mine, 1, 2).await;
        assert_eq!((claimed.jobs.len(), claimed.elsewhere), (0, 3));
        // What another holds cannot be written to.
        let not_mine = held.iter().find(|job| job.line == Some(3)).unwrap().seq;
        let refused = one.record(mine, not_mine, Mark::Sending).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Lost);
        other.record(others, not_mine, Mark::Sending).await.unwrap();
    });
}

#[test]
fn an_id_is_of_one_prediction_of_a_service() {
    on_sqlite(|one, other, folder| async move {
        load(&one, 1, rows(&["a", "b"]), plan(&folder)).await;
        let worker = one.register(SERVICE.to_owned()).await.unwrap();
        let jobs = claim(&one, worker, 1, 9).await.jobs;
        for job in &jobs {
            one.record(worker, job.seq, Mark::Sending).await.unwrap();
        }
        let [first, second] = [jobs[0].seq, jobs[1].seq];
        one.record(worker, first, created("p1")).await.unwrap();
        // Again is the same.
        one.record(worker, first, created("p1")).await.unwrap();
        let taken = one.record(worker, second, created("p1")).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::TakenId);
        // Nothing has changed: the caller says what it is.
        let tally = one.tally(LoadId(1)).await.unwrap();
        assert_eq!((tally.running, tally.sending), (1, 1));
        let doubt = Outcome::failed(Kind::MaybeAccepted, "taken");
        let unresolved = one.record(worker, second, Mark::Unresolved(doubt)).await;
        unresolved.unwrap();
        assert_eq!(one.tally(LoadId(1)).await.unwrap().unresolved, 1);
        // At another service it means nothing.
        let elsewhere = other.register("https://elsewhere".to_owned()).await;
        let elsewhere = elsewhere.unwrap();
        let input = json!({"prompt": "a"});
        let intent = Intent::new(&"a/b".parse().unwrap(), input.as_object().unwrap());
        let job = other.begin(elsewhere, intent).await.unwrap();
        let recorded = other.record(elsewhere, job.seq, created("p1")).await;
        recorded.unwrap();
    });
}

#[test]
fn predictions_of_another_service_are_not_taken() {
    on_sqlite(|one, other, _| async move {
        let (here, there) = (
            one.register(SERVICE.to_owned()).await.unwrap(),
            other
                .register("https://elsewhere".to_owned())
                .await
                .unwrap(),
        );
        let input = json!({"prompt": "a"});
        for (ledger, worker, id) in [(&one, here, "here"), (&other, there, "there")] {
            let intent = Intent::new(&"a/b".parse().unwrap(), input.as_object().unwrap());
            let job = ledger.begin(worker, intent).await.unwrap();
            ledger.record(worker, job.seq, created(id)).await.unwrap();
            ledger
                .record(worker, job.seq, Mark::Released)
                .await
                .unwrap();
            ledger.retire(worker).await.unwrap();
        }
        let worker = one.register(SERVICE.to_owned()).await.unwrap();
        let adopted = one.adopt(worker, "there".to_owned()).await.unwrap();
        assert!(adopted.is_none());
        let claimed = one.claim(worker, Want::new(None, 9, 0)).await.unwrap();
        let ids: Vec<_> = claimed.jobs.iter().map(|job| job.id.as_deref()).collect();
        assert_eq!(ids, [Some("here")]);
    });
}

#[test]
fn rows_of_a_dead_worker_are_free_at_once_and_those_it_was_sending_are_unresolved() {
    on_sqlite(|one, other, folder| async move {
        load(&one, 1, rows(&["a", "b", "c"]), plan(&folder)).await;
        load(&other, 2, rows(&["a", "b", "c"]), plan(&folder)).await;
        let dying = one.register(SERVICE.to_owned()).await.unwrap();
        let jobs = claim(&one, dying, 1, 9).await.jobs;
        one.record(dying, jobs[0].seq, Mark::Sending).await.unwrap();
        one.record(dying, jobs[1].seq, Mark::Sending).await.unwrap();
        one.record(dying, jobs[1].seq, created("p1")).await.unwrap();
        let living = other.register(SERVICE.to_owned()).await.unwrap();
        let claimed = claim(&other, living, 2, 9).await;
        assert_eq!((claimed.jobs.len(), claimed.elsewhere), (0, 3));
        // As the end of its process does, except for the result.
        one.abandon(dying);
        let mut taken = claim(&other, living, 2, 9).await;
        while taken.jobs.is_empty() {
            taken = claim(&other, living, 2, 9).await;
        }
        let ids: Vec<_> = taken
            .jobs
            .iter()
            .map(|job| (job.line, job.id.as_deref()))
            .collect();
        assert_eq!(ids, [(Some(2), Some("p1")), (Some(3), None)]);
        let late = one.record(dying, jobs[2].seq, Mark::Sending).await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::Lost);
        let late = one.claim(dying, Want::new(Some(LoadId(1)), 1, 1)).await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::Lost);
        let tally = other.tally(LoadId(2)).await.unwrap();
        assert_eq!((tally.unresolved, tally.running, tally.planned), (1, 1, 1));
        // An id that comes anyway is not lost, and free for any living worker.
        one.record(dying, jobs[0].seq, created("p0")).await.unwrap();
        assert_eq!(other.tally(LoadId(2)).await.unwrap().unresolved, 0);
        let taken = claim(&other, living, 2, 9).await;
        assert_eq!(taken.jobs[0].id.as_deref(), Some("p0"));
        // Nor can it begin anything.
        let before = other.list(Filter::default()).await.unwrap().len();
        let input = json!({"prompt": "x"});
        let intent = Intent::new(&"a/b".parse().unwrap(), input.as_object().unwrap());
        let late = one.begin(dying, intent).await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Lost);
        assert_eq!(other.list(Filter::default()).await.unwrap().len(), before);
    });
}

#[test]
fn a_repeated_id_is_returned_and_a_changed_row_is_refused() {
    on_sqlite(|one, _, folder| async move {
        let two = vec![row(1, Some("x"), "a"), row(4, Some("x"), "b")];
        let repeated = one.stage(LoadId(1), two).await.unwrap();
        assert_eq!(
            (repeated[0].line, repeated[0].first, &*repeated[0].id),
            (4, 1, "x")
        );
        one.load(LoadId(1), plan(&folder)).await.unwrap();

        // Never created: it may still change.
        load(&one, 2, vec![row(1, Some("x"), "b")], plan(&folder)).await;
        let worker = one.register(SERVICE.to_owned()).await.unwrap();
        let job = claim(&one, worker, 2, 1).await.jobs.remove(0);
        assert_eq!(job.input, r#"{"prompt":"b"}"#);
        one.record(worker, job.seq, Mark::Sending).await.unwrap();
        one.record(worker, job.seq, created("p")).await.unwrap();

        one.stage(LoadId(3), vec![row(7, Some("x"), "c"), row(8, None, "n")])
            .await
            .unwrap();
        let refused = one.load(LoadId(3), plan(&folder)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Rows);
        assert_eq!(
            refused.to_string(),
            "a row cannot be used: line 7, id: \"x\" was sent with another model or input \
             before: give the changed row another id"
        );
        assert_eq!(one.list(Filter::default()).await.unwrap().len(), 1);
        let skipping = Plan {
            skip_changed: true,
            ..plan(&folder)
        };
        let loaded = one.load(LoadId(3), skipping).await.unwrap();
        assert_eq!((loaded.changed_total, loaded.tally.total()), (1, 1));
    });
}

#[test]
fn a_dry_load_changes_nothing() {
    on_sqlite(|one, other, folder| async move {
        let dry = Plan {
            dry: true,
            ..plan(&folder)
        };
        let loaded = load(&one, 1, rows(&["a", "a", "b"]), dry.clone()).await;
        assert_eq!(loaded.tally.planned, 3);
        assert_eq!(one.list(Filter::default()).await.unwrap().len(), 0);

        load(&one, 2, rows(&["a", "b"]), plan(&folder)).await;
        let worker = one.register(SERVICE.to_owned()).await.unwrap();
        let jobs = claim(&one, worker, 2, 1).await.jobs;
        one.record(worker, jobs[0].seq, Mark::Sending)
            .await
            .unwrap();
        one.retire(worker).await.unwrap();
        let loaded = load(&other, 3, rows(&["a", "b", "c", "c"]), dry).await;
        assert_eq!((loaded.tally.unresolved, loaded.tally.planned), (1, 3));
        let real = load(&other, 4, rows(&["a", "b", "c", "c"]), plan(&folder)).await;
        assert_eq!(real.tally, loaded.tally);
    });
}

#[test]
fn equal_rows_are_numbered_in_order_across_stages() {
    on_sqlite(|one, _, folder| async move {
        for part in [&["a", "b"][..], &["a"], &["b", "a"]] {
            let repeated = one.stage(LoadId(1), rows(part)).await.unwrap();
            assert!(repeated.is_empty(), "{repeated:?}");
        }
        one.load(LoadId(1), plan(&folder)).await.unwrap();
        let worker = one.register(SERVICE.to_owned()).await.unwrap();
        let jobs = claim(&one, worker, 1, 9).await.jobs;
        let first = jobs[0].hash.clone();
        let places: Vec<_> = jobs
            .iter()
            .map(|job| (job.hash == first, job.occurrence))
            .collect();
        let expected = [(true, 1), (false, 1), (true, 2), (false, 2), (true, 3)];
        assert_eq!(places, expected);
    });
}

#[test]
fn a_failed_row_is_created_again_only_when_asked_and_its_record_is_kept() {
    on_sqlite(|one, _, folder| async move {
        let ends = [
            (Some("p0"), Outcome::failed(Kind::Failed, "why"), false),
            (Some("p1"), Outcome::succeeded(), false),
            (None, Outcome::failed(Kind::MaybeAccepted, "doubt"), true),
            (None, Outcome::failed(Kind::Refused, "no"), false),
            (Some("p4"), Outcome::failed(Kind::Download, "away"), false),
        ];
        let five = || rows(&["a", "b", "c", "d", "e"]);
        load(&one, 1, five(), plan(&folder)).await;
        let worker = one.register(SERVICE.to_owned()).await.unwrap();
        let jobs = claim(&one, worker, 1, 9).await.jobs;
        for (job, (id, outcome, unresolved)) in jobs.iter().zip(ends) {
            one.record(worker, job.seq, Mark::Sending).await.unwrap();
            if let Some(id) = id {
                one.record(worker, job.seq, created(id)).await.unwrap();
            }
            let end = if unresolved {
                Mark::Unresolved(outcome)
            } else {
                Mark::Ended(outcome)
            };
            one.record(worker, job.seq, end).await.unwrap();
        }
        let tally = load(&one, 2, five(), plan(&folder)).await.tally;
        assert_eq!(
            (tally.succeeded, tally.unresolved, tally.failed()),
            (1, 1, 1)
        );
        // The refused one was never created; the one not fetched is fetched by its id.
        assert_eq!((tally.planned, tally.running), (1, 1));

        let mut retry = plan(&folder);
        retry.retry_failed = true;
        let tally = load(&one, 3, five(), retry.clone()).await.tally;
        assert_eq!((tally.planned, tally.unresolved, tally.failed()), (2, 1, 0));
        retry.retry_unresolved = true;
        let tally = load(&one, 4, five(), retry).await.tally;
        assert_eq!((tally.planned, tally.unresolved, tally.total()), (3, 0, 5));
        let all = one.list(Filter::default()).await.unwrap();
        assert_eq!(all.len(), 7);
        assert_eq!(all.iter().filter(|entry| entry.superseded).count(), 2);
    });
}

#[test]
fn only_rows_that_were_provably_not_created_are_planned_again() {
    on_sqlite(|one, _, folder| async move {
        let ends = [
            // An id that could not be recorded.
            Outcome::succeeded(),
            Outcome::failed(Kind::Failed, "why"),
            Outcome::failed(Kind::NotFound, "?"),
            Outcome::failed(Kind::File, "full"),
            Outcome::failed(Kind::Refused, "no"),
            Outcome::failed(Kind::NeverReached, "away"),
        ];
        let all = || rows(&["a", "b", "c", "d", "e", "f"]);
        load(&one, 1, all(), plan(&folder)).await;
        let worker = one.register(SERVICE.to_owned()).await.unwrap();
        for (job, outcome) in claim(&one, worker, 1, 9).await.jobs.iter().zip(ends) {
            one.record(worker, job.seq, Mark::Sending).await.unwrap();
            let end = Mark::Ended(outcome);
            one.record(worker, job.seq, end).await.unwrap();
        }
        let tally = load(&one, 2, all(), plan(&folder)).await.tally;
        assert_eq!((tally.planned, tally.running), (2, 0), "{tally:?}");
    });
}

/// Ends the row "r" of load 1 as a prediction of id "paid".
async fn ended(ledger: &Shared, folder: &Path, outcome: Outcome) -> (WorkerId, u64) {
    load(ledger, 1, vec![row(1, Some("r"), "x")], plan(folder)).await;
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let seq = claim(ledger, worker, 1, 1).await.jobs[0].seq;
    for mark in [Mark::Sending, created("paid"), Mark::Ended(outcome)] {
        ledger.record(worker, seq, mark).await.unwrap();
    }
    (worker, seq)
}

#[test]
fn files_that_may_exist_are_looked_for_before_they_are_paid_for_again() {
    on_sqlite(|one, _, folder| async move {
        let again = || vec![row(1, Some("r"), "x")];
        let retry = || Plan {
            retry_failed: true,
            ..plan(&folder)
        };
        let not_found = Outcome::failed(Kind::NotFound, "another key, say");
        ended(&one, &folder, not_found).await;
        let tally = load(&one, 2, again(), retry()).await.tally;
        assert_eq!((tally.planned, tally.running), (0, 1));
    });
    // A file host's passing refusal looks like files that are gone.
    on_sqlite(|one, _, folder| async move {
        let again = || vec![row(1, Some("r"), "x")];
        let retry = || Plan {
            retry_failed: true,
            ..plan(&folder)
        };
        let gone = || Mark::Ended(Outcome::failed(Kind::Expired, "gone"));
        let (worker, seq) = ended(&one, &folder, Outcome::failed(Kind::Expired, "gone")).await;
        for (at, plan) in [(2, retry()), (3, plan(&folder))] {
            let tally = load(&one, at, again(), plan).await.tally;
            assert_eq!((tally.planned, tally.running), (0, 1), "{at}");
            assert_eq!(claim(&one, worker, at, 1).await.jobs[0].seq, seq);
            one.record(worker, seq, gone()).await.unwrap();
        }
        // Looked for and not there: now it is created again on request.
        let tally = load(&one, 4, again(), retry()).await.tally;
        assert_eq!((tally.planned, tally.running), (1, 0));
    });
}

#[test]
fn a_final_end_is_not_adopted_and_no_end_is_overwritten() {
    for (outcome, adopted) in [
        (Outcome::succeeded(), false),
        (Outcome::failed(Kind::Failed, "why"), false),
        (Outcome::failed(Kind::Expired, "gone"), true),
        (Outcome::failed(Kind::Download, "away"), true),
        (Outcome::failed(Kind::NotFound, "?"), true),
    ] {
        on_sqlite(|one, other, folder| async move {
            let (worker, seq) = ended(&one, &folder, outcome.clone()).await;
            let job = one.adopt(worker, "paid".to_owned()).await.unwrap();
            assert_eq!(job.is_some(), adopted, "{outcome:?}");
            if !adopted {
                let late = Mark::Ended(Outcome::failed(Kind::Expired, "gone"));
                one.record(worker, seq, late).await.unwrap_err();
                return;
            }
            let entry = &one.list(Filter::default()).await.unwrap()[0];
            assert_eq!((entry.state, entry.held), (State::Running, true));
            // The worker that holds it keeps it.
            let retry = Plan {
                retry_failed: true,
                ..plan(&folder)
            };
            let again = vec![row(1, Some("r"), "x")];
            let tally = load(&other, 2, again, retry).await.tally;
            assert_eq!((tally.running, tally.planned), (1, 0));
            one.record(worker, seq, Mark::Ended(Outcome::succeeded()))
                .await
                .unwrap();
        });
    }
}

#[test]
fn a_worker_does_not_claim_again_what_it_released() {
    on_sqlite(|one, other, folder| async move {
        load(&one, 1, rows(&["a"]), plan(&folder)).await;
        load(&other, 2, rows(&["a"]), plan(&folder)).await;
        let (mine, others) = (
            one.register(SERVICE.to_owned()).await.unwrap(),
            other.register(SERVICE.to_owned()).await.unwrap(),
        );
        let job = claim(&one, mine, 1, 1).await.jobs.remove(0);
        one.record(mine, job.seq, Mark::Released).await.unwrap();
        let claimed = claim(&one, mine, 1, 1).await;
        assert_eq!((claimed.jobs.len(), claimed.elsewhere), (0, 0));
        assert_eq!(claim(&other, others, 2, 1).await.jobs.len(), 1);
    });
}

#[test]
fn a_row_released_while_it_is_sent_is_unresolved() {
    on_sqlite(|one, _, folder| async move {
        load(&one, 1, rows(&["a"]), plan(&folder)).await;
        let worker = one.register(SERVICE.to_owned()).await.unwrap();
        let job = claim(&one, worker, 1, 1).await.jobs.remove(0);
        for mark in [Mark::Sending, Mark::Released] {
            one.record(worker, job.seq, mark).await.unwrap();
        }
        let entry = &one.list(Filter::default()).await.unwrap()[0];
        let kind = entry.outcome.as_ref().and_then(|outcome| outcome.kind);
        assert_eq!(
            (entry.state, entry.held, kind),
            (State::Unresolved, false, Some(Kind::MaybeAccepted))
        );
    });
}

#[test]
fn a_single_prediction_is_recorded_found_and_adopted() {
    on_sqlite(|one, other, _| async move {
        let worker = one.register(SERVICE.to_owned()).await.unwrap();
        let input = json!({"b": 1, "a": [2]});
        let model = "a/b".parse().unwrap();
        let intent = Intent::new(&model, input.as_object().unwrap());
        let job = one.begin(worker, intent).await.unwrap();
        let entry = &other.list(Filter::default()).await.unwrap()[0];
        assert_eq!((entry.state, entry.held), (State::Sending, true));
        assert_eq!(entry.input, r#"{"a":[2],"b":1}"#);
        one.record(worker, job.seq, created("p")).await.unwrap();
        for status in ["starting", "processing"] {
            let mark = Mark::Seen {
                status: status.to_owned(),
                fetching: false,
                took: None,
            };
            one.record(worker, job.seq, mark).await.unwrap();
        }
        let next = other.register(SERVICE.to_owned()).await.unwrap();
        assert!(other.adopt(next, "p".to_owned()).await.unwrap().is_none());
        one.retire(worker).await.unwrap();
        let taken = other.claim(next, Want::new(None, 5, 5)).await.unwrap();
        assert_eq!(taken.jobs[0].id.as_deref(), Some("p"));
        other.record(next, job.seq, Mark::Released).await.unwrap();
        let adopted = other.adopt(next, "p".to_owned()).await.unwrap().unwrap();
        assert_eq!((adopted.seq, adopted.folder), (job.seq, None));
        let mut outcome = Outcome::failed(Kind::Failed, "why");
        outcome.request_ids = vec!["r1".to_owned()];
        other
            .record(next, job.seq, Mark::Ended(outcome.clone()))
            .await
            .unwrap();

        let filter = Filter {
            failed: true,
            ..Filter::default()
        };
        let failed = one.list(filter).await.unwrap();
        assert_eq!(failed[0].outcome.as_ref(), Some(&outcome));
        let seen: Vec<_> = failed[0]
            .seen
            .iter()
            .map(|(_, word)| word.as_str())
            .collect();
        assert_eq!(seen, ["starting", "processing"]);
        let filter = Filter {
            states: vec![State::Unresolved, State::Running],
            ..Filter::default()
        };
        assert!(one.list(filter).await.unwrap().is_empty());
    });
}

#[test]
fn the_durations_of_a_model_are_kept_as_many_as_count() {
    on_sqlite(|one, other, _| async move {
        let millis = Duration::from_millis;
        let kept = Durations::CAPACITY as u64;
        for (service, model, runs) in [
            (SERVICE, "a/b", kept + 3),
            (SERVICE, "a/c", 1),
            ("https://other.example", "a/b", 2),
        ] {
            let worker = one.register(service.to_owned()).await.unwrap();
            for run in 0..runs {
                let intent = Intent::new(&model.parse().unwrap(), &serde_json::Map::new());
                let job = one.begin(worker, intent).await.unwrap();
                // A prediction that is taken up again counts once.
                for took in [millis(7), millis(run)] {
                    let mark = Mark::Seen {
                        status: "succeeded".to_owned(),
                        fetching: true,
                        took: Some(took),
                    };
                    one.record(worker, job.seq, mark).await.unwrap();
                }
                let end = Mark::Ended(Outcome::succeeded());
                one.record(worker, job.seq, end).await.unwrap();
            }
        }
        let later = std::time::SystemTime::now() + millis(3_600_000);
        one.prune(later).await.unwrap();
        let durations = other.durations(SERVICE.to_owned()).await.unwrap();
        let all: Vec<&str> = durations.keys().map(String::as_str).collect();
        assert_eq!(all, ["a/b", "a/c"]);
        assert!(durations["a/b"].iter().eq((3..kept + 3).map(millis)));
        assert!(durations["a/c"].iter().eq([millis(0)]));
        let none = other.durations("https://none.example".to_owned()).await;
        assert_eq!(none.unwrap(), BTreeMap::new());
    });
}

#[test]
fn lists_are_paged_newest_first() {
    on_sqlite(|one, _, folder| async move {
        load(&one, 1, rows(&["a", "b", "c", "d", "e"]), plan(&folder)).await;
        let mut filter = Filter {
            limit: 2,
            ..Filter::default()
        };
        let mut seqs = Vec::new();
        loop {
            let page = one.list(filter.clone()).await.unwrap();
            let Some(last) = page.last() else { break };
            filter.before = Some(last.seq);
            seqs.extend(page.iter().map(|entry| entry.seq));
        }
        assert_eq!(seqs, [5, 4, 3, 2, 1]);
    });
}

#[test]
fn the_rows_of_a_model_that_is_not_offered_end_together() {
    on_sqlite(|one, _, folder| async move {
        load(&one, 1, rows(&["a", "b", "c"]), plan(&folder)).await;
        let refused = |most| {
            let outcome = Outcome::failed(Kind::Refused, "not offered");
            one.refuse_model(LoadId(1), "a/b".to_owned(), outcome, most)
        };
        assert_eq!(refused(2).await.unwrap().len(), 2);
        assert_eq!(refused(2).await.unwrap().len(), 1);
        assert_eq!(refused(2).await.unwrap().len(), 0);
        let tally = one.tally(LoadId(1)).await.unwrap();
        assert_eq!(tally.failed.get("refused"), Some(&3));
    });
}
