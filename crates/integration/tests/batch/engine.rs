//! The engine in this process, noted what to do by faults of the mock.

use std::io::Cursor;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cometapi::{Client, ErrorKind as Kind};
use cometapi_batch::{
    Batch, Begun, ErrorKind, Event, Filter, Finish, Format, Intent, Ledger, Mark, Outcome, Report,
    Rows, SqliteLedger, Stop, Stopped,
};
use cometapi_mock::{Ending, Fault, Hold, MockServer, Pace, Plan, Script, Step};
use integration::{FrozenClock, drive};
use serde_json::json;
use tempfile::TempDir;

use crate::setup::{Count, NO_PAUSE, client, client_with, quick, visible};

const MODEL: &str = "acme/painter";

pub(crate) struct Bench {
    pub(crate) server: MockServer,
    pub(crate) base: TempDir,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) client: Client,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let server = MockServer::builder()
            .pace(Pace::instant())
            .strict_headers()
            .verify_on_drop()
            .start()
            .await
            .unwrap();
        let base = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(base.path().join("ledger")).unwrap();
        let client = client(server.base_url());
        Self {
            server,
            base,
            ledger: Arc::new(ledger),
            client,
        }
    }

    pub(crate) fn batch(&self) -> Batch {
        Batch::new(&self.client, Arc::clone(&self.ledger), self.folder()).create_policy(quick())
    }

    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.base.path().join("out")
    }

    pub(crate) fn files(&self) -> Vec<String> {
        let name = |path: std::path::PathBuf| path.file_name()?.to_str().map(str::to_owned);
        let files = visible(&self.folder());
        files.into_iter().filter_map(name).collect()
    }
}

pub(crate) fn row(id: &str) -> String {
    format!(
        "{{\"id\": \"{id}\", \"model\": \"{MODEL}\", \"prompt\": \"{id}\", \
         \"aspect_ratio\": \"custom\", \"width\": 256, \"height\": 256, \"output_format\": \"png\"}}\n"
    )
}

pub(crate) fn rows(ids: &[&str]) -> Rows {
    let text: String = ids.iter().map(|id| row(id)).collect();
    Rows::reader(Cursor::new(text), Format::JsonLines)
}

pub(crate) fn failed(report: &Report) -> Vec<(&'static str, u64)> {
    report
        .tally
        .failed
        .iter()
        .map(|(word, n)| (*word, *n))
        .collect()
}

/// A response that was another request's: what its row created is not known.
#[tokio::test]
async fn an_id_that_another_row_has_is_unresolved_and_never_sent_again() {
    let bench = Bench::new().await;
    assert!(bench.batch().run(rows(&["a"])).await.unwrap().is_success());
    let id = bench.server.predictions()[0].id.clone();
    let body = serde_json::json!({"id": id, "status": "starting"});
    bench.server.on_create(Fault::json(201, &body));
    let report = bench.batch().run(rows(&["a", "b"])).await.unwrap();
    assert_eq!((report.tally.succeeded, report.tally.unresolved), (1, 1));
    assert_eq!(report.most_severe(), Some(Kind::MaybeAccepted));
    assert_eq!(bench.files(), ["a.png"]);
    let listed = bench.ledger.list(Filter::default()).await.unwrap();
    let message = listed[0]
        .outcome
        .as_ref()
        .unwrap()
        .message
        .as_ref()
        .unwrap();
    assert!(message.contains(&id), "{message}");
    assert_eq!(listed[0].id, None);
    let again = bench.batch().run(rows(&["a", "b"])).await.unwrap();
    assert_eq!((again.created, again.tally.unresolved), (0, 1));
    assert_eq!(bench.server.create_requests(), 2);
}

#[tokio::test]
async fn run_again_it_does_only_what_is_missing() {
    let bench = Bench::new().await;
    let report = bench.batch().run(rows(&["a", "b", "c d?"])).await.unwrap();
    assert!(report.is_success());
    assert_eq!((report.created, report.tally.succeeded), (3, 3));
    assert_eq!(bench.files(), ["a.png", "b.png", "c d~3f.png"]);

    // Moved, inserted, deleted; a file lost.
    std::fs::remove_file(bench.folder().join("a.png")).unwrap();
    let fetched = bench.server.file_requests().len();
    let report = bench.batch().run(rows(&["d", "b", "a"])).await.unwrap();
    assert!(report.is_success());
    assert_eq!((report.created, report.tally.total()), (1, 3));
    assert_eq!(bench.server.create_requests(), 4);
    assert_eq!(bench.server.file_requests().len(), fetched + 2);
    assert_eq!(bench.files().len(), 4);
    let held = bench.server.predictions();
    let first = held.iter().find(|held| held.input["prompt"] == "a");

    // A file lost for good.
    std::fs::remove_file(bench.folder().join("a.png")).unwrap();
    bench.server.remove_data(&first.unwrap().id);
    let report = bench.batch().run(rows(&["a"])).await.unwrap();
    assert_eq!((failed(&report), report.created), (vec![("expired", 1)], 0));
    let report = bench
        .batch()
        .retry_failed(true)
        .run(rows(&["a"]))
        .await
        .unwrap();
    assert_eq!((report.is_success(), report.created), (true, 1));
}

