//! When a batch must stop paying: files that cannot be saved, a ledger that is gone, a
//! service that does not come back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cometapi::{Backoff, CreatePolicy, ErrorKind as Kind};
use cometapi_batch::{
    Batch, Error, ErrorKind, Event, Once, OnceError, PauseReason, Report, Stopped,
};
use cometapi_mock::{Ending, Fault, Plan, Script, Step};
use integration::{FrozenClock, drive};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::unbounded_channel;

use crate::engine::{Bench, failed, rows};
use crate::setup::{Count, NO_PAUSE, client_with};

const IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn gave_up(report: &Report) -> Option<PauseReason> {
    match &report.stopped {
        Some(Stopped::GaveUp { reason, .. }) => Some(*reason),
        _ => None,
    }
}

/// An address at which nothing listens, and which no other process can take.
fn dead_address() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

#[tokio::test]
async fn nothing_more_is_created_once_a_file_cannot_be_written() {
    let bench = Bench::new().await;
    let (folder, ended) = (bench.folder(), AtomicUsize::new(0));
    let batch = bench.batch().concurrency(1).on_event(move |event| {
        if matches!(event, Event::Ended { .. }) && ended.fetch_add(1, Ordering::SeqCst) == 1 {
            std::fs::remove_dir_all(&folder).unwrap();
            std::fs::write(&folder, "not a folder any more").unwrap();
        }
    });
    let report = batch.run(rows(&IDS)).await.unwrap();
    assert!(
        matches!(&report.stopped, Some(Stopped::CannotWrite(why)) if why.contains("c.png")),
        "{report:?}"
    );
    assert_eq!((report.created, bench.server.create_requests()), (3, 3));
    assert_eq!(failed(&report), [("file", 1)]);
    assert_eq!(report.most_severe(), Some(Kind::File));

    // Paid for and not saved: fetched, not created.
    std::fs::remove_file(bench.folder()).unwrap();
    let report = bench.batch().run(rows(&IDS)).await.unwrap();
    assert_eq!((report.is_success(), report.created), (true, 5));
    assert_eq!(bench.files().len(), IDS.len());
}

/// Text is written as a file is.
#[tokio::test]
async fn nothing_more_is_created_once_a_text_cannot_be_written() {
    let bench = Bench::new().await;
    let fox = Plan::of(Ending::Output(json!("a fox"))).always();
    bench.server.on_end(fox);
    let folder = bench.folder();
    let batch = bench.batch().concurrency(1).on_event(move |event| {
        if matches!(event, Event::Created { .. }) {
            std::fs::remove_dir_all(&folder).unwrap();
            std::fs::write(&folder, "not a folder any more").unwrap();
        }
    });
    let report = batch.run(rows(&IDS)).await.unwrap();
    assert!(matches!(report.stopped, Some(Stopped::CannotWrite(_))));
    assert_eq!((report.created, failed(&report)), (1, vec![("file", 1)]));
}

/// What prevents one file from being saved does not prevent the others.
#[tokio::test]
async fn a_directory_of_its_name_stops_one_row_alone() {
    let bench = Bench::new().await;
    let folder = bench.folder();
    let batch = bench.batch().concurrency(1).on_event(move |event| {
        if let Event::Created { row, .. } = event
            && row.id.as_deref() == Some("b")
        {
            std::fs::create_dir(folder.join("b.png")).unwrap();
        }
    });
    let report = batch.run(rows(&IDS)).await.unwrap();
    assert!(report.stopped.is_none(), "{report:?}");
    assert_eq!((report.created, failed(&report)), (8, vec![("file", 1)]));
}

#[tokio::test]
async fn nothing_more_is_created_while_downloads_fail() {
    let bench = Bench::new().await;
    bench
        .server
        .on_file(Plan::of(Fault::Overloaded).skip(1).always());
    let (pauses, enough) = Count::to(4);
    let batch = bench.batch().concurrency(1).on_event(move |event| {
        if let Event::Paused { reason, cause, .. } = event {
            assert_eq!(*reason, PauseReason::Downloads);
            assert!(cause.is_transient());
            pauses.count();
        }
    });
    let report = drive(batch.run(rows(&IDS)), async {
        enough.notified().await;
        // One was saved, two failed before create requests paused; the fourth tries again.
        assert_eq!(bench.server.create_requests(), 4);
        bench.server.clear_plans();
    });
    let report = report.await.unwrap();
    assert_eq!((report.created, report.tally.succeeded), (8, 6));
    assert_eq!(failed(&report), [("download", 2)]);
    let report = bench.batch().run(rows(&IDS)).await.unwrap();
    assert_eq!((report.is_success(), report.created), (true, 0));
}

