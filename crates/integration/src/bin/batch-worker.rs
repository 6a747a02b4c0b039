//! A batch in a process of its own, for tests that kill it.
//!
//! `batch-worker BASE_URL LEDGER FOLDER ROWS CONCURRENCY [POINT [N]]` prints each named point
//! as it is passed, with the row's number, and at the N-th passing of POINT parks that thread until
//! a signal arrives. It then prints `stopping`, and `done` at the end. LEDGER is a file, or the
//! `postgres://` of a database.
//!
//! SIGINT, SIGTERM and SIGHUP do what they do to `cometapi batch`, with unlimited time for
//! responses, so that no test depends on the speed of the machine.
//!
//! `BATCH_MAX_COST` limits the cost, `BATCH_PRICES` has the prices (`acme/painter=0.05,…`), and
//! `BATCH_LIMIT` is how many predictions are created at most. `BATCH_NAMES` is the template of the files' names.
//!
//! `batch-worker memory …` is what [`integration::memory`] describes.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test's helper: a panic is the failure, and the parent reads what is printed"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use cometapi::{Backoff, Client, DownloadPolicy, PollPace, WaitPolicy};
use cometapi_batch::{Batch, Event, Ledger, Rows, SqliteLedger, Stop, Usd};
use cometapi_postgres::PostgresLedger;

/// The point's name, and the row that passes it.
fn point(event: &Event<'_>) -> Option<(&'static str, Option<u64>)> {
    Some(match event {
        Event::Read { .. } => ("before-intent", None),
        Event::Planned { .. } => ("after-intent", None),
        Event::Claimed { row, .. } => ("before-send", Some(row.seq)),
        Event::Sending { row, .. } => ("sending", Some(row.seq)),
        Event::Responded { row, .. } => ("answered", Some(row.seq)),
        Event::Created { row, .. } => ("id-committed", Some(row.seq)),
        Event::State { row, .. } => ("state", Some(row.seq)),
        Event::Saved { row, .. } => ("file-renamed", Some(row.seq)),
        Event::Recorded { row, .. } => ("file-recorded", Some(row.seq)),
        Event::Ended { row, .. } => ("ended", Some(row.seq)),
        _ => return None,
    })
}

/// Whether the run was asked to stop, for threads that are parked until then.
#[derive(Default)]
struct Stopping(Mutex<bool>, Condvar);

impl Stopping {
    fn set(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        let stopping = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.1.wait_while(stopping, |stopping| !*stopping));
    }
}

/// Passes signals on to the run.
#[cfg(unix)]
fn watch(stop: Stop, stopping: Arc<Stopping>) {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt()).unwrap();
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let mut hang_up = signal(SignalKind::hangup()).unwrap();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => stop.request(),
            _ = terminate.recv() => stop.leave(Duration::MAX),
            _ = hang_up.recv() => stop.leave(Duration::MAX),
        }
        println!("stopping");
        stopping.set();
    });
}

#[cfg(not(unix))]
fn watch(_: Stop, _: Arc<Stopping>) {}

/// The ledger in a file, or in a database.
async fn ledger(at: &str) -> Arc<dyn Ledger> {
    if at.starts_with("postgres://") {
        return Arc::new(PostgresLedger::connect(at).await.unwrap());
    }
    Arc::new(SqliteLedger::open(at).unwrap())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn main() {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if_eq("memory").is_some() {
        return Box::pin(integration::memory::run(args)).await;
    }
    let mut next = || args.next();
    let quick = Backoff {
        first: Duration::from_millis(1),
        factor: 1.0,
        max: Duration::from_millis(5),
        jitter: 0.0,
    };
    let mut wait = WaitPolicy::default();
    wait.pace = PollPace::every(quick.first);
    let mut download = DownloadPolicy::default();
    download.backoff = quick;
    let client = Client::builder()
        .key("sk-test")
        .base_url(next().unwrap())
        .wait_policy(wait)
        .download_policy(download)
        .build()
        .unwrap();
    let ledger = ledger(&next().unwrap()).await;
    let folder = next().unwrap();
    let rows = Rows::file(next().unwrap()).unwrap();
    let concurrency = next().unwrap().parse().unwrap();
    let wanted = next();
    let left = AtomicU64::new(next().map_or(1, |n| n.parse().unwrap()));
    let stop = Stop::new();
    let stopping = Arc::new(Stopping::default());
    watch(stop.clone(), Arc::clone(&stopping));
    let mut batch = Batch::new(&client, ledger, folder);
    if let Some(max) = variable("BATCH_MAX_COST") {
        batch = batch.max_cost(max.parse().unwrap());
    }
    if let Some(max) = variable("BATCH_MAX_IN_FLIGHT") {
        batch = batch.max_in_flight(max.parse().unwrap());
    }
    if let Some(names) = variable("BATCH_NAMES") {
        batch = batch.names(&names.parse().unwrap());
    }
    if let Some(limit) = variable("BATCH_LIMIT") {
        batch = batch.limit(limit.parse().unwrap());
    }
    if let Some(prices) = variable("BATCH_PRICES") {
        let prices: BTreeMap<String, Usd> = prices
            .split(',')
            .map(|price| price.split_once('=').unwrap())
            .map(|(model, price)| (model.to_owned(), price.parse().unwrap()))
            .collect();
        batch = batch.prices(move |model| prices.get(model).copied());
    }
    let report = batch
        .concurrency(concurrency)
        .stop(&stop)
        .on_event(move |event| {
            let Some((point, seq)) = point(event) else {
                return;
            };
            let mut out = std::io::stdout().lock();
            // The parent may have killed this one's readers already.
            let _ = writeln!(out, "{point} {}", seq.unwrap_or(0));
            let _ = out.flush();
            drop(out);
            if wanted.as_deref() == Some(point) && left.fetch_sub(1, Ordering::SeqCst) == 1 {
                println!("parked");
                // Signals must still be received, which a blocked thread may be the one to do.
                tokio::task::block_in_place(|| stopping.wait());
            }
        })
        .run(rows)
        .await
        .expect("the batch runs");
    println!("done {:?} {:?}", report.tally, report.stopped);
}
