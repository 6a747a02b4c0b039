//! B2: 1,000 predictions, 64 at a time, three polls each.

use std::time::Duration;

use anyhow::bail;

use crate::bare::Bare;
use crate::context::Context;
use crate::load::repeat;
use crate::measure::{Pairs, Readings, Region, Side};
use crate::ours::{self, MODEL};
use crate::report::{Goal, Row};
use crate::server::{Options, Server};

const AT_ONCE: u32 = 64;

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(&Options::default())?;
    let count = context.scale(1_000, 5).to_string();
    let run = |name| Side::new("throughput", name, [server.base_url(), count.clone()]).run();
    let pairs = Pairs::run(context.pairs(11), || run("cometapi"), || run("bare"))?;
    Ok(vec![
        Row::of_pairs("predictions per second", "/s", &pairs, "rate").goal(Goal::RatioAtLeast(0.9)),
        Row::of_pairs("processor time per prediction", "s", &pairs, "processor"),
    ])
}

pub(crate) fn side(side: &str, arguments: &[String]) -> anyhow::Result<Readings> {
    let [base_url, count] = arguments else {
        bail!("expected URL COUNT");
    };
    let count: u32 = count.parse()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut readings = runtime.block_on(async {
        let region;
        match side {
            "cometapi" => {
                let client = ours::client(base_url, ours::every(Duration::ZERO))?;
                region = Region::start();
                repeat(count, AT_ONCE, move |_| {
                    let client = client.clone();
                    async move {
                        client.run_model(MODEL, ours::input()).await?;
                        Ok(())
                    }
                })
                .await?;
            }
            "bare" => {
                let bare = Bare::new(base_url)?;
                region = Region::start();
                repeat(count, AT_ONCE, move |_| {
                    let bare = bare.clone();
                    async move {
                        bare.run(MODEL, &ours::input()).await?;
                        Ok(())
                    }
                })
                .await?;
            }
            _ => bail!("there is no side {side}"),
        }
        anyhow::Ok(region.end())
    })?;
    let wall = readings.get("wall").unwrap_or(f64::NAN);
    readings.set("rate", f64::from(count) / wall);
    Ok(readings.per_item(&["processor"], count))
}
