//! A thousand keys, eight processes at once, half of them killed: each key is paid for once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use cometapi_batch::{Entry, Filter, Ledger, Once, OnceEvent, SqliteLedger, State};
use cometapi_mock::{Fault, MockServer, Pace, Plan};
use integration::keys::{SILENT, key, model, prompt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::setup::{Count, client};

const KEYS: usize = 1000;
const PROCESSES: usize = 8;
const CONCURRENCY: usize = 4;

/// How many of the keys the service never responds to.
const SILENT_KEYS: usize = 4;

/// The points at which processes are killed. One more has no name of its own: a process is also
/// killed when the service has a request whose response never comes.
const POINTS: [&str; 6] = [
    "sending",
    "answered",
    "id-committed",
    "state",
    "before-intent",
    "ended",
];

/// The mock, and the ledger that all processes share.
struct Stage {
    server: Arc<MockServer>,
    base: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let server = MockServer::builder()
            .pace(Pace::polls(0, 1))
            .strict_headers()
            .verify_on_drop()
            .start()
            .await
            .unwrap();
        let silent = Plan::of(Fault::Hang).after_accept().always();
        server.on_create(silent.model(SILENT));
        Self {
            server: Arc::new(server),
            base: tempfile::tempdir().unwrap(),
        }
    }

    fn ledger(&self) -> PathBuf {
        self.base.path().join("ledger.sqlite3")
    }

    /// Starts a process, which waits until it is asked to begin.
    fn process(&self, keys: usize, seed: u64, park_at: Option<(&str, u64)>) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_once-worker"));
        command
            .arg(self.server.base_url())
            .arg(self.ledger())
            .args([seed, keys as u64, CONCURRENCY as u64].map(|n| n.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if let Some((point, passing)) = park_at {
            command.arg(point).arg(passing.to_string());
        }
        let mut child = command.spawn().unwrap();
        Process {
            stdin: child.stdin.take().unwrap(),
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    async fn entries(&self) -> Vec<Entry> {
        let ledger = SqliteLedger::open(self.ledger()).unwrap();
        let mut filter = Filter::default();
        filter.limit = 100_000;
        ledger.list(filter).await.unwrap()
    }

    /// How many create requests there were, by prompt.
    fn creates(&self) -> BTreeMap<String, usize> {
        let mut creates = BTreeMap::new();
        for request in self.server.requests() {
            if request.operation.as_deref() == Some("create_prediction") {
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let prompt = body["input"]["prompt"].as_str().unwrap().to_owned();
                *creates.entry(prompt).or_default() += 1;
            }
        }
        creates
    }
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    async fn line(&mut self) -> Option<String> {
        self.lines.next_line().await.unwrap()
    }

    async fn until(&mut self, wanted: &str) -> String {
        loop {
            let line = self.line().await;
            let line = line.unwrap_or_else(|| panic!("it ended without {wanted}"));
            if line.starts_with(wanted) {
                return line;
            }
        }
    }

    async fn begin(&mut self) {
        self.until("ready").await;
        self.stdin.write_all(b"go\n").await.unwrap();
    }
}

/// Something that a process has printed.
struct Printed {
    process: u64,
    what: What,
}

enum What {
    /// It is parked at this point of this key, or the service has the key's request and is silent.
    Kill { point: String, key: String },
    /// It prints nothing more.
    End,
}

/// A process under way.
struct Running {
    child: Child,
    park_at: Option<&'static str>,
    /// Of each key, the last point that it passed.
    last: JoinHandle<BTreeMap<String, String>>,
}

/// Reads what a process prints, and reports when it is to be killed.
async fn read(
    mut lines: Lines<BufReader<ChildStdout>>,
    process: u64,
    printed: UnboundedSender<Printed>,
    server: Arc<MockServer>,
) -> BTreeMap<String, String> {
    let mut last = BTreeMap::<String, String>::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let (point, key) = line.split_once(' ').unwrap();
        let (point, key) = (point.to_owned(), key.to_owned());
        if point == "parked" {
            let point = String::clone(&last[&key]);
            let _ = printed.send(Printed {
                process,
                what: What::Kill { point, key },
            });
            continue;
        }
        if point == "done" {
            assert!(key.starts_with(&format!("{KEYS} ")), "{line}");
            continue;
        }
        let number: usize = key.strip_prefix("key-").unwrap().parse().unwrap();
        if point == "sending" && model(number) == SILENT {
            let (printed, server, key) = (printed.clone(), Arc::clone(&server), key.clone());
            tokio::spawn(async move {
                wait_for_prediction(&server, &prompt(number)).await;
                let point = "received".to_owned();
                let _ = printed.send(Printed {
                    process,
                    what: What::Kill { point, key },
                });
            });
        }
        last.insert(key, point);
    }
    let _ = printed.send(Printed {
        process,
        what: What::End,
    });
    last
}

/// Waits until the service has accepted the request of this prompt.
async fn wait_for_prediction(server: &MockServer, prompt: &str) {
    loop {
        let requests = server.requests().len() as u64;
        let accepted = server.predictions();
        if accepted.iter().any(|it| it.input["prompt"] == prompt) {
            return;
        }
        server.wait_for_requests(requests + 1).await;
    }
}

/// What is known of the processes that were killed.
#[derive(Default)]
struct Killed {
    /// The points at which they were.
    points: BTreeMap<String, usize>,
    /// Keys that may have been in flight: their intent may have been recorded, and their id not.
    in_flight: BTreeSet<String>,
    /// Keys that were recorded as being sent, and were not.
    unsent: BTreeSet<String>,
}

impl Killed {
    fn note(&mut self, point: String, key: String, last: BTreeMap<String, String>) {
        const IN_FLIGHT: [&str; 4] = ["before-intent", "elsewhere", "sending", "answered"];
        let in_flight = last
            .into_iter()
            .filter(|(other, at)| {
                let is_parked_before = point == "before-intent" && *other == key;
                !is_parked_before && IN_FLIGHT.contains(&&**at)
            })
            .map(|(key, _)| key);
        self.in_flight.extend(in_flight);
        if point == "sending" {
            self.unsent.insert(key);
        }
        *self.points.entry(point).or_default() += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_keys_under_sigkill_are_paid_for_once() {
    let began = Instant::now();
    let stage = Stage::new().await;
    let mut rng = fastrand::Rng::with_seed(42);
    let mut parks: VecDeque<_> = POINTS.into_iter().chain(POINTS).collect();
    let (printed, mut reports) = unbounded_channel();
    let mut running = BTreeMap::new();
    let mut killed = Killed::default();
    let mut started = 0;
    // Half of the first park, and their places are taken by others that do.
    let mut wanted: VecDeque<Option<&'static str>> = VecDeque::new();
    for _ in 0..PROCESSES / 2 {
        wanted.extend([parks.pop_front(), None]);
    }
    loop {
        let mut fresh = Vec::new();
        for park_at in wanted.drain(..) {
            let passing = rng.u64(1..=3);
            let process = stage.process(KEYS, rng.u64(..), park_at.map(|point| (point, passing)));
            fresh.push((park_at, process));
        }
        for (park_at, mut process) in fresh {
            process.begin().await;
            started += 1;
            let server = Arc::clone(&stage.server);
            let Process {
                child,
                lines,
                stdin,
            } = process;
            // It reads no more.
            drop(stdin);
            let last = tokio::spawn(read(lines, started, printed.clone(), server));
            let process = Running {
                child,
                park_at,
                last,
            };
            running.insert(started, process);
        }
        if running.is_empty() {
            break;
        }
        let Printed { process, what } = reports.recv().await.unwrap();
        // One that is killed also ends.
        let Some(mut ended) = running.remove(&process) else {
            continue;
        };
        match what {
            What::End => {
                assert!(ended.child.wait().await.unwrap().success());
                ended.last.await.unwrap();
            }
            What::Kill { point, key } => {
                ended.child.kill().await.unwrap();
                if let Some(park_at) = ended.park_at
                    && point != park_at
                {
                    parks.push_back(park_at);
                }
                killed.note(point, key, ended.last.await.unwrap());
                let silent = killed.points.get("received").copied().unwrap_or(0);
                assert!(silent <= SILENT_KEYS, "one was sent again");
                wanted.push_back(parks.pop_front());
            }
        }
    }
    let kills: usize = killed.points.values().sum();
    eprintln!(
        "{started} processes, {:?} in {:?}",
        killed.points,
        began.elapsed()
    );
    assert!(
        2 * kills >= usize::try_from(started).unwrap(),
        "{kills} of {started}"
    );
    for point in POINTS.into_iter().chain(["received"]) {
        assert!(
            killed.points.contains_key(point),
            "none was killed at {point}"
        );
    }
    let unresolved = check(&stage, &killed).await;

    // Asked for again, all are over, and nothing is sent.
    let creates = stage.server.create_requests();
    let mut last = stage.process(KEYS, 0, None);
    last.begin().await;
    assert_eq!(
        last.until("done").await,
        format!("done {KEYS} {unresolved}")
    );
    assert!(last.child.wait().await.unwrap().success());
    assert_eq!(stage.server.create_requests(), creates);
    eprintln!(
        "{creates} creates, {unresolved} unresolved, {:?}",
        began.elapsed()
    );
}

/// Each key is recorded once and was sent at most once, and no id is lost. Returns how many are
/// unresolved.
async fn check(stage: &Stage, killed: &Killed) -> usize {
    let creates = stage.creates();
    let ids: BTreeMap<String, String> = stage
        .server
        .predictions()
        .into_iter()
        .map(|it| (it.id, it.input["prompt"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(ids.len(), creates.values().sum::<usize>());
    let mut entries = BTreeMap::new();
    for entry in stage.entries().await {
        assert!(!entry.held && !entry.superseded, "{entry:?}");
        let key = entry.key.clone().unwrap();
        assert!(entries.insert(key, entry).is_none(), "recorded twice");
    }
    assert_eq!(entries.len(), KEYS);
    let mut unresolved = 0;
    for n in 0..KEYS {
        let (key, prompt) = (key(n), prompt(n));
        let entry = &entries[&key];
        let sent = creates.get(&prompt).copied().unwrap_or(0);
        assert!(sent <= 1, "{key} was sent {sent} times");
        match entry.state {
            State::Ended => {
                assert!(entry.outcome.as_ref().unwrap().is_success(), "{entry:?}");
                assert_eq!(ids.get(entry.id.as_ref().unwrap()), Some(&prompt));
                assert!(!killed.unsent.contains(&key) && model(n) != SILENT, "{key}");
            }
            State::Unresolved => {
                unresolved += 1;
                assert_eq!(entry.id, None);
                assert!(killed.in_flight.contains(&key), "{key} was not in flight");
                assert!(sent == 0 || !killed.unsent.contains(&key), "{key}");
            }
            other => panic!("{other:?}: {entry:?}"),
        }
    }
    assert!(unresolved <= SILENT_KEYS + CONCURRENCY * killed.points.values().sum::<usize>());
    unresolved
}

/// A call that waits for another process continues as soon as that process has died.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_over_from_a_process_that_was_killed() {
    for (point, is_unresolved) in [("sending", true), ("id-committed", false), ("state", false)] {
        let stage = Stage::new().await;
        let mut process = stage.process(1, 0, Some((point, 1)));
        process.begin().await;
        process.until("parked").await;
        let client = client(stage.server.base_url());
        let ledger = SqliteLedger::open(stage.ledger()).unwrap();
        let (count, elsewhere) = Count::to(1);
        let run = Once::new(&client, Arc::new(ledger))
            .key(key(0))
            .on_event(move |event| {
                if matches!(event, OnceEvent::Elsewhere { .. }) {
                    count.count();
                }
            })
            .run(model(0), json!({"prompt": prompt(0)}));
        let run = tokio::spawn(run.into_future());
        elsewhere.notified().await;
        process.child.kill().await.unwrap();
        let end = run.await.unwrap();
        let entry = &stage.entries().await[0];
        if is_unresolved {
            assert_eq!(entry.state, State::Unresolved, "{end:?}");
            assert!(
                end.unwrap_err()
                    .to_string()
                    .contains("may have been accepted")
            );
            assert_eq!(stage.server.create_requests(), 0);
        } else {
            assert_eq!(entry.id.as_deref(), Some(end.unwrap().id()), "{point}");
            assert_eq!(stage.server.create_requests(), 1);
        }
    }
}