#[tokio::test]
async fn equal_rows_are_distinguished_by_their_number_and_tables_are_read() {
    let bench = Bench::new().await;
    let text = "prompt,width,height,aspect_ratio,output_format\r\nx,256,256,custom,png\r\n\
                x,256,256,custom,png\r\n";
    let table = || Rows::reader(Cursor::new(text), Format::Csv);
    let batch = || bench.batch().model(MODEL.parse().unwrap());
    let report = batch().run(table()).await.unwrap();
    assert_eq!((report.is_success(), report.created), (true, 2));
    let files = bench.files();
    assert!(files[0].replace("-2.png", ".png") == files[1], "{files:?}");
    let input = &bench.server.predictions()[0].input;
    assert_eq!(
        (&input["width"], &input["prompt"]),
        (&256.into(), &"x".into())
    );
    assert_eq!(batch().run(table()).await.unwrap().created, 0);
}

#[tokio::test]
async fn a_bad_row_stops_everything_before_anything_is_sent() {
    let bench = Bench::new().await;
    let text = format!("{}nonsense\n{}{}", row("a"), row("a"), row("b"));
    let bad = || Rows::reader(Cursor::new(text.clone()), Format::JsonLines);
    let error = bench.batch().run(bad()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rows);
    let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "line 2: not json, at column 2",
            "line 3, id: \"a\" is also the id of line 1"
        ]
    );
    let text = format!("{}{}", row("a"), row("A"));
    let capitals = Rows::reader(Cursor::new(text), Format::JsonLines);
    let error = bench.batch().run(capitals).await.unwrap_err();
    let problem = error.problems()[0].to_string();
    assert!(
        problem.starts_with("line 2, id: \"A\" differs from the id of line 1 only in"),
        "{problem}"
    );
    assert_eq!(bench.server.requests().len(), 0);
    let report = bench.batch().skip_bad(true).run(bad()).await.unwrap();
    assert_eq!(
        (report.skipped, report.created, report.is_success()),
        (2, 2, false)
    );
    let error = bench.batch().run(rows(&[])).await.unwrap_err();
    assert_eq!(error.to_string(), "there are no rows");
}

#[tokio::test]
async fn a_dry_run_sends_and_makes_nothing() {
    let bench = Bench::new().await;
    let report = bench.batch().dry_run(rows(&["a", "b"])).await.unwrap();
    assert_eq!(report.tally.planned, 2);
    assert!(!bench.folder().exists());
    bench.batch().limit(1).run(rows(&["a", "b"])).await.unwrap();
    let report = bench.batch().dry_run(rows(&["a", "b", "c"])).await.unwrap();
    assert_eq!((report.tally.planned, report.tally.succeeded), (2, 1));
    assert_eq!(bench.server.create_requests(), 1);
}

#[tokio::test]
async fn a_429_pauses_all_and_nothing_is_created_twice() {
    let bench = Bench::new().await;
    bench
        .server
        .on_create(Plan::of(Fault::EmptyTooManyRequests).skip(1).times(3));
    let pauses = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&pauses);
    let report = bench
        .batch()
        .on_event(move |event| {
            if let Event::Paused { limit, .. } = event {
                assert!(*limit < 4);
                seen.fetch_add(1, Ordering::Relaxed);
            }
        })
        .run(rows(&["a", "b", "c", "d", "e", "f"]))
        .await
        .unwrap();
    assert_eq!((report.is_success(), report.created), (true, 6));
    assert_eq!(bench.server.create_requests(), 9);
    assert_eq!(bench.server.predictions().len(), 6);
    assert!((1..=3).contains(&pauses.load(Ordering::Relaxed)));
}

#[tokio::test]
async fn without_files_the_urls_are_recorded_with_their_end() {
    let bench = Bench::new().await;
    for created in [2, 0] {
        let batch = bench.batch().no_files(true).run(rows(&["a", "b"]));
        let report = batch.await.unwrap();
        assert_eq!((report.is_success(), report.created), (true, created));
        assert_eq!(bench.files(), [""; 0]);
    }
    for entry in bench.ledger.list(Filter::default()).await.unwrap() {
        assert_eq!(entry.files, []);
        let note = entry.outcome.unwrap().message.unwrap();
        assert!(
            note.starts_with("not saved, and removed by the service at about 20"),
            "{note}"
        );
        assert!(note.contains("Z: http://"), "{note}");
    }
}