/// With several rows at once, what is in flight is all that is paid for.
#[tokio::test]
async fn what_runs_when_downloads_begin_to_fail_is_the_most_that_is_paid_for() {
    let bench = Bench::new().await;
    bench.server.on_file(Fault::Overloaded.always());
    let (pauses, enough) = Count::to(10);
    let batch = bench.batch().concurrency(3).on_event(move |event| {
        if matches!(event, Event::Paused { .. }) {
            pauses.count();
        }
    });
    let report = drive(batch.run(rows(&IDS)), async {
        enough.notified().await;
        assert!(
            bench.server.create_requests() <= 5,
            "{}",
            bench.server.create_requests()
        );
        bench.server.clear_plans();
    });
    let report = report.await.unwrap();
    assert_eq!((report.created, report.tally.succeeded), (8, 6));
}

#[tokio::test]
async fn a_file_host_that_does_not_come_back_ends_the_run() {
    let bench = Bench::new().await;
    let (_socket, address) = dead_address();
    let away = json!(format!("http://{address}/out.png"));
    bench.server.on_end(Plan::of(Ending::Output(away)).always());
    let one = bench.batch().concurrency(1).max_failed_downloads(2);
    let report = one.give_up_after(Duration::ZERO).run(rows(&IDS)).await;
    let report = report.unwrap();
    assert_eq!(gave_up(&report), Some(PauseReason::Downloads));
    assert_eq!(
        (report.created, failed(&report)),
        (2, vec![("download", 2)])
    );
    assert_eq!(report.most_severe(), Some(Kind::Download));
    assert_eq!(report.tally.planned, 6);
}

/// Those are not the host's fault, and waiting would not bring them.
#[tokio::test]
async fn files_that_are_gone_and_web_pages_do_not_stop_the_rest() {
    for (fault, word) in [(Fault::FileGone, "expired"), (Fault::IndexPage, "download")] {
        let bench = Bench::new().await;
        bench.server.on_file(Plan::of(fault).always());
        let batch = bench.batch().concurrency(1);
        let batch = batch.on_event(|event| assert!(!matches!(event, Event::Paused { .. })));
        let report = batch.run(rows(&IDS)).await.unwrap();
        assert_eq!((report.created, failed(&report)), (8, vec![(word, 8)]));
    }
}

/// While create requests pause, a row whose file turns out to be gone must not leave them paused.
#[tokio::test]
async fn a_file_that_is_gone_after_all_does_not_hold_the_others_up() {
    let bench = Bench::new().await;
    bench.server.on_file(Fault::Overloaded.always());
    let (pauses, enough) = Count::to(2);
    let batch = bench.batch().concurrency(1).max_failed_downloads(1);
    let batch = batch.on_event(move |event| {
        if matches!(event, Event::Paused { .. }) {
            pauses.count();
        }
    });
    let report = drive(batch.run(rows(&["a", "b"])), async {
        enough.notified().await;
        bench.server.clear_plans();
        bench.server.on_file(Fault::FileGone);
    });
    let report = report.await.unwrap();
    assert_eq!((report.created, report.tally.succeeded), (2, 1));
    assert_eq!(failed(&report), [("expired", 1)]);
}

fn replaced(error: &Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Replaced, "{error}");
    error.to_string()
}

/// Before each claim, and before each create request of rows that were claimed earlier.
#[tokio::test]
async fn a_ledger_that_is_deleted_or_replaced_stops_the_batch() {
    type Change = fn(&std::path::Path);
    let changes: [(Change, &str); 2] = [
        (|_| {}, "was deleted or moved while it was in use"),
        (
            |path| std::fs::write(path, "").unwrap(),
            "was replaced by another file while it was in use",
        ),
    ];
    for (change, words) in changes {
        for (at_the_end, creates) in [(false, 0), (true, 1)] {
            let bench = Bench::new().await;
            let path = bench.base.path().join("ledger");
            let moved = bench.base.path().join("moved");
            let (from, to) = (path.clone(), moved.clone());
            let batch = bench.batch().concurrency(1).on_event(move |event| {
                let now = if at_the_end {
                    matches!(event, Event::Ended { .. })
                } else {
                    matches!(event, Event::Claimed { .. })
                };
                if now {
                    std::fs::rename(&from, &to).unwrap();
                    change(&from);
                }
            });
            let message = match batch.run(rows(&IDS)).await {
                // Nothing was sent, so there is nothing to report.
                Err(error) => replaced(&error),
                Ok(report) => match report.stopped {
                    Some(Stopped::Ledger(error)) => replaced(&error),
                    other => panic!("{other:?}"),
                },
            };
            assert!(message.contains(words), "{message}");
            assert_eq!(bench.server.create_requests(), creates);
            // A single prediction is not paid for either.
            let once = Once::new(&bench.client, Arc::clone(&bench.ledger));
            match once.run("acme/painter", json!({"prompt": "a"})).await {
                Err(OnceError::Ledger(error)) => replaced(&error),
                other => panic!("{other:?}"),
            };

            std::fs::rename(&moved, &path).unwrap();
            let report = bench.batch().run(rows(&IDS)).await.unwrap();
            assert!(report.is_success(), "{report:?}");
            assert_eq!(bench.server.create_requests(), 8);
        }
    }
}

