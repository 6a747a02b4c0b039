//! A ledger that fails at the seam: what is not recorded is not sent.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use cometapi::{BoxFuture, Client, Durations};
use cometapi_batch::{
    Batch, BatchEntry, Begun, Claimed, Cost, Entry, Error, ErrorKind, Event, Filter, Format,
    Intent, Job, Ledger, LedgerFuture, LoadId, Loaded, Loader, Mark, NewRow, Once, OnceError,
    OnceEvent, Outcome, Plan, Repeated, Rows, SqliteLedger, State, Stop, Stopped, Tally, Usd, Want,
    WorkerId,
};
use cometapi_mock::{Ending, Fault, MockServer, Pace};
use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::setup::{client, quick, visible};

/// When it fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum At {
    Load,
    Claim,
    Begin,
    Sending,
    NotSent,
    Created,
    /// The first time alone.
    CreatedOnce,
    Unresolved,
    /// States, results and ends.
    Later,
    Result,
    Never,
}

#[derive(Debug)]
pub(crate) struct Faulty {
    inner: SqliteLedger,
    at: At,
    has_failed: AtomicBool,
    /// When it was asked for rows.
    claims: watch::Sender<Vec<Instant>>,
    /// Notified when another process loads rows.
    loaded: Arc<Notify>,
}

impl Faulty {
    pub(crate) fn new(inner: SqliteLedger, at: At) -> Arc<Self> {
        let has_failed = AtomicBool::new(false);
        Arc::new(Self {
            inner,
            at,
            has_failed,
            claims: watch::Sender::default(),
            loaded: Arc::default(),
        })
    }
}

fn full<T: Send + 'static>() -> LedgerFuture<T> {
    let failed: BoxFuture<Result<T, Error>> =
        Box::pin(async { Err(Error::new(ErrorKind::Full, "the ledger's disk is full")) });
    failed
}

#[derive(Debug)]
struct FaultyLoader(Box<dyn Loader>);

impl Loader for FaultyLoader {
    fn id(&self) -> LoadId {
        self.0.id()
    }
    fn add(&self, rows: Vec<NewRow>) -> LedgerFuture<Vec<Repeated>> {
        self.0.add(rows)
    }
    fn load(&self, _: Plan) -> LedgerFuture<Loaded> {
        full()
    }
}

impl Ledger for Faulty {
    fn register(&self, service: String) -> LedgerFuture<WorkerId> {
        self.inner.register(service)
    }
    fn retire(&self, worker: WorkerId) -> LedgerFuture<()> {
        self.inner.retire(worker)
    }
    fn loader(&self) -> Box<dyn Loader> {
        let inner = self.inner.loader();
        if self.at == At::Load {
            return Box::new(FaultyLoader(inner));
        }
        inner
    }
    fn pause(&self, service: String, pause: Duration) -> LedgerFuture<()> {
        self.inner.pause(service, pause)
    }

    fn notified(&self) -> BoxFuture<()> {
        Box::pin(Arc::clone(&self.loaded).notified_owned())
    }

    fn claim(&self, worker: WorkerId, want: Want) -> LedgerFuture<Claimed> {
        self.claims
            .send_modify(|claims| claims.push(Instant::now()));
        if self.at == At::Claim {
            return full();
        }
        self.inner.claim(worker, want)
    }
    fn begin(&self, worker: WorkerId, intent: Intent) -> LedgerFuture<Begun> {
        if self.at == At::Begin {
            return full();
        }
        self.inner.begin(worker, intent)
    }
    fn adopt(&self, worker: WorkerId, id: String) -> LedgerFuture<Option<Job>> {
        self.inner.adopt(worker, id)
    }
    fn record(&self, worker: WorkerId, seq: u64, mark: Mark) -> LedgerFuture<()> {
        match (self.at, &mark) {
            (At::Sending, Mark::Sending)
            | (At::NotSent, Mark::NotSent)
            | (At::Created, Mark::Created { .. })
            | (At::Unresolved, Mark::Unresolved(_))
            | (At::Result, Mark::Result(_))
            | (At::Later, Mark::Seen { .. } | Mark::Result(_) | Mark::Saved(_) | Mark::Ended(_)) => {
                full()
            }
            (At::CreatedOnce, Mark::Created { .. })
                if !self.has_failed.swap(true, Ordering::SeqCst) =>
            {
                full()
            }
            _ => self.inner.record(worker, seq, mark),
        }
    }
    fn reserve(
        &self,
        worker: WorkerId,
        seq: u64,
        position: u64,
        names: Vec<String>,
    ) -> LedgerFuture<Option<String>> {
        self.inner.reserve(worker, seq, position, names)
    }

