//! Predictions by their keys in a process of its own, for tests that kill it.
//!
//! `once-worker BASE_URL LEDGER SEED KEYS CONCURRENCY [POINT [N]]` runs [`Once`] for each of the keys
//! `key-0` to `key-KEYS`, the last excluded, in an order drawn from SEED, CONCURRENCY of them at a
//! time. It prints `ready`, and begins when it has read a line. It then prints each named point as it
//! is passed, with the key, and at the N-th passing of POINT prints `parked` with the key and parks
//! that thread for ever. It prints `done` at the end.
//!
//! [`integration::keys`] says what each key stands for.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test's helper: a panic is the failure, and the parent reads what is printed"
)]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cometapi::{Backoff, Client, CreatePolicy, PollPace, WaitPolicy};
use cometapi_batch::{Once, OnceError, OnceEvent, SqliteLedger};
use integration::keys::{key, model, prompt};
use serde_json::json;
use tokio::sync::Semaphore;

/// A limit that no test reaches, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// Prints the points, and parks at one of them.
struct Points {
    wanted: Option<String>,
    left: AtomicU64,
}

impl Points {
    fn pass(&self, point: &str, key: &str) {
        let mut out = std::io::stdout().lock();
        // The parent may be gone.
        let _ = writeln!(out, "{point} {key}");
        let _ = out.flush();
        drop(out);
        let is_wanted = self.wanted.as_deref() == Some(point);
        if is_wanted && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            println!("parked {key}");
            tokio::task::block_in_place(|| {
                loop {
                    std::thread::park();
                }
            });
        }
    }
}

fn client(base_url: String) -> Client {
    let quick = Backoff {
        first: Duration::from_millis(1),
        factor: 1.0,
        max: Duration::from_millis(5),
        jitter: 0.0,
    };
    let mut create = CreatePolicy::default();
    create.attempt_timeout = PATIENCE;
    create.timeout = PATIENCE;
    create.backoff = quick;
    let mut wait = WaitPolicy::default();
    wait.pace = PollPace::every(quick.first);
    wait.attempt_timeout = PATIENCE;
    wait.hedge_after = PATIENCE;
    Client::builder()
        .key("sk-test")
        .base_url(base_url)
        .create_policy(create)
        .wait_policy(wait)
        .build()
        .unwrap()
}

/// Runs one key to its end, and returns the word for it.
async fn run(once: Once, n: usize, points: &Arc<Points>) -> &'static str {
    let key = key(n);
    points.pass("before-intent", &key);
    let (passed, of) = (Arc::clone(points), key.clone());
    let once = once.key(&key).timeout(PATIENCE).on_event(move |event| {
        let point = match event {
            OnceEvent::Elsewhere { .. } => "elsewhere",
            OnceEvent::Sending { .. } => "sending",
            OnceEvent::Created { .. } => "answered",
            OnceEvent::Known { .. } => "id-committed",
            OnceEvent::State { .. } => "state",
            _ => return,
        };
        passed.pass(point, &of);
    });
    let input = json!({"prompt": prompt(n)});
    match once.run(model(n), input).await {
        Ok(_) => "succeeded",
        Err(OnceError::Unresolved(_)) => "unresolved",
        Err(error) => panic!("{key}: {error}"),
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn main() {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next();
    let client = client(next().unwrap());
    let ledger = Arc::new(SqliteLedger::open(next().unwrap()).unwrap());
    let seed = next().unwrap().parse().unwrap();
    let mut keys: Vec<usize> = (0..next().unwrap().parse().unwrap()).collect();
    let concurrency = next().unwrap().parse().unwrap();
    let points = Arc::new(Points {
        wanted: next(),
        left: AtomicU64::new(next().map_or(1, |n| n.parse().unwrap())),
    });
    fastrand::Rng::with_seed(seed).shuffle(&mut keys);
    println!("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let free = Arc::new(Semaphore::new(concurrency));
    let mut tasks = tokio::task::JoinSet::new();
    for n in keys {
        let permit = Arc::clone(&free).acquire_owned().await.unwrap();
        let once = Once::new(&client, ledger.clone());
        let points = Arc::clone(&points);
        tasks.spawn(async move {
            let word = run(once, n, &points).await;
            points.pass("ended", &key(n));
            drop(permit);
            word
        });
    }
    let words = tasks.join_all().await;
    let unresolved = words.iter().filter(|word| **word == "unresolved").count();
    println!("done {} {unresolved}", words.len());
}