/// A typing error in the base URL, say.
#[tokio::test(start_paused = true)]
async fn a_service_that_was_never_reached_is_given_up_after_thirty_seconds() {
    let bench = Bench::new().await;
    let (_socket, address) = dead_address();
    let away = client_with(&format!("http://{address}"), NO_PAUSE);
    let _clock = FrozenClock::hold();
    let (pauses, first_pause) = Count::to(1);
    let batch = Batch::new(&away, Arc::clone(&bench.ledger), bench.folder())
        .create_policy(one_second_pause())
        .on_event(move |event| {
            if matches!(event, Event::Paused { .. }) {
                pauses.count();
            }
        });
    let report = drive(batch.run(rows(&IDS)), async {
        first_pause.notified().await;
        tokio::time::advance(Duration::from_secs(30)).await;
    });
    let report = report.await.unwrap();
    assert_eq!(gave_up(&report), Some(PauseReason::Unreachable));
    assert_eq!(report.most_severe(), Some(Kind::NeverReached));
    assert_eq!((report.created, report.tally.planned), (0, 8));
}

/// Create requests that pause for a second. On a frozen clock none is on its way during a pause,
/// so advancing the clock cannot time one out.
fn one_second_pause() -> CreatePolicy {
    let second = Duration::from_secs(1);
    let mut create = CreatePolicy::default();
    create.backoff = Backoff {
        first: second,
        max: second,
        ..NO_PAUSE
    };
    create
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_without_end_is_given_up_and_the_same_rows_continue() {
    let mut bench = Bench::new().await;
    bench.client = client_with(bench.server.base_url(), NO_PAUSE);
    let _clock = FrozenClock::hold();
    bench
        .server
        .on_create(Plan::of(Fault::EmptyTooManyRequests).skip(1).always());
    let (sent, mut pauses) = unbounded_channel();
    let batch = bench
        .batch()
        .concurrency(1)
        .create_policy(one_second_pause());
    let limit = Duration::from_secs(600);
    let batch = batch.on_event(move |event| {
        if let Event::Paused { pause, .. } = event {
            sent.send(*pause).unwrap();
        }
    });
    let report = drive(batch.run(rows(&IDS)), async {
        let pause = pauses.recv().await.unwrap();
        tokio::time::advance(pause).await;
        pauses.recv().await.unwrap();
        tokio::time::advance(limit).await;
        pauses
    });
    let report = report.await.unwrap();
    assert_eq!(gave_up(&report), Some(PauseReason::RateLimited));
    assert_eq!(report.most_severe(), Some(Kind::RateLimited));
    assert_eq!((report.created, report.tally.planned), (1, 7));
    bench.server.clear_plans();
    assert!(bench.batch().run(rows(&IDS)).await.unwrap().is_success());
    assert_eq!(bench.server.predictions().len(), 8);
}
/// A proxy to `upstream` that runs, with its connections, until its runtime is dropped; and its
/// address.
fn proxy_to(upstream: String) -> (Runtime, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    listener.set_nonblocking(true).unwrap();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(&upstream).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (runtime, address)
}

/// A service that goes away later: what waits is left to the next run, and not for its timeout.
#[tokio::test(start_paused = true)]
async fn an_outage_without_end_leaves_what_runs_to_the_next_run() {
    let mut bench = Bench::new().await;
    let upstream = bench.server.origin().replace("http://", "");
    let (proxy, address) = proxy_to(upstream.clone());
    let near = bench.server.base_url();
    let near = near.replace(&upstream, &address);
    let far = std::mem::replace(&mut bench.client, client_with(&near, NO_PAUSE));
    let _clock = FrozenClock::hold();
    bench.server.on_run(Script::new([Step::Processing]));
    let (pauses, first_pause) = Count::to(1);
    let proxy = Mutex::new(Some(proxy));
    let batch = bench
        .batch()
        .concurrency(2)
        .create_policy(one_second_pause());
    let batch = batch.service("mock").timeout(Duration::from_secs(7200));
    let batch = batch.on_event(move |event| match event {
        Event::Ended { .. } => {
            // Gone before anything else is sent.
            let proxy = proxy.lock().unwrap().take();
            std::thread::spawn(move || drop(proxy)).join().unwrap();
        }
        Event::Paused { .. } => pauses.count(),
        _ => {}
    });
    let report = drive(batch.run(rows(&["a", "b", "c"])), async {
        first_pause.notified().await;
        tokio::time::advance(Duration::from_secs(600)).await;
    });
    let report = report.await.unwrap();
    assert_eq!(gave_up(&report), Some(PauseReason::Unreachable));
    let tally = &report.tally;
    assert_eq!((tally.succeeded, tally.running, tally.planned), (1, 1, 1));
    bench.client = far;
    let batch = bench.batch().service("mock").timeout(Duration::ZERO);
    let report = batch.run(rows(&["a", "b", "c"])).await.unwrap();
    assert_eq!((report.created, bench.server.create_requests()), (1, 3));
}