    fn refuse_model(
        &self,
        load: LoadId,
        model: String,
        outcome: Outcome,
        most: u32,
    ) -> LedgerFuture<Vec<Job>> {
        self.inner.refuse_model(load, model, outcome, most)
    }
    fn tally(&self, load: LoadId) -> LedgerFuture<Tally> {
        self.inner.tally(load)
    }
    fn batches(&self) -> LedgerFuture<Vec<BatchEntry>> {
        self.inner.batches()
    }
    fn list(&self, filter: Filter) -> LedgerFuture<Vec<Entry>> {
        self.inner.list(filter)
    }
    fn costs(&self, filter: Filter) -> LedgerFuture<BTreeMap<String, Cost>> {
        self.inner.costs(filter)
    }

    fn charge(&self, service: String, charges: Vec<(String, Usd)>) -> LedgerFuture<u64> {
        self.inner.charge(service, charges)
    }

    fn durations(&self, service: String) -> LedgerFuture<BTreeMap<String, Durations>> {
        self.inner.durations(service)
    }
    fn prune(&self, before: SystemTime) -> LedgerFuture<u64> {
        self.inner.prune(before)
    }
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_sent() {
    // The row whose id cannot be recorded has been sent; it is the last.
    for (at, creates) in [
        (At::Load, 0),
        (At::Claim, 0),
        (At::Sending, 0),
        (At::Created, 1),
    ] {
        let server = MockServer::builder()
            .pace(Pace::instant())
            .start()
            .await
            .unwrap();
        let client = client(server.base_url());
        let base = tempfile::tempdir().unwrap();
        let inner = SqliteLedger::open(base.path().join("ledger")).unwrap();
        let ledger = Faulty::new(inner, at);
        let unrecorded = Arc::new(AtomicUsize::new(0));
        let noted = Arc::clone(&unrecorded);
        let rows = "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n";
        let result = Batch::new(&client, ledger, base.path().join("out"))
            .model("acme/painter".parse().unwrap())
            .concurrency(1)
            .on_event(move |event| {
                if let Event::Unrecorded { id: Some(_), .. } = event {
                    noted.fetch_add(1, Ordering::Relaxed);
                }
            })
            .run(Rows::reader(Cursor::new(rows), Format::JsonLines))
            .await;
        // An error when nothing was sent; else there is something to report.
        let error = match result {
            Err(error) => error,
            Ok(report) => {
                assert_eq!((report.created, report.tally.unresolved), (1, 1));
                assert_eq!(
                    report.most_severe(),
                    Some(cometapi::ErrorKind::MaybeAccepted)
                );
                match report.stopped {
                    Some(Stopped::Ledger(error)) => error,
                    other => panic!("{other:?}"),
                }
            }
        };
        assert_eq!(
            (error.kind(), server.create_requests()),
            (ErrorKind::Full, creates),
            "{at:?}"
        );
        // An id that is not recorded is reported, and its files are saved anyway.
        let ids = unrecorded.load(Ordering::Relaxed);
        assert_eq!(ids, creates, "{at:?}");
        let files = visible(&base.path().join("out"));
        assert_eq!(files.len(), creates);
    }
}

/// A mock with a client, and a place for everything.
async fn stage() -> (MockServer, Client, tempfile::TempDir) {
    let server = MockServer::builder().strict_headers().pace(Pace::instant());
    let server = server.start().await.unwrap();
    let client = client(server.base_url());
    (server, client, tempfile::tempdir().unwrap())
}

/// A run for which nothing is free asks less and less often, and at once when rows were loaded.
#[tokio::test(start_paused = true)]
async fn a_run_without_work_asks_now_and_then() {
    let (_server, client, base) = stage().await;
    let inner = SqliteLedger::open(base.path().join("ledger")).unwrap();
    let other = inner.register("service".to_owned()).await.unwrap();
    let input = json!({"prompt": "other"});
    let intent = Intent::new(&"acme/painter".parse().unwrap(), input.as_object().unwrap());
    inner.begin(other, intent).await.unwrap();

    let ledger = Faulty::new(inner, At::Never);
    let stop = Stop::new();
    let run = Batch::new(&client, ledger.clone(), base.path().join("out"))
        .model("acme/painter".parse().unwrap())
        .service("service")
        .max_in_flight(1)
        .stop(&stop)
        .run(Rows::reader(
            Cursor::new("{\"prompt\": \"a\"}\n"),
            Format::JsonLines,
        ));
    let asks = async {
        let mut claims = ledger.claims.subscribe();
        claims.wait_for(|claims| claims.len() == 7).await.unwrap();
        ledger.loaded.notify_one();
        claims.wait_for(|claims| claims.len() == 9).await.unwrap();
        stop.leave(Duration::ZERO);
        let claims = claims.borrow().clone();
        let pauses = claims.windows(2).map(|two| two[1] - two[0]);
        pauses.map(|pause| pause.as_millis()).collect::<Vec<_>>()
    };
    let (report, pauses) = tokio::join!(run, asks);
    assert_eq!(pauses, [200, 400, 800, 1600, 2000, 2000, 0, 200]);
    assert_eq!(report.unwrap().created, 0);
}

#[tokio::test]
async fn an_id_that_could_not_be_written_down_is_never_paid_for_again() {
    for (at, known) in [(At::CreatedOnce, true), (At::Created, false)] {
        let (server, client, base) = stage().await;
        let inner = SqliteLedger::open(base.path().join("ledger")).unwrap();
        let run = |ledger: Arc<dyn Ledger>, retry| {
            Batch::new(&client, ledger, base.path().join("out"))
                .model("acme/painter".parse().unwrap())
                .retry_failed(retry)
                .run(Rows::reader(
                    Cursor::new("{\"prompt\": \"a\"}\n"),
                    Format::JsonLines,
                ))
        };
        let _ = run(Faulty::new(inner.clone(), at), false).await;
        for retry in [false, true] {
            let report = run(Arc::new(inner.clone()), retry).await.unwrap();
            let tally = &report.tally;
            assert_eq!(
                (tally.succeeded, tally.unresolved, server.create_requests()),
                (u64::from(known), u64::from(!known), 1),
                "{at:?}"
            );
        }
        let entries = inner.list(Filter::default()).await.unwrap();
        assert_eq!((entries.len(), entries[0].id.is_some()), (1, known));
    }
}

#[tokio::test]
async fn the_id_of_a_single_prediction_is_recorded_late_rather_than_never() {
    let (server, client, base) = stage().await;
    let run = |ledger: Arc<dyn Ledger>| {
        let once = Once::new(&client, ledger).key("a");
        once.run("acme/painter", json!({"prompt": "a"}))
    };
    for steps in 0..3 {
        let inner = SqliteLedger::open(base.path().join(steps.to_string())).unwrap();
        let mut first = run(Faulty::new(inner.clone(), At::CreatedOnce));
        let id = first.created().await.unwrap();
        match steps {
            // Dropped at once.
            0 => drop(first),
            1 => {
                first.terminal().await.unwrap();
                drop(first);
            }
            _ => drop(first.finished().await.unwrap()),
        }
        let entry = &inner.list(Filter::default()).await.unwrap()[0];
        assert_eq!(entry.id.as_deref(), Some(&*id), "{steps}");
        let again = run(Arc::new(inner)).await.unwrap();
        assert_eq!(again.id(), id, "{steps}");
        assert_eq!(server.create_requests(), steps + 1);
    }
}

/// Nothing is sent that cannot be recorded, and nothing that was sent is lost to a record.
#[tokio::test]
async fn a_prediction_is_sent_only_when_that_is_recorded() {
    // What is sent, what the run ends in, how it then stands, and what could not be recorded.
    let cases = [
        (At::Begin, false, 0, "full", None, 0),
        (
            At::Sending,
            false,
            0,
            "full",
            Some((State::Ended, false)),
            0,
        ),
        (At::NotSent, true, 2, "ok", Some((State::Ended, true)), 1),
        (
            At::Created,
            false,
            1,
            "ok",
            Some((State::Unresolved, false)),
            4,
        ),
        (
            At::CreatedOnce,
            false,
            1,
            "ok",
            Some((State::Ended, true)),
            1,
        ),
        (At::Later, false, 1, "ok", Some((State::Running, true)), 3),
    ];
    for (at, refused, creates, end, stands, unrecorded) in cases {
        let (server, client, base) = stage().await;
        if refused {
            server.on_create(Fault::EmptyTooManyRequests);
        }
        let inner = SqliteLedger::open(base.path().join("ledger")).unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let noted = Arc::clone(&count);
        let result = Once::new(&client, Faulty::new(inner.clone(), at))
            .key("a")
            .create_policy(quick())
            .on_event(move |event| {
                if let OnceEvent::Unrecorded { error, .. } = event {
                    assert_eq!(error.kind(), ErrorKind::Full);
                    noted.fetch_add(1, Ordering::Relaxed);
                }
            })
            .run("acme/painter", json!({"prompt": "a"}))
            .await;
        let word = match &result {
            Ok(prediction) => {
                assert_eq!(prediction.id(), server.predictions()[0].id);
                "ok"
            }
            Err(OnceError::Ledger(error)) if error.kind() == ErrorKind::Full => "full",
            Err(error) => panic!("{at:?}: {error:?}"),
        };
        assert_eq!((word, server.create_requests()), (end, creates), "{at:?}");
        let entries = inner.list(Filter::default()).await.unwrap();
        let is = entries.first().map(|it| (it.state, it.id.is_some()));
        assert_eq!(is, stands, "{at:?}");
        assert_eq!(count.load(Ordering::Relaxed), unrecorded, "{at:?}");
        // Unless it is unresolved, the next call has a prediction, and only one was ever created.
        let again = Once::new(&client, Arc::new(inner)).key("a");
        let again = again.run("acme/painter", json!({"prompt": "a"})).await;
        let is_unresolved = matches!(again, Err(OnceError::Unresolved(_)));
        assert_eq!(is_unresolved, at == At::Created, "{at:?}: {again:?}");
        assert_eq!(server.predictions().len(), 1, "{at:?}");
    }
}

/// The id of another prediction must not be waited for, also when that cannot be recorded.
#[tokio::test]
async fn a_taken_id_is_not_followed_by_a_ledger_that_fails() {
    let (server, client, base) = stage().await;
    let inner = SqliteLedger::open(base.path().join("ledger")).unwrap();
    let run = |ledger: Arc<dyn Ledger>, key: &str| {
        let once = Once::new(&client, ledger).key(key);
        once.run("acme/painter", json!({"prompt": key}))
    };
    let first = run(Arc::new(inner.clone()), "a").await.unwrap();
    server.on_create(Fault::json(
        201,
        &json!({"id": first.id(), "status": "starting"}),
    ));
    let taken = run(Faulty::new(inner.clone(), At::Unresolved), "b").await;
    match taken {
        Err(OnceError::Ledger(error)) => assert_eq!(error.kind(), ErrorKind::TakenId),
        other => panic!("{other:?}"),
    }
    let again = run(Arc::new(inner), "b").await;
    assert!(matches!(again, Err(OnceError::Unresolved(_))), "{again:?}");
    assert_eq!(server.create_requests(), 2);
}

/// It is waited for by its id then, as one that was created before.
#[tokio::test]
async fn an_end_without_its_prediction_is_polled_again() {
    for ending in [Ending::Succeeded, Ending::nsfw()] {
        let (server, client, base) = stage().await;
        server.on_end(ending.clone());
        let inner = SqliteLedger::open(base.path().join("ledger")).unwrap();
        let run = |ledger: Arc<dyn Ledger>| {
            let once = Once::new(&client, ledger).key("a");
            once.run("acme/painter", json!({"prompt": "a"}))
        };
        let first = run(Faulty::new(inner.clone(), At::Result)).await;
        let entry = &inner.list(Filter::default()).await.unwrap()[0];
        assert_eq!(entry.state, State::Ended);
        let ledger: Arc<dyn Ledger> = Arc::new(inner.clone());
        let mut again = run(Arc::clone(&ledger));
        assert_eq!(Some(again.created().await.unwrap()), entry.id);
        // However it ended.
        let ended = again.terminal().await.unwrap();
        assert_eq!(ended.into_outcome().is_ok(), ending == Ending::Succeeded);
        match (first, run(ledger).await) {
            (Ok(first), Ok(again)) => assert_eq!(first.id(), again.id()),
            (Err(first), Err(again)) => assert_eq!(first.to_string(), again.to_string()),
            other => panic!("{other:?}"),
        }
        let entry = &inner.list(Filter::default()).await.unwrap()[0];
        assert_eq!((entry.state, server.create_requests()), (State::Ended, 1));
    }
}