#[tokio::test]
async fn a_429_to_one_process_pauses_the_others() {
    let bench = Bench::new().await;
    bench
        .server
        .on_create(Plan::of(Fault::ThrottledSeconds(3600)).always());
    let run = async |pauses: fn(&Event<'_>) -> Option<Duration>| {
        let stop = Stop::new();
        let (asked, pause) = (stop.clone(), Arc::new(Mutex::new(None)));
        let seen = Arc::clone(&pause);
        let batch = bench.batch().stop(&stop).on_event(move |event| {
            if let Some(pause) = pauses(event) {
                *seen.lock().unwrap() = Some(pause);
                asked.request();
            }
        });
        batch.run(rows(&["a", "b", "c"])).await.unwrap();
        pause.lock().unwrap().take().unwrap()
    };
    run(|event| match event {
        Event::Paused { pause, .. } => Some(*pause),
        _ => None,
    })
    .await;
    let requests = bench.server.create_requests();
    // As another process does: it has a limiter of its own.
    let pause = run(|event| match event {
        Event::PausedElsewhere { pause, .. } => Some(*pause),
        _ => None,
    })
    .await;
    assert!(pause > Duration::from_secs(3000), "{pause:?}");
    assert_eq!(bench.server.create_requests(), requests);
}

/// A run waits for predictions of another process, with another folder, that are in flight.
#[tokio::test]
async fn what_is_in_flight_in_another_process_holds_a_run_back() {
    let bench = Bench::new().await;
    bench.server.on_poll(Plan::of(Fault::Hang).times(2));
    let leaves = Stop::new();
    let (count, both_run) = Count::to(2);
    let first = bench.batch().stop(&leaves).on_event(move |event| {
        if matches!(event, Event::Created { .. }) {
            count.count();
        }
    });
    let first = tokio::spawn(first.run(rows(&["a", "b"])));
    both_run.notified().await;

    let folder = bench.base.path().join("other");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let second = Batch::new(&bench.client, Arc::clone(&bench.ledger), folder);
    let second = second.max_in_flight(2).on_event(move |event| match event {
        Event::InFlight { predictions, .. } => {
            noted.lock().unwrap().push(*predictions);
            // What no process waits for does not count.
            leaves.leave(Duration::ZERO);
        }
        Event::Sending { .. } => noted.lock().unwrap().push(0),
        _ => {}
    });
    let second = second.run(rows(&["c", "d", "e"])).await.unwrap();
    assert_eq!((second.is_success(), second.created), (true, 3));
    assert_eq!(*seen.lock().unwrap(), [2, 0, 0, 0]);
    assert_eq!(first.await.unwrap().unwrap().tally.running, 2);
}

#[tokio::test]
async fn a_long_delay_is_reported_and_can_be_stopped() {
    let bench = Bench::new().await;
    bench
        .server
        .on_create(Plan::of(Fault::ThrottledSeconds(3600)).always());
    let stop = Stop::new();
    let asked = stop.clone();
    let batch = bench.batch().stop(&stop).on_event(move |event| {
        if let Event::Paused { pause, .. } = event {
            assert!(pause.as_secs() >= 3600);
            asked.request();
        }
    });
    let report = batch.run(rows(&["a", "b"])).await.unwrap();
    assert!(matches!(report.stopped, Some(Stopped::Asked)));
    assert_eq!((report.tally.planned, report.created), (2, 0));
}

#[tokio::test]
async fn every_end_of_a_row_is_its_own_and_stops_no_other() {
    let bench = Bench::new().await;
    bench.server.on_end(Ending::nsfw());
    bench.server.on_end(Ending::Canceled);
    bench.server.on_end(Ending::Removed);
    bench
        .server
        .on_create(Plan::of(Fault::InputRefused).skip(3));
    bench
        .server
        .on_create(Plan::of(Fault::Close).after_accept().skip(3));
    let ids = ["a", "b", "c", "d", "e", "f"];
    let one = || bench.batch().concurrency(1);
    let report = one().run(rows(&ids)).await.unwrap();
    // Each fault and end happened to one row; the rest is well.
    assert_eq!(
        failed(&report),
        [
            ("canceled", 1),
            ("expired", 1),
            ("failed", 1),
            ("refused", 1)
        ]
    );
    assert_eq!((report.tally.unresolved, report.tally.succeeded), (1, 1));
    assert_eq!(report.most_severe(), Some(Kind::MaybeAccepted));

    // The refused one was never created; the rest is asked for by name.
    let report = one().run(rows(&ids)).await.unwrap();
    assert_eq!((report.created, report.tally.succeeded), (1, 2));
    let report = one().retry_failed(true).run(rows(&ids)).await.unwrap();
    assert_eq!((report.created, report.tally.succeeded), (3, 5));
    let report = one().retry_unresolved(true).run(rows(&ids)).await.unwrap();
    assert_eq!((report.created, report.is_success()), (1, true));
}

#[tokio::test]
async fn an_id_in_a_broken_answer_is_kept() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::CutBody);
    let report = bench.batch().run(rows(&["a"])).await.unwrap();
    assert!(report.is_success(), "{report:?}");
    assert_eq!(bench.server.create_requests(), 1);
}

