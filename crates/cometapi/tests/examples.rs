//! Runs each example as a user does, against the mock.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test are tests too, which clippy does not see"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use cometapi_mock::{Ending, Fault, MockServer, Pace, Plan};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

/// A mock, and an empty folder to run examples in.
struct Stage {
    server: MockServer,
    folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let server = MockServer::builder().pace(Pace::instant());
        Self {
            server: server.start().await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn command(&self, example: &str) -> Command {
        let mut command = Command::new(built(example));
        command
            .current_dir(self.folder.path())
            .env("COMETAPI_KEY", "any")
            .env("COMETAPI_BASE_URL", self.server.base_url())
            .kill_on_drop(true);
        command
    }

    /// Runs an example that must succeed, and returns what it prints.
    async fn run(&self, example: &str, arguments: &[&str]) -> String {
        let output = self.command(example).args(arguments).output().await;
        let Output {
            status,
            stdout,
            stderr,
        } = output.unwrap();
        let stderr = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{example}: {status}: {stderr}");
        self.server.assert_no_violations();
        String::from_utf8(stdout).unwrap()
    }

    /// Checks that each line names a file that is there.
    fn assert_files(&self, lines: &str, count: usize) {
        let files: BTreeSet<_> = lines.lines().collect();
        assert_eq!(files.len(), count, "{lines}");
        for file in files {
            let bytes = fs::read(self.folder.path().join(file)).unwrap();
            assert!(bytes.len() > 100, "{file}");
        }
    }
}

fn built(example: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let file = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    profile.join("examples").join(file)
}

#[tokio::test]
async fn first_image() {
    let stage = Stage::new().await;
    let printed = stage.run("first_image", &[]).await;
    stage.assert_files(&printed, 1);
}

#[tokio::test]
async fn resume() {
    let stage = Stage::new().await;
    let id = stage.run("resume", &[]).await;
    let printed = stage.run("resume", &[id.trim()]).await;
    stage.assert_files(&printed, 1);
    assert_eq!(stage.server.create_requests(), 1);
}

#[tokio::test]
async fn concurrency() {
    let stage = Stage::new().await;
    let printed = stage.run("concurrency", &[]).await;
    stage.assert_files(&printed, 8);
    assert!(printed.contains("otter."), "{printed}");
}

#[tokio::test]
async fn progress() {
    let stage = Stage::new().await;
    let printed = stage.run("progress", &[]).await;
    assert!(printed.contains(" s  succeeded\n"), "{printed}");
}

#[tokio::test]
async fn inputs() {
    let stage = Stage::new().await;
    let printed = stage.run("inputs", &[]).await;
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 3, "{printed}");
    for (line, start) in lines
        .iter()
        .zip(["typed: 1 file", "image: http://", "raw: Some("])
    {
        assert!(line.starts_with(start), "{printed}");
    }
}

#[tokio::test]
async fn errors() {
    let stage = Stage::new().await;
    assert_eq!(stage.run("errors", &[]).await, "1 files\n");

    stage
        .server
        .on_create(Plan::from(Fault::BadGatewayPage).after_accept());
    let printed = stage.run("errors", &[]).await;
    assert!(
        printed.starts_with("look at the account's tasks"),
        "{printed}"
    );

    stage.server.on_create(Fault::InvalidToken);
    assert_eq!(stage.run("errors", &[]).await, "check COMETAPI_KEY\n");

    stage.server.on_end(Ending::nsfw());
    let printed = stage.run("errors", &[]).await;
    assert!(
        printed.starts_with("change the input\nthe prediction is "),
        "{printed}"
    );
}

#[tokio::test]
async fn own_http() {
    let stage = Stage::new().await;
    let printed = stage.run("own_http", &[]).await;
    stage.assert_files(&printed, 1);
    let requests = stage.server.requests();
    let user_agent = requests[0].headers["user-agent"].to_str().unwrap();
    assert!(user_agent.ends_with(" my-service/1.0"), "{user_agent}");
}

#[tokio::test]
async fn blocking() {
    let stage = Stage::new().await;
    let printed = stage.run("blocking", &[]).await;
    stage.assert_files(&printed, 1);
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn opentelemetry() {
    let stage = Stage::new().await;
    let printed = stage.run("opentelemetry", &[]).await;
    assert!(printed.contains("gen_ai.request.model"), "{printed}");
    assert!(
        printed.contains("black-forest-labs/flux-schnell"),
        "{printed}"
    );
    assert!(!printed.contains("paper boat"), "{printed}");
}

#[tokio::test]
async fn server_sent_events() {
    let stage = Stage::new().await;
    let mut command = stage.command("server_sent_events");
    let mut service = command.arg("0").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let address = line.strip_prefix("listening on http://").unwrap();

    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = "POST /images HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                   content-length: 9\r\n\r\na red fox";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    assert!(
        response.contains("content-type: text/event-stream"),
        "{response}"
    );
    assert!(response.contains("event: status\n"), "{response}");
    let end = response.split("event: end\n").nth(1).unwrap();
    assert!(
        end.contains("\"status\":\"succeeded\"") && end.contains("\"files\":[\"http://"),
        "{end}"
    );
    service.kill().await.unwrap();
}

/// An example that no test runs would rot.
#[test]
fn each_example_has_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let tests = include_str!("examples.rs");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            tests.contains(&format!("async fn {name}()")),
            "{name} has no test"
        );
    }
}
