//! What the tests start from.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cometapi::{
    Backoff, Client, ClientBuilder, CreatePolicy, DownloadPolicy, PollPace, WaitPolicy,
};
use cometapi_batch::{Entry, Filter, Ledger, SqliteLedger, State};
use cometapi_mock::{MockServer, Pace};
use cometapi_postgres::PostgresLedger;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::Notify;

pub(crate) const MODEL: &str = "acme/painter";

/// Pauses so short that a real socket can be used without waiting.
pub(crate) const QUICK: Backoff = Backoff {
    first: Duration::from_millis(1),
    factor: 1.0,
    max: Duration::from_millis(5),
    jitter: 0.0,
};

/// No pauses at all, for tests on a frozen clock.
pub(crate) const NO_PAUSE: Backoff = Backoff {
    first: Duration::ZERO,
    factor: 1.0,
    max: Duration::ZERO,
    jitter: 0.0,
};

/// Create requests with pauses that short.
pub(crate) fn quick() -> CreatePolicy {
    let mut create = CreatePolicy::default();
    create.backoff = QUICK;
    create
}

/// Notes that something has happened a number of times.
pub(crate) struct Count {
    left: AtomicUsize,
    reached: Arc<Notify>,
}

impl Count {
    pub(crate) fn to(times: usize) -> (Self, Arc<Notify>) {
        let reached = Arc::new(Notify::new());
        let left = AtomicUsize::new(times);
        let noted = Arc::clone(&reached);
        (Self { left, reached }, noted)
    }

    pub(crate) fn count(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.reached.notify_one();
        }
    }
}

/// A limit that no test reaches, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) fn client(base_url: &str) -> Client {
    client_with(base_url, QUICK)
}

/// A client with these pauses, which gives an unknown id no grace.
pub(crate) fn client_with(base_url: &str, backoff: Backoff) -> Client {
    builder(base_url, backoff).key("sk-test").build().unwrap()
}

/// The same without a key.
pub(crate) fn builder(base_url: &str, backoff: Backoff) -> ClientBuilder {
    let mut wait = WaitPolicy::default();
    wait.pace = PollPace::every(backoff.first);
    wait.not_found_grace = Duration::ZERO;
    wait.attempt_timeout = PATIENCE;
    wait.hedge_after = PATIENCE;
    let mut download = DownloadPolicy::default();
    download.backoff = backoff;
    download.stall_timeout = PATIENCE;
    Client::builder()
        .base_url(base_url)
        .wait_policy(wait)
        .download_policy(download)
}

/// A mock that panics on what the spec does not allow, with a file of rows and a place for
/// everything.
pub(crate) struct Stage {
    pub(crate) server: MockServer,
    pub(crate) base: TempDir,
    pub(crate) rows: PathBuf,
    /// Of the ledger, unless it is a file.
    pub(crate) database: Option<String>,
}

