//! B10: a download of 1 GB to disk, until it is durable.
//!
//! Both sides fetch from the same static server on loopback into a new file, and end when it is
//! synced: `cometapi` syncs the content before the file gets its name and the folder after it;
//! `curl` is followed by `sync`.

use std::path::Path;
use std::process::Command;

use anyhow::bail;
use cometapi::WaitPolicy;

use crate::context::Context;
use crate::measure::{Pairs, Readings, Region, Side, program};
use crate::ours;
use crate::report::{Goal, Row};
use crate::server::{Options, Server};

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    if Command::new("curl").arg("--version").output().is_err() {
        return Ok(vec![Row::skipped("a download", "install curl")]);
    }
    let file = context.scale(1_000_000_000, 1_000_000);
    let server = Server::start(&Options {
        file,
        ..Options::default()
    })?;
    // Not in the system's folder for temporary files, which may be in memory.
    let folder = tempfile::tempdir_in(context.root.join("target/bench"))?;
    let run = |side: &str| {
        let target = folder.path().join(side);
        let arguments = [
            server.base_url(),
            server.file_url(),
            target.display().to_string(),
        ];
        let mut readings = Side::new("download", side, arguments).run()?;
        std::fs::remove_file(&target)?;
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let bytes = file as f64;
        let wall = readings.get("wall").unwrap_or(f64::NAN);
        readings.set("rate", bytes / wall);
        Ok(readings)
    };
    let pairs = Pairs::run(context.pairs(5), || run("cometapi"), || run("curl"))?;
    Ok(vec![
        Row::of_pairs("bytes per second", "B/s", &pairs, "rate").goal(Goal::RatioAtLeast(0.9)),
        Row::of_pairs("processor time", "s", &pairs, "processor"),
        Row::of_pairs("peak memory of the process", "B", &pairs, "peak")
            .goal(Goal::OursAtMost(20e6)),
    ])
}

pub(crate) fn side(side: &str, arguments: &[String]) -> anyhow::Result<Readings> {
    let [base_url, url, target] = arguments else {
        bail!("expected BASE_URL URL FILE");
    };
    match side {
        "cometapi" => cometapi(base_url, url, Path::new(target)),
        "curl" => program(Command::new("sh").args([
            "-c",
            r#"curl -sSf -o "$2" "$1" && sync "$2""#,
            "sh",
            url,
            target,
        ])),
        _ => bail!("there is no side {side}"),
    }
}

fn cometapi(base_url: &str, url: &str, target: &Path) -> anyhow::Result<Readings> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let region = Region::start();
        let client = ours::client(base_url, WaitPolicy::default())?;
        client.file(url).save_to(target).await?;
        Ok(region.end())
    })
}
