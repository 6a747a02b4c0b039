//! B5: the delay until an end is noticed when 5 % of the polls hang for 60 s.
//!
//! The delay of a wait is what it takes beyond the pauses between its polls. Which polls hang is
//! decided by a seed, but not which waits they belong to.

use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::task::JoinSet;

use crate::context::Context;
use crate::measure::{Pairs, Readings, Side, Spread, raise_open_files};
use crate::ours;
use crate::report::{Goal, Row};
use crate::server::{Options, Server};

/// At the last one, a prediction has succeeded.
const POLLS: u32 = 3;

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    let hang: u32 = context.scale(60, 1);
    let waits: u32 = context.scale(2_000, 10);
    let run = |name| {
        let server = Server::start(&Options {
            polls: POLLS,
            hanging: 0.05,
            hang: hang.into(),
            ..Options::default()
        })?;
        let arguments = [server.base_url(), waits.to_string(), hang.to_string()];
        Side::new("hedging", name, arguments).run()
    };
    let pairs = Pairs::run(context.pairs(3), || run("hedged"), || run("patient"))?;
    Ok(vec![
        Row::of_pairs("delay, 99th percentile", "s", &pairs, "p99").goal(Goal::RatioAtMost(0.2)),
        Row::of_pairs("delay, mean", "s", &pairs, "mean"),
    ])
}

pub(crate) fn side(side: &str, arguments: &[String]) -> anyhow::Result<Readings> {
    let [base_url, waits, hang] = arguments else {
        bail!("expected URL COUNT SECONDS");
    };
    let waits: u32 = waits.parse()?;
    let hang = Duration::from_secs(hang.parse()?);
    let pause = hang / 30;
    let mut policy = ours::every(pause);
    // In the proportion of the defaults: hedged after 10 s, given up after 60 s.
    policy.attempt_timeout = hang;
    policy.hedge_after = match side {
        "hedged" => hang / 6,
        "patient" => hang * 2,
        _ => bail!("there is no side {side}"),
    };
    raise_open_files();
    let runtime = tokio::runtime::Runtime::new()?;
    let delays = runtime.block_on(async {
        let client = ours::client(base_url, policy)?;
        let mut tasks = JoinSet::new();
        for number in 0..waits {
            let client = client.clone();
            tasks.spawn(async move {
                // Not all at once: a burst would be measured as well.
                tokio::time::sleep(pause * number / waits).await;
                let began = Instant::now();
                client
                    .predictions()
                    .wait(format!("bench{number:021}"))
                    .await?;
                anyhow::Ok(began.elapsed().saturating_sub(pause * (POLLS - 1)))
            });
        }
        let mut delays = Vec::new();
        while let Some(delay) = tasks.join_next().await {
            delays.push(delay??.as_secs_f64());
        }
        anyhow::Ok(delays)
    })?;
    let mut readings = Readings::default();
    readings.set("p99", Spread::percentile(&delays, 0.99));
    readings.set("mean", delays.iter().sum::<f64>() / f64::from(waits));
    Ok(readings)
}