impl Stage {
    pub(crate) async fn new(rows: usize) -> Self {
        let server = MockServer::builder()
            .pace(Pace::polls(0, 1))
            .seed(7)
            .strict_headers()
            .verify_on_drop()
            .start()
            .await
            .unwrap();
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("rows.jsonl");
        let mut file = std::fs::File::create(&path).unwrap();
        for n in 0..rows {
            // Half of them by id, half by hash, some of those equal.
            let id = if n % 2 == 0 {
                format!(r#""id": "row {n}", "#)
            } else {
                String::new()
            };
            let prompt = if n % 10 == 9 { 9 } else { n };
            writeln!(
                file,
                r#"{{{id}"model": "{MODEL}", "prompt": "image {prompt}", "aspect_ratio": "custom", "width": 256, "height": 256, "output_format": "png"}}"#
            )
            .unwrap();
        }
        Self {
            server,
            base,
            rows: path,
            database: None,
        }
    }

    /// The same with the ledger in the database of this url.
    pub(crate) fn with_database(mut self, url: String) -> Self {
        self.database = Some(url);
        self
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.base.path().join("ledger.sqlite3")
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.base.path().join("out")
    }

    /// Starts a batch in a process of its own.
    pub(crate) fn worker(&self, concurrency: usize, park_at: Option<(&str, u64)>) -> Worker {
        self.worker_with(concurrency, park_at, &[])
    }

    /// The same with these environment variables.
    pub(crate) fn worker_with(
        &self,
        concurrency: usize,
        park_at: Option<(&str, u64)>,
        variables: &[(&str, &str)],
    ) -> Worker {
        let mut command = Command::new(env!("CARGO_BIN_EXE_batch-worker"));
        command
            .arg(self.server.base_url())
            .arg(
                self.database
                    .as_ref()
                    .map_or_else(|| self.ledger(), PathBuf::from),
            )
            .args([self.folder(), self.rows.clone()])
            .arg(concurrency.to_string())
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        if let Some((point, passing)) = park_at {
            command.arg(point).arg(passing.to_string());
        }
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Worker {
            child,
            lines,
            last: BTreeMap::new(),
        }
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        let mut filter = Filter::default();
        filter.limit = 100_000;
        let Some(url) = &self.database else {
            let ledger = SqliteLedger::open(self.ledger()).unwrap();
            return ledger.list(filter).await.unwrap();
        };
        let ledger = PostgresLedger::connect(url).await.unwrap();
        let entries = ledger.list(filter).await.unwrap();
        ledger.close().await;
        entries
    }

    /// Every row is there once, every create that was received is one row's, every file that
    /// is recorded is whole and no other is there.
    pub(crate) async fn assert_once(&self, rows: usize) -> Vec<Entry> {
        let entries = self.entries().await;
        assert_eq!(entries.len(), rows, "each row is recorded once");
        let held: BTreeSet<String> = self
            .server
            .predictions()
            .into_iter()
            .map(|p| p.id)
            .collect();
        assert_eq!(self.server.create_requests(), held.len());
        let known: BTreeSet<String> = entries.iter().filter_map(|e| e.id.clone()).collect();
        assert!(known.is_subset(&held));
        let mut files = BTreeSet::new();
        for entry in &entries {
            match entry.state {
                State::Ended => {
                    assert!(entry.outcome.as_ref().unwrap().is_success(), "{entry:?}");
                    assert_eq!(entry.files.len(), 1, "{entry:?}");
                    let file = &entry.files[0];
                    let bytes = std::fs::read(&file.path).unwrap();
                    assert_eq!(bytes.len() as u64, file.bytes);
                    let image = image::load_from_memory(&bytes).expect("a whole image");
                    assert_eq!((image.width(), image.height()), (SIDE, SIDE));
                    files.insert(file.path.clone());
                }
                State::Unresolved => assert_eq!(entry.id, None),
                other => panic!("{other:?}: {entry:?}"),
            }
        }
        assert_eq!(files, visible(&self.folder()), "no file is there twice");
        // Of equal rows no more were created than there are, and what was created and is no
        // row's by its id is an unresolved one's.
        let mut inputs: BTreeMap<String, [usize; 4]> = BTreeMap::new();
        for held in self.server.predictions() {
            let count = inputs.entry(held.input["prompt"].to_string()).or_default();
            count[0] += 1;
        }
        for entry in &entries {
            let input: serde_json::Value = serde_json::from_str(&entry.input).unwrap();
            let count = inputs.entry(input["prompt"].to_string()).or_default();
            count[1] += 1;
            count[2] += usize::from(entry.id.is_some());
            count[3] += usize::from(entry.state == State::Unresolved);
        }
        for (prompt, [created, rows, known, unresolved]) in inputs {
            assert!(
                created <= rows,
                "{prompt}: {created} created for {rows} rows"
            );
            assert!(
                created - known <= unresolved,
                "{prompt} was created and is lost"
            );
        }
        entries
    }
}

pub(crate) const SIDE: u32 = 256;

/// The files that a user sees in a folder.
pub(crate) fn visible(folder: &Path) -> BTreeSet<PathBuf> {
    let folder = folder.canonicalize().unwrap();
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .collect()
}

/// A batch in a process of its own.
pub(crate) struct Worker {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Of each row, the last point that it passed.
    last: BTreeMap<u64, String>,
}

impl Worker {
    /// The next point that it passes; `None` when it has ended.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let line = self.lines.next_line().await.unwrap()?;
        if let Some((point, seq)) = line.split_once(' ')
            && let Ok(seq) = seq.parse()
        {
            self.last.insert(seq, point.to_owned());
        }
        Some(line)
    }

    /// Waits until it prints this; false when it ended without.
    pub(crate) async fn until(&mut self, wanted: &str) -> bool {
        while let Some(line) = self.line().await {
            if line.starts_with(wanted) {
                return true;
            }
        }
        false
    }

    /// Sends a signal that it handles, and waits until it does.
    #[cfg(unix)]
    pub(crate) async fn signal(&mut self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id().unwrap());
        let sent = Command::new("sh").args(["-c", &kill]).status().await;
        assert!(sent.unwrap().success());
        assert!(self.until("stopping").await, "{name} was not handled");
    }

    /// Waits for the end of one that was asked to stop.
    #[cfg(unix)]
    pub(crate) async fn ends(mut self) {
        assert!(self.until("done").await);
        assert!(self.child.wait().await.unwrap().success());
    }

    /// Waits for the end of one that may fail. The rows that may have been in flight.
    pub(crate) async fn drained(mut self) -> BTreeSet<u64> {
        while self.line().await.is_some() {}
        self.child.wait().await.unwrap();
        in_flight(std::mem::take(&mut self.last))
    }

    /// Kills it as nothing can be helped against. The rows that may have been in flight: they
    /// were claimed, and no id of theirs was committed. A row that was `parked` before it was
    /// sent was not.
    pub(crate) async fn kill(mut self, parked: Option<&str>) -> BTreeSet<u64> {
        self.child.kill().await.unwrap();
        while self.line().await.is_some() {}
        let mut last = std::mem::take(&mut self.last);
        if parked == Some("before-send") {
            // The one that stands there for ever; others may have moved on unheard.
            let at: Vec<u64> = last
                .iter()
                .filter(|(_, point)| *point == "before-send")
                .map(|(seq, _)| *seq)
                .collect();
            if let [only] = at[..] {
                last.remove(&only);
            }
        }
        in_flight(last)
    }
}

/// The rows whose create request may have been sent and whose id was not committed.
fn in_flight(last: BTreeMap<u64, String>) -> BTreeSet<u64> {
    last.into_iter()
        .filter(|(_, point)| ["before-send", "sending", "answered"].contains(&&**point))
        .map(|(seq, _)| seq)
        .collect()
}