#[tokio::test]
async fn what_no_other_row_can_survive_stops_creating() {
    for (fault, kind) in [
        (Fault::InvalidToken, Kind::Unauthorized),
        (Fault::InsufficientUserQuota, Kind::OutOfQuota),
        (Fault::IndexPage, Kind::WrongEndpoint),
    ] {
        let bench = Bench::new().await;
        bench.server.on_create(Plan::of(fault).skip(1));
        let batch = bench.batch().concurrency(1);
        let report = batch.run(rows(&["a", "b", "c"])).await.unwrap();
        assert_eq!(report.stopped.unwrap().kind(), Some(kind));
        assert_eq!((report.tally.succeeded, report.tally.planned), (1, 2));
        assert_eq!(bench.server.create_requests(), 2);
        // Nothing was created by it, so nothing has to be asked for.
        assert!(
            bench
                .batch()
                .run(rows(&["a", "b", "c"]))
                .await
                .unwrap()
                .is_success()
        );
    }
}

#[tokio::test]
async fn a_model_that_is_not_offered_stops_its_own_rows_alone() {
    let bench = Bench::new().await;
    let gone = "acme/gone";
    bench
        .server
        .on_create(Fault::ModelNotFound.always().model(gone));
    let text: String = (0..30)
        .map(|n| {
            let row = row(&n.to_string());
            if n % 3 == 0 {
                row
            } else {
                row.replace(MODEL, gone)
            }
        })
        .collect();
    let batch = bench.batch().concurrency(2);
    let report = batch
        .run(Rows::reader(Cursor::new(text), Format::JsonLines))
        .await
        .unwrap();
    assert_eq!(
        (report.tally.succeeded, failed(&report)),
        (10, vec![("refused", 20)])
    );
    assert!(
        bench.server.create_requests() <= 12,
        "{}",
        bench.server.create_requests()
    );
}

#[tokio::test]
async fn enough_failures_stop_creating() {
    let bench = Bench::new().await;
    bench.server.on_end(Plan::of(Ending::nsfw()).always());
    let batch = bench.batch().concurrency(1).max_failures(2);
    let report = batch.run(rows(&["a", "b", "c", "d"])).await.unwrap();
    assert!(matches!(report.stopped, Some(Stopped::TooManyFailures)));
    assert_eq!((report.tally.failed(), report.tally.planned), (2, 2));
}

#[tokio::test]
async fn a_stop_lets_what_runs_go_on_and_a_second_leaves_at_once() {
    let bench = Bench::new().await;
    let stop = Stop::new();
    let asked = stop.clone();
    let report = bench
        .batch()
        .concurrency(1)
        .stop(&stop)
        .on_event(move |event| {
            if matches!(event, Event::Created { .. }) {
                asked.request();
            }
        })
        .run(rows(&["a", "b"]))
        .await
        .unwrap();
    assert!(matches!(report.stopped, Some(Stopped::Asked)));
    assert_eq!((report.tally.succeeded, report.tally.planned), (1, 1));

    bench.server.on_run(Script::new([Step::Processing]));
    let stop = Stop::new();
    let asked = stop.clone();
    let report = bench
        .batch()
        .stop(&stop)
        .on_event(move |event| {
            if matches!(event, Event::State { .. }) {
                asked.request();
                asked.request();
            }
        })
        .run(rows(&["a", "b"]))
        .await
        .unwrap();
    assert_eq!((report.tally.running, report.tally.succeeded), (1, 1));
}

/// What SIGTERM does: the ids of the two requests in flight are recorded, the row that runs is
/// left to the next run, and the others are not created.
#[tokio::test]
async fn leaving_waits_for_the_responses_to_create_requests_in_flight() {
    let bench = Bench::new().await;
    let all = ["a", "b", "c", "d"];
    bench.server.on_run(Script::new([Step::Processing]));
    let hold = Hold::new();
    bench
        .server
        .on_create(Plan::of(Fault::Hold(hold.clone())).skip(1).times(2));
    let stop = Stop::new();
    let batch = bench.batch().concurrency(3).stop(&stop);
    let leaves = async {
        while bench.server.create_requests() < 3 {
            let requests = bench.server.requests().len() as u64;
            bench.server.wait_for_requests(requests + 1).await;
        }
        stop.leave(Duration::MAX);
        hold.release();
    };
    let (report, ()) = tokio::join!(batch.run(rows(&all)), leaves);
    let report = report.unwrap();
    assert!(matches!(report.stopped, Some(Stopped::Asked)));
    let tally = &report.tally;
    assert_eq!((tally.running, tally.planned), (3, 1), "{tally:?}");
    assert_eq!(report.created, 3);

    let report = bench.batch().timeout(Duration::ZERO).run(rows(&all)).await;
    assert_eq!(report.unwrap().created, 1);
    assert_eq!(bench.server.create_requests(), 4);
}

