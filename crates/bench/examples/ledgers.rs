//! The ledgers side by side, without a service: eight processes' handles record the lives of 10,000 rows.
//!
//! `cargo run --profile measure -p bench --example ledgers [ROWS [WORKERS]]`

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measure: a panic is the failure, and what is printed is the result"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cometapi_batch::{
    FileRecord, Ledger, LoadId, Loader, Mark, NewRow, Outcome, Plan, SqliteLedger, Want,
};
use cometapi_postgres::PostgresLedger;
use nix::sys::resource::{UsageWho, getrusage};
use postgres_server::Server;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

const SERVICE: &str = "https://service.example";

/// How many rows each worker has in flight.
const IN_FLIGHT: u32 = 8;

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse().unwrap());
    let rows: u64 = args.next().unwrap_or(10_000);
    let workers = args.next().unwrap_or(8);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite3");
    let sqlite = (0..workers).map(|_| Arc::new(SqliteLedger::open(&file).unwrap()) as _);
    let loaders = load(sqlite.collect(), rows, folder.path()).await;
    let before = cpu(UsageWho::RUSAGE_SELF);
    let took = run(&loaders, rows).await;
    print("SQLite", rows, took, cpu(UsageWho::RUSAGE_SELF) - before);

    // The server's own time is known when it has ended, so one of them only loads.
    let Some((loading, ..)) = postgres(workers, 0, rows, folder.path()).await else {
        return;
    };
    let Some((server, clients, took)) = postgres(workers, rows, rows, folder.path()).await else {
        return;
    };
    print("PostgreSQL, the workers", rows, took, clients);
    print("PostgreSQL, the server", rows, took, server - loading);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let loaded = (rows * workers) as f64;
    println!(
        "of each loaded row {:.0} µs in the server",
        loading / loaded
    );
}

/// Loads `loaded` rows with each worker, and records the lives of `rows`. Returns the processor time of the
/// server and of the workers, and how long the lives took; `None` where `PostgreSQL` is not installed.
async fn postgres(
    workers: u64,
    rows: u64,
    loaded: u64,
    folder: &Path,
) -> Option<(f64, f64, Duration)> {
    let server = Server::start(&[])?;
    let url = server.url(&server.database().await);
    let mut ledgers: Vec<Arc<dyn Ledger>> = Vec::new();
    for _ in 0..workers {
        ledgers.push(Arc::new(PostgresLedger::connect(&url).await.unwrap()));
    }
    let (servers, clients) = (UsageWho::RUSAGE_CHILDREN, UsageWho::RUSAGE_SELF);
    let before = cpu(servers);
    let loaders = load(ledgers, loaded, folder).await;
    let clients_before = cpu(clients);
    let took = if rows == 0 {
        Duration::ZERO
    } else {
        run(&loaders, rows).await
    };
    let clients = cpu(clients) - clients_before;
    drop(loaders);
    server.stop();
    Some((cpu(servers) - before, clients, took))
}

fn print(what: &str, rows: u64, took: Duration, cpu_micros: f64) {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let rows = rows as f64;
    println!(
        "{what}: {:.0} rows per second, {:.0} µs of processor time per row",
        rows / took.as_secs_f64(),
        cpu_micros / rows
    );
}

/// The processor time of this process, or of its children that have ended, in microseconds.
#[expect(clippy::cast_precision_loss, reason = "less than 2^53")]
fn cpu(who: UsageWho) -> f64 {
    let usage = getrusage(who).unwrap();
    let micros = [usage.user_time(), usage.system_time()]
        .map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    micros.iter().sum::<i64>() as f64
}

type Loaded = (Arc<dyn Ledger>, Box<dyn Loader>);

/// Loads the rows with every ledger.
async fn load(ledgers: Vec<Arc<dyn Ledger>>, rows: u64, folder: &Path) -> Vec<Loaded> {
    let mut loaders = Vec::new();
    let loading = Instant::now();
    for ledger in ledgers {
        let loader = ledger.loader();
        for first in (1..=rows).step_by(500) {
            let part = (first..(first + 500).min(rows + 1)).map(row).collect();
            assert_eq!(loader.add(part).await.unwrap(), []);
        }
        let plan = Plan::new("batch", folder, SERVICE);
        loader.load(plan).await.unwrap();
        loaders.push((ledger, loader));
    }
    let took = loading.elapsed();
    println!("loaded by {} workers in {took:.1?}", loaders.len());
    loaders
}

/// Records the lives of all rows. Returns how long that took.
async fn run(loaders: &[Loaded], rows: u64) -> Duration {
    let began = Instant::now();
    let mut working = JoinSet::new();
    for (ledger, loader) in loaders {
        working.spawn(work(Arc::clone(ledger), loader.id()));
    }
    let done: u64 = working.join_all().await.iter().sum();
    assert_eq!(done, rows);
    began.elapsed()
}

fn row(line: u64) -> NewRow {
    let prompt = Value::from(format!("image {line}, a paper boat on a lake"));
    let input = Map::from_iter([("prompt".to_owned(), prompt)]);
    NewRow::new(line, None, &"acme/painter".parse().unwrap(), &input)
}

/// Records the lives of rows until there are none. Returns how many it has recorded.
async fn work(ledger: Arc<dyn Ledger>, load: LoadId) -> u64 {
    let worker = ledger.register(SERVICE.to_owned()).await.unwrap();
    let mut lives = JoinSet::new();
    let mut done = 0;
    loop {
        let room = IN_FLIGHT - u32::try_from(lives.len()).unwrap();
        let want = Want::new(Some(load), room, room);
        let claimed = ledger.claim(worker, want).await.unwrap();
        if claimed.jobs.is_empty() && lives.is_empty() {
            ledger.retire(worker).await.unwrap();
            return done;
        }
        for job in claimed.jobs {
            let ledger = Arc::clone(&ledger);
            lives.spawn(async move {
                let seen = |status: &str| Mark::Seen {
                    status: status.to_owned(),
                    fetching: false,
                    took: None,
                };
                let id = format!("prediction-{}", job.seq);
                let path = format!("{id}.webp").into();
                for mark in [
                    Mark::Sending,
                    Mark::Created {
                        id,
                        request_id: None,
                    },
                    seen("starting"),
                    seen("processing"),
                    Mark::Saved(FileRecord::recorded(0, path, 1000, "image/webp".to_owned())),
                    Mark::Ended(Outcome::succeeded()),
                ] {
                    ledger.record(worker, job.seq, mark).await.unwrap();
                }
            });
        }
        if let Some(life) = lives.join_next().await {
            life.unwrap();
            done += 1;
        }
        while let Some(life) = lives.try_join_next() {
            life.unwrap();
            done += 1;
        }
    }
}
