//! A ledger that fails at the seam: what is not recorded is not sent.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

use cometapi::{BoxFuture, Client, Durations};
use cometapi_batch::{
    Batch, Claimed, Entry, Error, ErrorKind, Event, Filter, Format, Intent, Job, Ledger,
    LedgerFuture, LoadId, Loaded, Mark, Outcome, Plan, Repeated, Rows, Single, SqliteLedger,
    StagedRow, Stopped, Tally, Want, WorkerId,
};
use cometapi_mock::{MockServer, Pace};

use crate::setup::client;

/// When it fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Load,
    Claim,
    Sending,
    Created,
    /// The first time alone.
    CreatedOnce,
}

#[derive(Debug)]
struct Faulty {
    inner: SqliteLedger,
    at: At,
    has_failed: AtomicBool,
}

impl Faulty {
    fn new(inner: SqliteLedger, at: At) -> Arc<Self> {
        let has_failed = AtomicBool::new(false);
        Arc::new(Self {
            inner,
            at,
            has_failed,
        })
    }
}

fn full<T: Send + 'static>() -> LedgerFuture<T> {
    let failed: BoxFuture<Result<T, Error>> =
        Box::pin(async { Err(Error::new(ErrorKind::Full, "the ledger's disk is full")) });
    failed
}

impl Ledger for Faulty {
    fn register(&self, service: String) -> LedgerFuture<WorkerId> {
        self.inner.register(service)
    }
    fn retire(&self, worker: WorkerId) -> LedgerFuture<()> {
        self.inner.retire(worker)
    }
    fn abandon(&self, worker: WorkerId) {
        self.inner.abandon(worker);
    }
    fn stage(&self, load: LoadId, rows: Vec<StagedRow>) -> LedgerFuture<Vec<Repeated>> {
        self.inner.stage(load, rows)
    }
    fn load(&self, load: LoadId, plan: Plan) -> LedgerFuture<Loaded> {
        if self.at == At::Load {
            return full();
        }
        self.inner.load(load, plan)
    }
    fn unload(&self, load: LoadId) {
        self.inner.unload(load);
    }
    fn claim(&self, worker: WorkerId, want: Want) -> LedgerFuture<Claimed> {
        if self.at == At::Claim {
            return full();
        }
        self.inner.claim(worker, want)
    }
    fn begin(&self, worker: WorkerId, intent: Intent) -> LedgerFuture<Job> {
        self.inner.begin(worker, intent)
    }
    fn adopt(&self, worker: WorkerId, id: String) -> LedgerFuture<Option<Job>> {
        self.inner.adopt(worker, id)
    }
    fn record(&self, worker: WorkerId, seq: u64, mark: Mark) -> LedgerFuture<()> {
        match (self.at, &mark) {
            (At::Sending, Mark::Sending) | (At::Created, Mark::Created { .. }) => full(),
            (At::CreatedOnce, Mark::Created { .. })
                if !self.has_failed.swap(true, Ordering::SeqCst) =>
            {
                full()
            }
            _ => self.inner.record(worker, seq, mark),
        }
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
    fn list(&self, filter: Filter) -> LedgerFuture<Vec<Entry>> {
        self.inner.list(filter)
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
        let files = std::fs::read_dir(base.path().join("out")).unwrap().count();
        assert_eq!(files, creates);
    }
}

/// A mock with a client, and a place for everything.
async fn stage() -> (MockServer, Client, tempfile::TempDir) {
    let server = MockServer::builder().strict_headers().pace(Pace::instant());
    let server = server.start().await.unwrap();
    let client = client(server.base_url());
    (server, client, tempfile::tempdir().unwrap())
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
    let (_server, client, base) = stage().await;
    for steps in 0..3 {
        let inner = SqliteLedger::open(base.path().join(steps.to_string())).unwrap();
        let ledger = Faulty::new(inner.clone(), At::CreatedOnce);
        let model = "acme/painter".parse().unwrap();
        let input = cometapi::Input::from_iter([("prompt", "a")]);
        let mut record = Single::begin(&client, ledger, &model, input.fields())
            .await
            .unwrap();
        let response = client.predictions().create_model(&model, input).await;
        record.responded(&response, |_| {}).await.unwrap_err();
        let prediction = response.unwrap();
        match steps {
            // Dropped at once.
            0 => drop(record),
            1 => record.seen(&prediction).await.unwrap(),
            _ => record.ended(Ok(())).await.unwrap(),
        }
        let entry = &inner.list(Filter::default()).await.unwrap()[0];
        assert_eq!(entry.id.as_deref(), Some(prediction.id()), "{steps}");
    }
}
