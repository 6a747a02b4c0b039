//! What a batch costs: `cargo run --release -p integration --bin batch-bench [ROWS] [CONCURRENCY]`.
//!
//! The mock lives in this process and the batch in another, so that what is measured of the
//! one is not the other's. Linux only: it reads `/proc`.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a measurement: a panic is the failure, and it prints what it found"
)]

use std::fs;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cometapi::{Client, WaitPolicy};
use cometapi_batch::{Batch, Rows, SqliteLedger};
use cometapi_mock::{MockServer, Pace};

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["child", url, base, concurrency] => child(url, base, concurrency).await,
        _ => parent(args.first().copied(), args.get(1).copied()).await,
    }
}

async fn parent(rows: Option<&str>, concurrency: Option<&str>) {
    let rows: u32 = rows.unwrap_or("10000").parse().unwrap();
    let pace = Pace::clock(Duration::from_millis(5), Duration::from_millis(20));
    let server = MockServer::builder().pace(pace).start().await.unwrap();
    let base = tempfile::tempdir().unwrap();
    let mut file = fs::File::create(base.path().join("rows.jsonl")).unwrap();
    for n in 0..rows {
        writeln!(
            file,
            r#"{{"model": "acme/painter", "prompt": "image {n}", "aspect_ratio": "custom", "width": 256, "height": 256}}"#
        )
        .unwrap();
    }
    for what in ["new", "again"] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .arg("child")
            .arg(server.base_url())
            .arg(base.path())
            .arg(concurrency.unwrap_or("32"));
        let status = tokio::task::spawn_blocking(move || child.status());
        println!("-- {what}");
        assert!(status.await.unwrap().unwrap().success());
    }
    assert_eq!(server.create_requests(), rows as usize);
}

async fn child(url: &str, base: &str, concurrency: &str) {
    let mut wait = WaitPolicy::default();
    wait.backoff.first = Duration::from_millis(50);
    wait.backoff.factor = 1.0;
    let client = Client::builder().key("sk-any").base_url(url);
    let client = client.wait_policy(wait).build().unwrap();
    let base = std::path::Path::new(base);
    let ledger = Arc::new(SqliteLedger::open(base.join("ledger")).unwrap());
    let began = Instant::now();
    let report = Batch::new(&client, ledger, base.join("out"))
        .concurrency(concurrency.parse().unwrap())
        .run(Rows::file(base.join("rows.jsonl")).unwrap())
        .await
        .unwrap();
    assert!(report.is_success(), "{report:?}");
    let wall = began.elapsed();
    let ledger = processor_time(Some("cometapi-ledger"));
    let all = processor_time(None);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    let rows = u32::try_from(report.tally.total()).unwrap();
    println!("rows {rows}, created {}, wall {wall:.2?}", report.created);
    println!("peak of resident memory: {}", peak.unwrap_or("not known"));
    println!("processor time: {all:.2?}; the ledger's thread {ledger:.2?}");
    println!("the ledger, a row: {:.3?}", ledger / rows);
}

/// What the threads of this name have used, or all threads.
fn processor_time(name: Option<&str>) -> Duration {
    let mut ticks = 0;
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let stat = fs::read_to_string(task.unwrap().path().join("stat")).unwrap();
        let (before, after) = stat.rsplit_once(')').unwrap();
        if name.is_none_or(|name| before.ends_with(name)) {
            let fields: Vec<&str> = after.split_whitespace().collect();
            ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        }
    }
    // The kernel counts in hundredths of a second for everybody.
    Duration::from_millis(ticks * 10)
}