#[tokio::test]
async fn leaving_does_not_wait_longer_than_it_is_given() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::Hang.after_accept());
    let stop = Stop::new();
    let batch = bench.batch().concurrency(1).stop(&stop);
    let leaves = async {
        bench.server.wait_for_requests(1).await;
        stop.leave(Duration::from_millis(1));
    };
    let (report, ()) = tokio::join!(batch.run(rows(&["a", "b"])), leaves);
    let tally = report.unwrap().tally;
    assert_eq!((tally.unresolved, tally.planned), (1, 1), "{tally:?}");
    assert_eq!(bench.server.create_requests(), 1);
}

#[tokio::test]
async fn leaving_twice_leaves_at_once() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::Hang.after_accept());
    let stop = Stop::new();
    let batch = bench.batch().stop(&stop);
    let leaves = async {
        bench.server.wait_for_requests(1).await;
        stop.leave(Duration::MAX);
        stop.leave(Duration::MAX);
    };
    let (report, ()) = tokio::join!(batch.run(rows(&["a"])), leaves);
    assert_eq!(report.unwrap().tally.unresolved, 1);
}

/// The row is recorded as being sent by then, and nothing has left yet.
#[tokio::test]
async fn a_stop_just_before_a_create_request_leaves_sends_nothing() {
    for ask in [Stop::request, Stop::stop_creating, |stop: &Stop| {
        stop.leave(Duration::MAX);
    }] {
        let bench = Bench::new().await;
        let stop = Stop::new();
        let asked = stop.clone();
        let report = bench
            .batch()
            .stop(&stop)
            .on_event(move |event| {
                if matches!(event, Event::Sending { .. }) {
                    ask(&asked);
                }
            })
            .run(rows(&["a"]))
            .await
            .unwrap();
        assert_eq!(report.tally.planned, 1, "{:?}", report.tally);
        assert_eq!(bench.server.create_requests(), 0);
    }
}

