//! B3: 50,000 waits at once in one process.
//!
//! Each polls every 30 s a prediction that does not end. The waits begin spread over the first
//! 30 s, so that both sides need few connections, and every wait is at rest when the memory is read.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{bail, ensure};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::bare::Bare;
use crate::context::Context;
use crate::measure::{Pairs, Readings, Region, Side, raise_open_files};
use crate::ours;
use crate::report::{Goal, Row};
use crate::server::{Options, Server};

/// How often each prediction is polled.
const POLLS: u32 = 2;

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(&Options {
        polls: u32::MAX,
        ..Options::default()
    })?;
    let count: u32 = context.scale(50_000, 20);
    let pause = context.scale(30.0, 0.02);
    let run = |name| {
        let arguments = [server.base_url(), count.to_string(), pause.to_string()];
        Side::new("waits", name, arguments).run()
    };
    let pairs = Pairs::run(context.pairs(3), || run("cometapi"), || run("bare"))?;
    Ok(vec![
        Row::of_pairs("peak memory per wait", "B", &pairs, "growth").goal(Goal::RatioAtMost(1.1)),
        Row::of_pairs("peak memory of the process", "B", &pairs, "peak"),
        Row::of_pairs("processor time per poll", "s", &pairs, "processor")
            .goal(Goal::RatioAtMost(1.2)),
    ])
}

pub(crate) fn side(side: &str, arguments: &[String]) -> anyhow::Result<Readings> {
    let [base_url, count, pause] = arguments else {
        bail!("expected URL COUNT SECONDS");
    };
    let count: u32 = count.parse()?;
    let pause = Duration::from_secs_f64(pause.parse()?);
    raise_open_files();
    let runtime = tokio::runtime::Runtime::new()?;
    let readings = runtime.block_on(async {
        let region = Region::start();
        // All waits, and the reading.
        let at_rest = Arc::new(Barrier::new(count as usize + 1));
        let mut waits = JoinSet::new();
        match side {
            "cometapi" => {
                let client = ours::client(base_url, ours::every(pause))?;
                for number in 0..count {
                    let (client, at_rest) = (client.clone(), Arc::clone(&at_rest));
                    waits.spawn(async move {
                        sleep(pause * number / count).await;
                        let mut wait = client.predictions().wait(id(number));
                        for _ in 0..POLLS {
                            let update = wait.next().await;
                            ensure!(matches!(update, Some(Ok(_))), "a poll failed: {update:?}");
                        }
                        // The wait has begun its next pause.
                        tokio::select! {
                            biased;
                            _ = wait.next() => {}
                            _ = at_rest.wait() => {}
                        }
                        Ok(())
                    });
                }
            }
            "bare" => {
                let bare = Bare::new(base_url)?;
                for number in 0..count {
                    let (bare, at_rest) = (bare.clone(), Arc::clone(&at_rest));
                    waits.spawn(async move {
                        sleep(pause * number / count).await;
                        let id = id(number);
                        for poll in 1..=POLLS {
                            let prediction = bare.get(&id).await?;
                            ensure!(!prediction.has_ended(), "{id} has ended");
                            if poll < POLLS {
                                sleep(pause).await;
                            }
                        }
                        tokio::select! {
                            biased;
                            () = sleep(pause) => {}
                            _ = at_rest.wait() => {}
                        }
                        Ok(())
                    });
                }
            }
            _ => bail!("there is no side {side}"),
        }
        tokio::select! {
            _ = at_rest.wait() => {}
            // A wait that ends before all are at rest has failed.
            Some(ended) = waits.join_next() => ended??,
        }
        anyhow::Ok(region.end())
    })?;
    let readings = readings.per_item(&["growth"], count);
    Ok(readings.per_item(&["processor"], count * POLLS))
}

fn id(number: u32) -> String {
    format!("bench{number:021}")
}
