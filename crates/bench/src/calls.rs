//! B1: the cost of a create request and three polls.
//!
//! One after another on one thread, without pauses between the polls, so that nothing but the
//! calls is counted.

use std::time::Duration;

use anyhow::bail;

use crate::bare::Bare;
use crate::context::Context;
use crate::measure::{Pairs, Readings, Region, Side, Spread, instructions_per_item};
use crate::ours::{self, MODEL};
use crate::report::{Goal, Row};
use crate::server::{Options, Server};

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(&Options::default())?;
    let side = |name: &'static str, count: u32| {
        Side::new("calls", name, [server.base_url(), count.to_string()])
    };
    let count = context.scale(2_000, 2);
    let pairs = Pairs::run(
        context.pairs(15),
        || side("cometapi", count).run(),
        || side("bare", count).run(),
    )?;
    let mut rows = Vec::new();
    if context.quick {
        rows.push(Row::skipped("instructions", "skipped by --quick"));
    } else {
        let of = |name| instructions_per_item(|count| side(name, count), (100, 600));
        rows.push(match (of("cometapi")?, of("bare")?) {
            (Some(ours), Some(bare)) => Row::new("instructions", "")
                .ours(Spread::exactly(ours))
                .against(Spread::exactly(bare))
                .ratio_of_medians()
                .goal(Goal::RatioAtMost(1.25)),
            _ => Row::skipped("instructions", "install valgrind"),
        });
    }
    rows.push(
        Row::of_pairs("processor time", "s", &pairs, "processor").goal(Goal::RatioAtMost(1.15)),
    );
    rows.push(Row::of_pairs("time", "s", &pairs, "wall"));
    Ok(rows)
}

pub(crate) fn side(side: &str, arguments: &[String]) -> anyhow::Result<Readings> {
    let [base_url, count] = arguments else {
        bail!("expected URL COUNT");
    };
    let count: u32 = count.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let readings = runtime.block_on(async {
        let input = ours::input();
        let region;
        match side {
            "cometapi" => {
                let client = ours::client(base_url, ours::every(Duration::ZERO))?;
                region = Region::start();
                for _ in 0..count {
                    client.run_model(MODEL, input.clone()).await?;
                }
            }
            "bare" => {
                let bare = Bare::new(base_url)?;
                region = Region::start();
                for _ in 0..count {
                    bare.run(MODEL, &input).await?;
                }
            }
            _ => bail!("there is no side {side}"),
        }
        anyhow::Ok(region.end())
    })?;
    Ok(readings.per_item(&["wall", "processor"], count))
}
