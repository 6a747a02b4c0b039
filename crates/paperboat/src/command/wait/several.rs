//! Several predictions at once.

use cometapi::Client;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::args::Wait;
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::print;
use crate::progress::Progress;

/// Waits for all of `ids`. Each failure is printed as it happens; the exit code is that of the most
/// severe.
pub(super) async fn execute(args: &Wait, client: &Client, ids: &[&str]) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    let mut runs: FuturesUnordered<_> = ids.iter().map(|id| one(args, client, id)).collect();
    let mut failed: Vec<Failure> = Vec::new();
    loop {
        tokio::select! {
            ended = runs.next() => match ended {
                Some(Ok(())) => {}
                Some(Err(failure)) => {
                    print::failure(&failure);
                    failed.push(failure);
                }
                None => break,
            },
            signal = signals.next() => {
                return Err(Failure::interrupted_many(signal, runs.len()));
            }
        }
    }
    let most_severe = failed.iter().max_by_key(|failure| failure.severity());
    let Some(code) = most_severe.map(Failure::code) else {
        return Ok(());
    };
    let message = format!("{} of {} did not succeed", failed.len(), ids.len());
    Err(Failure::of_many(code, message))
}

async fn one(args: &Wait, client: &Client, id: &str) -> Result<(), Failure> {
    let waiting = super::waiting(args, client, id, Progress::of(id)).await?;
    waiting.wait_to_the_end().await
}
