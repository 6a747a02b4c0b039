//! Several predictions at once.

use cometapi::Client;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::args::Wait;
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::progress::Progress;

/// Waits for all of `ids`. Each failure is said as it comes; the exit code is the gravest.
pub(super) async fn execute(args: &Wait, client: &Client, ids: &[&str]) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    let mut runs: FuturesUnordered<_> = ids.iter().map(|id| one(args, client, id)).collect();
    let mut failed: Vec<Failure> = Vec::new();
    loop {
        tokio::select! {
            ended = runs.next() => match ended {
                Some(Ok(())) => {}
                Some(Err(failure)) => {
                    failure.say();
                    failed.push(failure);
                }
                None => break,
            },
            signal = signals.next() => {
                return Err(Failure::interrupted_many(signal, runs.len()));
            }
        }
    }
    let Some(code) = failed
        .iter()
        .map(Failure::code)
        .max_by_key(|code| gravity(*code))
    else {
        return Ok(());
    };
    let message = format!("{} of {} did not succeed", failed.len(), ids.len());
    Err(Failure::of_many(code, message))
}

async fn one(args: &Wait, client: &Client, id: &str) -> Result<(), Failure> {
    let waiting = super::waiting(args, client, id, Progress::of(id)).await?;
    waiting.wait_to_the_end().await
}

/// As a batch has it: what stops everything, then what is lost, what failed, and last what
/// only takes longer.
fn gravity(code: u8) -> u8 {
    const ORDER: [u8; 9] = [4, 3, 1, 8, 6, 5, 7, 2, 130];
    let place = ORDER.iter().position(|known| *known == code);
    place.map_or(0, |place| u8::try_from(place).unwrap_or(u8::MAX))
}
