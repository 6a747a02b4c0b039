//! Prism: the wrapper against a mock that it makes of the spec, and against our mock through its
//! proxy, which validates both directions.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use cometapi::{Client, Error, Prediction, Status, WaitPolicy};
use serde_json::json;

use super::{Bench, INSTALL, runtime};
use contract_spec::report::Report;

pub(super) const PRISM: &str = "node_modules/.bin/prism";

/// How long Prism may take to read the spec.
const START: Duration = Duration::from_secs(60);

/// How long a run may take that takes about a second.
const END: Duration = Duration::from_secs(30);

pub(super) fn run(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let spec = bench.spec.to_string_lossy().into_owned();

    let prism = Prism::start(bench, &["mock", &spec])?;
    let came = runtime.block_on(run_a_model(&prism.origin()));
    judge("prism mock", came, report);
    drop(prism);

    let server = runtime.block_on(bench.mock(|builder| builder))?;
    let prism = Prism::start(bench, &["proxy", &spec, server.base_url(), "--errors"])?;
    let came = runtime.block_on(run_a_model(&prism.origin()));
    judge("prism proxy", came, report);
    Ok(())
}

/// Creates a prediction and polls it to its end, at a server that has the paths at its root.
async fn run_a_model(origin: &str) -> Result<(Prediction, usize), Error> {
    let mut wait = WaitPolicy::default();
    wait.timeout = END;
    let client = Client::builder()
        .key("sk-any")
        .wait_policy(wait)
        .base_url(origin)
        .base_url_as_is(true)
        .build()?;
    let predictions = client.predictions();
    let created = predictions
        .create_model(
            "black-forest-labs/flux-schnell",
            json!({"prompt": "a paper boat"}),
        )
        .await?;
    let ended = predictions.wait(created.id()).await?;
    let files = client.files(&ended).len();
    Ok((ended, files))
}

fn judge(place: &str, came: Result<(Prediction, usize), Error>, report: &mut Report) {
    match came {
        Ok((ended, 1..)) if *ended.status() == Status::Succeeded => {
            report.pass("runs through prism");
        }
        Ok((ended, files)) => report.fail(
            place,
            "outside-mock",
            format!(
                "the run ended as {} with {files} files; order the examples so that the first ones \
                 make a run that succeeds",
                ended.status()
            ),
        ),
        Err(error) => report.fail(
            place,
            "outside-mock",
            format!("the wrapper says: {error}; fix the spec, or the mock"),
        ),
    }
}

/// A running Prism. Ends when dropped.
struct Prism {
    child: Child,
    address: SocketAddr,
}

impl Prism {
    fn start(bench: &Bench<'_>, args: &[&str]) -> anyhow::Result<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        let address = free.local_addr().context("no port is free")?;
        drop(free);
        let child = bench
            .tool(PRISM)
            .args(args)
            .args(["--host", "127.0.0.1", "--multiprocess", "false", "--port"])
            .arg(address.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("prism cannot be started; {INSTALL}"))?;
        let mut prism = Self { child, address };
        let deadline = Instant::now() + START;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = prism.child.try_wait()? {
                anyhow::bail!("prism ended before it listened: {status}");
            }
            anyhow::ensure!(Instant::now() < deadline, "prism does not listen");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(prism)
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
