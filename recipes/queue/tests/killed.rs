//! A worker is killed, and the queue gives its job to another. How often is it paid for?

use std::process::Stdio;
use std::time::Duration;

use apalis::prelude::*;
use apalis_sqlite::SqliteStorage;
use cometapi_mock::{Fault, Hold, MockServer, Pace, Plan};
use futures_util::StreamExt;
use queue_recipe::{Cover, create_queue, queue};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The shortest that the queue can count.
const HEARTBEAT: Duration = Duration::from_secs(1);

const QUEUE: &str = "queue.sqlite3";

/// The id of the job; the queue wants a ULID.
const JOB: &str = "01KB000000000000000000C0VE";

/// A service and a queue with one job.
struct Stage {
    server: MockServer,
    folder: TempDir,
    queue: SqliteStorage<Cover>,
}

impl Stage {
    async fn new() -> Self {
        let server = MockServer::builder().pace(Pace::instant());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(QUEUE);
        create_queue(&file).await.unwrap();
        let mut queue = queue(&file, HEARTBEAT).await.unwrap();
        let cover = Cover {
            order: 4711,
            prompt: "a paper boat".to_owned(),
        };
        // What the queue runs again, it runs in spite of this limit.
        let job = cover.job().max_attempts(1);
        let job = job.task_id(TaskId::from_string(JOB)).build();
        queue.push_task(job).await.unwrap();
        Self {
            server: server.start().await.unwrap(),
            folder,
            queue,
        }
    }

    /// Starts a worker, which takes the job as soon as the queue gives it to it.
    fn worker(&self) -> Worker {
        let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
        command.args([QUEUE, "ledger.sqlite3"]);
        self.start(command)
    }

    /// The same without `Once`.
    fn careless_worker(&self) -> Worker {
        let mut command = Command::new(env!("CARGO_BIN_EXE_careless-worker"));
        command.arg(QUEUE);
        self.start(command)
    }

    fn start(&self, mut command: Command) -> Worker {
        let mut process = command
            .arg(HEARTBEAT.as_secs().to_string())
            .current_dir(self.folder.path())
            .env("COMETAPI_KEY", "any")
            .env("COMETAPI_BASE_URL", self.server.base_url())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Worker { process, lines }
    }

    /// Waits until `worker` has sent the create request, and kills it.
    async fn kill_before_the_response(&self, mut worker: Worker) {
        tokio::select! {
            () = self.server.wait_for_requests(1) => worker.kill().await,
            ended = worker.process.wait() => panic!("the worker ended: {ended:?}"),
        }
    }

    /// Waits until the queue is done with the job, which `worker` runs.
    async fn end<T>(&self, mut worker: Worker) -> TaskResult<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let mut ends = self.queue.clone().wait_for([TaskId::from_string(JOB)]);
        tokio::select! {
            end = ends.next() => end.unwrap().unwrap(),
            ended = worker.process.wait() => panic!("the worker ended: {ended:?}"),
        }
    }
}

struct Worker {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    async fn line(&mut self) -> String {
        self.lines.next_line().await.unwrap().unwrap()
    }

    /// Kills it with SIGKILL, and waits until it is gone.
    async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}

#[tokio::test]
async fn killed_before_the_response_it_is_not_sent_again() {
    let stage = Stage::new().await;
    stage.server.on_create(Plan::of(Fault::Hang).after_accept());
    stage.kill_before_the_response(stage.worker()).await;

    let end = stage.end::<Vec<String>>(stage.worker()).await;
    assert_eq!(
        end.status,
        Status::Killed,
        "the queue must not run it again"
    );
    let error = end.result.unwrap_err();
    assert!(error.contains("may have been accepted"), "{error}");
    assert_eq!(stage.server.create_requests(), 1);
    stage.server.assert_no_violations();
}

#[tokio::test]
async fn killed_after_the_id_was_recorded_the_next_worker_finishes_it() {
    let stage = Stage::new().await;
    let hold = Hold::new();
    stage.server.on_poll(Fault::Hold(hold.clone()).always());
    let mut first = stage.worker();
    let line = first.line().await;
    first.kill().await;
    hold.release();

    let mut second = stage.worker();
    assert_eq!(second.line().await, line, "the same prediction");
    let end = stage.end::<Vec<String>>(second).await;
    assert_eq!(end.status, Status::Done);
    assert_eq!(end.result.unwrap().len(), 1);
    let [prediction] = &stage.server.predictions()[..] else {
        panic!("{:?}", stage.server.predictions());
    };
    assert_eq!(line, format!("order-4711/cover: created {}", prediction.id));
    assert_eq!(stage.server.create_requests(), 1);
    stage.server.assert_no_violations();
}

/// What the two tests above would see if `Once` did nothing.
#[tokio::test]
async fn a_worker_without_once_pays_twice() {
    let stage = Stage::new().await;
    stage.server.on_create(Plan::of(Fault::Hang).after_accept());
    stage
        .kill_before_the_response(stage.careless_worker())
        .await;

    let end = stage.end::<String>(stage.careless_worker()).await;
    assert_eq!(end.status, Status::Done);
    assert_eq!(stage.server.create_requests(), 2);
    assert_eq!(stage.server.predictions().len(), 2);
}

/// The handler in the documentation is the one that was tested here.
#[test]
fn the_documentation_shows_this_handler() {
    let document = include_str!("../../../crates/cometapi-batch/docs/engines.md");
    let source = include_str!("../src/lib.rs");
    let (_, from_fence) = document
        .split_once("```rust,ignore\n// recipes/queue/src/lib.rs\n")
        .unwrap();
    let (shown, _) = from_fence.split_once("```").unwrap();
    let functions: Vec<&str> = shown.split("\n\n").map(str::trim_end).collect();
    assert_eq!(functions.len(), 2);
    for function in functions {
        assert!(source.contains(function), "not in src/lib.rs:\n{function}");
    }
}