#[tokio::test]
async fn a_stop_before_anything_is_written_down_leaves_nothing() {
    let bench = Bench::new().await;
    let stop = Stop::new();
    let asked = stop.clone();
    let batch = bench.batch().stop(&stop).on_event(move |event| {
        if matches!(event, Event::Read { .. }) {
            asked.request();
        }
    });
    let report = batch.run(rows(&["a", "b"])).await.unwrap();
    assert!(matches!(report.stopped, Some(Stopped::Asked)));

    // Rows that never come.
    let (reader, _writer) = std::io::pipe().unwrap();
    let stop = Stop::new();
    let batch = bench.batch().stop(&stop);
    let run = tokio::spawn(batch.run(Rows::reader(reader, Format::JsonLines)));
    stop.request();
    let report = run.await.unwrap().unwrap();
    assert!(matches!(report.stopped, Some(Stopped::Asked)));
    let entries = bench.ledger.list(Filter::default());
    assert!(entries.await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_row_that_takes_too_long_is_left_running_and_taken_up_again() {
    let mut bench = Bench::new().await;
    // The clock stands still, so nothing may pause.
    bench.client = client_with(bench.server.base_url(), NO_PAUSE);
    let _clock = FrozenClock::hold();
    bench.server.on_run(Script::new([Step::Processing]));
    let timeout = Duration::from_secs(60);
    // Both are created, so the clock cannot time a create request out.
    let (events, one_runs) = Count::to(3);
    let batch = bench.batch().timeout(timeout).on_event(move |event| {
        if matches!(event, Event::Created { .. } | Event::Ended { .. }) {
            events.count();
        }
    });
    let report = drive(batch.run(rows(&["a", "b"])), async {
        one_runs.notified().await;
        tokio::time::advance(timeout).await;
    });
    let report = report.await.unwrap();
    assert_eq!((report.tally.running, report.tally.succeeded), (1, 1));
    assert_eq!(report.most_severe(), Some(Kind::WaitTimeout));
    let finish = Finish::new(&bench.client, Arc::clone(&bench.ledger), bench.folder());
    let report = finish.timeout(Duration::ZERO).run().await.unwrap();
    assert_eq!(
        (report.tally.running, bench.server.create_requests()),
        (1, 2)
    );
}

#[tokio::test]
async fn how_long_predictions_took_is_recorded() {
    let bench = Bench::new().await;
    let rows = rows(&["a", "b", "c"]);
    assert!(bench.batch().run(rows).await.unwrap().is_success());
    let service = bench.server.base_url().to_owned();
    let durations = bench.ledger.durations(service).await.unwrap();
    assert_eq!(durations[MODEL].len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_batch_polls_when_the_models_past_predictions_ended() {
    let mut bench = Bench::new().await;
    bench.client = Client::builder()
        .key("sk-test")
        .base_url(bench.server.base_url())
        .build()
        .unwrap();
    record_runs(&bench, Duration::from_millis(200)).await;
    let _clock = FrozenClock::hold();
    let began = tokio::time::Instant::now();
    let (count, first_state) = Count::to(1);
    let batch = bench.batch().on_event(move |event| {
        if matches!(event, Event::State { .. }) {
            count.count();
        }
    });
    let report = drive(batch.run(rows(&["a"])), async {
        first_state.notified().await;
        // Without a history, the first poll is sent after 0.45 s at the earliest.
        tokio::time::advance(Duration::from_millis(400)).await;
    });
    assert!(report.await.unwrap().is_success());
    // The clock was not moved further.
    assert!(began.elapsed() < Duration::from_millis(450));
}

/// Records 20 predictions of the model that took this long.
async fn record_runs(bench: &Bench, took: Duration) {
    let service = bench.server.base_url().to_owned();
    let worker = bench.ledger.register(service).await.unwrap();
    for _ in 0..20 {
        let intent = Intent::new(&MODEL.parse().unwrap(), &serde_json::Map::new());
        let Begun::Send(job) = bench.ledger.begin(worker, intent).await.unwrap() else {
            panic!("it is new");
        };
        let seen = Mark::Seen {
            status: "succeeded".to_owned(),
            fetching: true,
            took: Some(took),
        };
        for mark in [seen, Mark::Ended(Outcome::succeeded())] {
            bench.ledger.record(worker, job.seq, mark).await.unwrap();
        }
    }
    bench.ledger.retire(worker).await.unwrap();
}

#[tokio::test]
async fn an_id_that_is_not_found_is_polled_again_by_the_next_run() {
    let bench = Bench::new().await;
    bench.server.on_run(Script::new([Step::Processing]));
    let short = bench.batch().timeout(Duration::ZERO);
    let report = short.run(rows(&["a"])).await.unwrap();
    assert_eq!(report.tally.running, 1);
    bench.server.on_poll(Plan::of(Fault::TaskNotExist).always());
    for retry in [false, true] {
        let left = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&left);
        let batch = bench.batch().retry_failed(retry).on_event(move |event| {
            if let Event::Left { error, .. } = event {
                noted.lock().unwrap().push(error.kind());
            }
        });
        let report = batch.run(rows(&["a"])).await.unwrap();
        assert_eq!((report.tally.running, report.created), (1, 0));
        assert_eq!(*left.lock().unwrap(), [Kind::NotFound]);
    }
    let finish = Finish::new(&bench.client, Arc::clone(&bench.ledger), bench.folder());
    assert_eq!(finish.run().await.unwrap().tally.running, 1);
    assert_eq!(bench.server.create_requests(), 1);
}

#[tokio::test]
async fn files_that_a_host_refuses_for_a_moment_are_downloaded_by_the_next_run() {
    // Their host says no, as it does when they are gone.
    let bench = Bench::new().await;
    bench.server.on_file(Fault::AccessDenied);
    let report = bench.batch().run(rows(&["a"])).await.unwrap();
    assert_eq!(failed(&report), [("expired", 1)]);
    let retry = bench.batch().retry_failed(true);
    let report = retry.run(rows(&["a"])).await.unwrap();
    assert_eq!(
        (report.is_success(), bench.server.create_requests()),
        (true, 1)
    );

    // Or nothing of use, to a run that knows no rows.
    bench.server.on_poll(Fault::TaskNotExist);
    let report = bench.batch().run(rows(&["b"])).await.unwrap();
    assert_eq!(report.tally.running, 1);
    let finish = || Finish::new(&bench.client, Arc::clone(&bench.ledger), bench.folder());
    bench.server.on_file(Plan::of(Fault::Overloaded).always());
    let report = finish().run().await.unwrap();
    assert_eq!(failed(&report), [("download", 1)]);
    bench.server.clear_plans();
    assert!(finish().run().await.unwrap().is_success());
    assert_eq!(bench.files(), ["a.png", "b.png"]);
}

#[tokio::test]
async fn a_dropped_run_is_taken_up_by_the_next() {
    let bench = Bench::new().await;
    bench
        .server
        .on_create(Plan::of(Fault::Hang).after_accept().skip(1));
    let run = bench.batch().concurrency(1).run(rows(&["a", "b", "c"]));
    let hangs = async {
        while bench.server.create_requests() < 2 {
            let received = bench.server.requests().len() as u64;
            bench.server.wait_for_requests(received + 1).await;
        }
    };
    tokio::select! {
        _ = run => panic!("one row hangs"),
        () = hangs => {}
    }
    let report = bench.batch().run(rows(&["a", "b", "c"])).await.unwrap();
    assert_eq!((report.tally.succeeded, report.tally.unresolved), (2, 1));
    assert_eq!(report.created, 1);
}

#[tokio::test]
async fn the_network_away_is_waited_out() {
    let bench = Bench::new().await;
    let address = bench.server.base_url().to_owned();
    // A port that is taken and that nothing listens on; something does from the third pause on.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let upstream = address.split('/').nth(2).unwrap().to_owned();
    let away = client(&address.replace(&upstream, &format!("127.0.0.1:{port}")));
    let back = Arc::new(tokio::sync::Notify::new());
    let (noted, pauses) = (Arc::clone(&back), AtomicUsize::new(0));
    tokio::spawn(async move {
        back.notified().await;
        let listener = socket.listen(64).unwrap();
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = tokio::net::TcpStream::connect(&upstream).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    let report = Batch::new(&away, Arc::clone(&bench.ledger), bench.folder())
        .create_policy(quick())
        .on_event(move |event| {
            if matches!(event, Event::Paused { .. }) && pauses.fetch_add(1, Ordering::Relaxed) == 2
            {
                noted.notify_one();
            }
        })
        .run(rows(&["a", "b"]))
        .await
        .unwrap();
    assert_eq!(
        (report.is_success(), bench.server.create_requests()),
        (true, 2)
    );
}

#[tokio::test]
async fn files_that_were_in_the_folder_are_left_and_reported() {
    let bench = Bench::new().await;
    std::fs::create_dir(bench.folder()).unwrap();
    let path = bench.folder().join("a.png");
    std::fs::write(&path, "mine").unwrap();
    for _ in 0..2 {
        let report = bench.batch().run(rows(&["a"])).await.unwrap();
        assert_eq!(failed(&report), [("file", 1)]);
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        // Nothing is paid for a file that cannot be saved.
        assert_eq!(bench.server.create_requests(), 0);
    }
    std::fs::remove_file(&path).unwrap();
    assert!(bench.batch().run(rows(&["a"])).await.unwrap().is_success());
    assert_eq!(bench.server.create_requests(), 1);
}

#[tokio::test]
async fn another_ledger_does_not_pay_for_what_is_in_the_folder() {
    let bench = Bench::new().await;
    let text = format!("{}{}", row("a"), row("x").replace("\"id\": \"x\", ", ""));
    let all = || Rows::reader(Cursor::new(text.clone()), Format::JsonLines);
    assert!(bench.batch().run(all()).await.unwrap().is_success());
    let other = SqliteLedger::open(bench.base.path().join("other")).unwrap();
    let noted = Arc::new(Mutex::new(String::new()));
    let message = Arc::clone(&noted);
    let report = Batch::new(&bench.client, Arc::new(other), bench.folder())
        .on_event(move |event| {
            if let Event::Ended { outcome, .. } = event {
                *message.lock().unwrap() = outcome.message.clone().unwrap();
            }
        })
        .run(all())
        .await
        .unwrap();
    assert_eq!((failed(&report), report.created), (vec![("file", 2)], 0));
    assert_eq!(bench.server.create_requests(), 2);
    let message = noted.lock().unwrap().clone();
    assert!(message.contains("name the ledger"), "{message}");
}

#[tokio::test]
async fn an_observer_that_panics_at_the_response_loses_no_id() {
    let bench = Bench::new().await;
    let batch = bench.batch().on_event(|event| {
        assert!(!matches!(event, Event::Responded { .. }), "an observer's");
    });
    let run = tokio::spawn(batch.run(rows(&["a"])));
    assert!(run.await.unwrap_err().is_panic());
    let report = bench.batch().run(rows(&["a"])).await.unwrap();
    assert_eq!(
        (report.is_success(), bench.server.create_requests()),
        (true, 1)
    );
}

#[tokio::test]
async fn events_come_in_the_order_in_which_things_happen() {
    let bench = Bench::new().await;
    let names = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&names);
    let batch = bench.batch().on_event(move |event| {
        let text = format!("{event:?}");
        let name = text.split([' ', '(']).next().unwrap().to_owned();
        noted.lock().unwrap().push(name);
    });
    batch.run(rows(&["a"])).await.unwrap();
    assert_eq!(
        *names.lock().unwrap(),
        [
            "Read",
            "Planned",
            "Claimed",
            "Sending",
            "Responded",
            "Created",
            "State",
            "State",
            "Saved",
            "Recorded",
            "Ended"
        ]
    );
}

/// The outcome and files of each prediction of a ledger, oldest first.
async fn kept(bench: &Bench) -> Vec<(Option<Kind>, Option<String>, Vec<String>)> {
    let entries = bench.ledger.list(Filter::default()).await.unwrap();
    let entries = entries.into_iter().rev().map(|entry| {
        let outcome = entry.outcome.unwrap();
        let names = entry.files.iter().map(|file| {
            let name = file.path.file_name().unwrap();
            name.to_str().unwrap().to_owned()
        });
        (outcome.kind, outcome.message, names.collect())
    });
    entries.collect()
}

#[tokio::test]
async fn text_and_json_are_saved_and_recorded_like_files() {
    let bench = Bench::new().await;
    let outputs = [
        ("a", json!("a red fox"), "a.txt", "a red fox"),
        ("b", json!(["A ", "red ", "fox"]), "b.txt", "A red fox"),
        ("c", json!([{"text": "a fox"}]), "c.txt", "a fox"),
        ("d", json!(0.25), "d.json", "0.25"),
        (
            "e",
            json!({"safe": true}),
            "e.json",
            "{\n  \"safe\": true\n}",
        ),
        ("f-0", json!("Data: 5 bars"), "f-0.txt", "Data: 5 bars"),
    ];
    for (_, output, ..) in &outputs {
        bench.server.on_end(Ending::Output(output.clone()));
    }
    let ids = outputs.each_ref().map(|(id, ..)| *id);
    let one = || bench.batch().concurrency(1);
    let report = one().run(rows(&ids)).await.unwrap();
    assert!(report.is_success(), "{report:?}");
    for (entry, (id, _, name, text)) in kept(&bench).await.into_iter().zip(&outputs) {
        assert_eq!(entry, (None, None, vec![(*name).to_owned()]), "{id}");
        let saved = std::fs::read_to_string(bench.folder().join(name)).unwrap();
        assert_eq!(saved, *text);
    }
    let report = one().retry_failed(true).run(rows(&ids)).await.unwrap();
    assert_eq!((report.created, report.is_success()), (0, true));
    assert_eq!(bench.files().len(), outputs.len());
}

/// A file of text that was deleted is fetched again, as a file is.
#[tokio::test]
async fn a_text_that_is_missing_is_saved_again() {
    let bench = Bench::new().await;
    bench.server.on_end(Ending::Output(json!("a red fox")));
    bench.batch().run(rows(&["a"])).await.unwrap();
    std::fs::remove_file(bench.folder().join("a.txt")).unwrap();
    let report = bench.batch().run(rows(&["a"])).await.unwrap();
    assert_eq!((report.created, report.is_success()), (0, true));
    assert_eq!(bench.files(), ["a.txt"]);
}

#[tokio::test]
async fn an_output_of_no_use_is_paid_for_and_never_sent_again() {
    let bench = Bench::new().await;
    let ids = ["a", "b", "c"];
    for output in [json!([null]), json!([]), json!(["out-0.png"])] {
        bench.server.on_end(Ending::Output(output));
    }
    let one = || bench.batch().concurrency(1);
    let report = one().run(rows(&ids)).await.unwrap();
    assert_eq!((report.tally.succeeded, report.unusable), (3, 3));
    assert_eq!(report.most_severe(), Some(Kind::UnexpectedOutput));
    assert!(!report.is_success());
    for ((kind, note, files), shown) in
        kept(&bench)
            .await
            .into_iter()
            .zip(["[null]", "[]", "[\"out-0.png\"]"])
    {
        let note = note.unwrap();
        assert!(note.ends_with(shown), "{note}");
        assert_eq!((kind, files), (None, Vec::new()));
    }
    for retry in [false, true] {
        let again = one().retry_failed(retry).retry_unresolved(retry);
        let report = again.run(rows(&ids)).await.unwrap();
        assert_eq!((report.created, report.tally.succeeded), (0, 3));
        assert!(report.is_success());
    }
    assert_eq!(bench.server.create_requests(), 3);
}

/// A link to a page is left in the json; the image beside it is saved, and the row is done.
#[tokio::test]
async fn a_link_takes_no_file_with_it() {
    let bench = Bench::new().await;
    let images = bench.server.files_origin();
    let page = format!("{images}/none/article");
    let output = json!({"image": "data:image/png;base64,iVBORw0KGgo=", "source": page});
    bench.server.on_end(Ending::Output(output));
    // A file that is gone is no link.
    let output = json!({"image": format!("{images}/none/out.png"), "seed": 7});
    bench.server.on_end(Ending::Output(output));
    let one = || bench.batch().concurrency(1);
    let report = one().run(rows(&["a", "b"])).await.unwrap();
    assert_eq!((report.tally.succeeded, report.tally.failed()), (1, 1));
    assert_eq!(bench.files(), ["a.png", "a__3.json", "b__2.json"]);
    let entries = kept(&bench).await;
    let note = entries[0].1.as_deref().unwrap();
    assert!(
        note.starts_with(&format!("{page} was left as a link: ")),
        "{note}"
    );
    assert_eq!(entries[0].2, ["a.png", "a__3.json"]);
    let report = one().run(rows(&["a"])).await.unwrap();
    assert_eq!((report.created, report.is_success()), (0, true));
}

/// Before anything is sent: a file of text from an earlier run that this ledger does not know.
#[tokio::test]
async fn a_text_of_another_ledger_is_not_paid_for_again() {
    let bench = Bench::new().await;
    std::fs::create_dir_all(bench.folder()).unwrap();
    std::fs::write(bench.folder().join("a.txt"), "a fox").unwrap();
    std::fs::write(bench.folder().join("b.ply"), "ply").unwrap();
    let report = bench.batch().run(rows(&["a", "b", "c"])).await.unwrap();
    assert_eq!(failed(&report), [("file", 2)]);
    assert_eq!(bench.server.create_requests(), 1);
}
