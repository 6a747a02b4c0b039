//! A ledger that fails at the seam: what is not written down is not sent.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cometapi::{BoxFuture, Client};
use cometapi_batch::{
    Answer, Batch, Claimed, Entry, Error, ErrorKind, Event, Filter, Format, Intent, Job, Ledger,
    LoadId, Loaded, Mark, Outcome, Plan, Repeated, Rows, SqliteLedger, StagedRow, Tally, Want,
    WorkerId,
};
use cometapi_mock::{MockServer, Pace};

/// When it fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Load,
    Claim,
    Sending,
    Created,
}

#[derive(Debug)]
struct Faulty {
    inner: SqliteLedger,
    at: At,
}

fn full<T: Send + 'static>() -> Answer<T> {
    let failed: BoxFuture<Result<T, Error>> =
        Box::pin(async { Err(Error::new(ErrorKind::Full, "the ledger's disk is full")) });
    failed
}

impl Ledger for Faulty {
    fn register(&self, service: String) -> Answer<WorkerId> {
        self.inner.register(service)
    }
    fn retire(&self, worker: WorkerId) -> Answer<()> {
        self.inner.retire(worker)
    }
    fn abandon(&self, worker: WorkerId) {
        self.inner.abandon(worker);
    }
    fn stage(&self, load: LoadId, rows: Vec<StagedRow>) -> Answer<Vec<Repeated>> {
        self.inner.stage(load, rows)
    }
    fn load(&self, load: LoadId, plan: Plan) -> Answer<Loaded> {
        if self.at == At::Load {
            return full();
        }
        self.inner.load(load, plan)
    }
    fn unload(&self, load: LoadId) {
        self.inner.unload(load);
    }
    fn claim(&self, worker: WorkerId, want: Want) -> Answer<Claimed> {
        if self.at == At::Claim {
            return full();
        }
        self.inner.claim(worker, want)
    }
    fn begin(&self, worker: WorkerId, intent: Intent) -> Answer<Job> {
        self.inner.begin(worker, intent)
    }
    fn adopt(&self, worker: WorkerId, id: String) -> Answer<Option<Job>> {
        self.inner.adopt(worker, id)
    }
    fn record(&self, worker: WorkerId, seq: u64, mark: Mark) -> Answer<()> {
        match (self.at, &mark) {
            (At::Sending, Mark::Sending) | (At::Created, Mark::Created { .. }) => full(),
            _ => self.inner.record(worker, seq, mark),
        }
    }
    fn refuse_model(
        &self,
        load: LoadId,
        model: String,
        outcome: Outcome,
        most: u32,
    ) -> Answer<Vec<Job>> {
        self.inner.refuse_model(load, model, outcome, most)
    }
    fn tally(&self, load: LoadId) -> Answer<Tally> {
        self.inner.tally(load)
    }
    fn list(&self, filter: Filter) -> Answer<Vec<Entry>> {
        self.inner.list(filter)
    }
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_sent() {
    // The row whose id cannot be written down has been sent; it is the last.
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
        let client = Client::builder().key("sk-test").base_url(server.base_url());
        let client = client.build().unwrap();
        let base = tempfile::tempdir().unwrap();
        let inner = SqliteLedger::open(base.path().join("ledger")).unwrap();
        let ledger = Arc::new(Faulty { inner, at });
        let unrecorded = Arc::new(AtomicUsize::new(0));
        let told = Arc::clone(&unrecorded);
        let rows = "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n";
        let error = Batch::new(&client, ledger, base.path().join("out"))
            .model("acme/painter".parse().unwrap())
            .concurrency(1)
            .on_event(move |event| {
                if let Event::Unrecorded { id: Some(_), .. } = event {
                    told.fetch_add(1, Ordering::Relaxed);
                }
            })
            .run(Rows::reader(Cursor::new(rows), Format::JsonLines))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), server.creates()),
            (ErrorKind::Full, creates),
            "{at:?}"
        );
        // An id that is not written down is told, and its files come home all the same.
        let ids = unrecorded.load(Ordering::Relaxed);
        assert_eq!(ids, creates, "{at:?}");
        let files = std::fs::read_dir(base.path().join("out")).unwrap().count();
        assert_eq!(files, creates);
    }
}
