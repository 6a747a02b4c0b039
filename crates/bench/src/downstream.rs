//! B7: what `cometapi` costs the build and the binary of a program that depends on it.
//!
//! Two new packages with the same lock file: one depends on `cometapi` and runs a model, the other
//! on `reqwest`, with the features that `cometapi` uses of it, and sends one GET request. Each is
//! built from nothing, by turns and not incrementally, as packages from a registry are.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::context::Context;
use crate::measure::{Pairs, Readings, Spread, program};
use crate::report::{Goal, Row};

const GET: &str = r#"
#[tokio::main]
async fn main() -> Result<(), reqwest::Error> {
    let url = "https://api.cometapi.com/replicate/v1/predictions/q4chw5rey9rmt0cww76t4h3ma4";
    let request = reqwest::Client::new().get(url).bearer_auth("sk-any");
    let prediction: serde_json::Value = request.send().await?.json().await?;
    println!("{prediction}");
    Ok(())
}
"#;

const RUN: &str = r#"
#[tokio::main]
async fn main() -> Result<(), cometapi::Error> {
    let input = serde_json::json!({"prompt": "a paper boat"});
    let client = cometapi::Client::from_env()?;
    let done = client.run_model("black-forest-labs/flux-schnell", input).await?;
    for file in done.files() {
        println!("{}", file.url());
    }
    Ok(())
}
"#;

const SAVE: &str = r#"
#[tokio::main]
async fn main() -> Result<(), cometapi::Error> {
    let input = serde_json::json!({"prompt": "a paper boat"});
    let client = cometapi::Client::from_env()?;
    let done = client.run_model("black-forest-labs/flux-schnell", input).await?;
    for file in done.files() {
        println!("{}", file.save_in("out").await?.path.display());
    }
    Ok(())
}
"#;

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    if context.quick {
        return Ok(vec![Row::skipped("a new crate", "by --quick")]);
    }
    let against = Package::new(
        context,
        r#"reqwest = { version = "0.13", default-features = false, features = ["json", "query", "rustls", "socks", "stream"] }"#,
        &[("run", GET)],
    )?;
    let ours = cometapi(context, &["rustls", "download", "models"])?;
    let mut rows = vec![count_row("crates", &ours, &against)?.goal(Goal::DifferenceAtMost(20.0))];
    let count = context.pairs(2);
    for (what, release) in [("debug build", false), ("release build", true)] {
        eprintln!("  {what}s, each some minutes");
        let pairs = Pairs::run(count, || ours.build(release), || against.build(release))?;
        let goal = || Goal::RatioAtMost(1.2);
        let processor = format!("clean {what}: processor time");
        rows.push(Row::of_pairs(format!("clean {what}: time"), "s", &pairs, "wall").goal(goal()));
        rows.push(Row::of_pairs(processor, "s", &pairs, "processor").goal(goal()));
    }
    rows.push(size_row("binary", &ours, "run", &against)?.goal(Goal::DifferenceAtMost(600e3)));
    program(ours.cargo().args(["build", "--bin=save", "--release"]))?;
    rows.push(size_row(
        "binary that also saves the files",
        &ours,
        "save",
        &against,
    )?);
    for (without, features) in [
        ("models", &["rustls", "download"][..]),
        ("download", &["rustls", "models"]),
        ("models and download", &["rustls"]),
    ] {
        let ours = cometapi(context, features)?;
        rows.push(count_row(
            &format!("crates, without {without}"),
            &ours,
            &against,
        )?);
        eprintln!("  release builds without {without}");
        let pairs = Pairs::run(1, || ours.build(true), || against.build(true))?;
        let what = format!("clean release build, without {without}: processor time");
        rows.push(Row::of_pairs(what, "s", &pairs, "processor"));
        rows.push(size_row(
            &format!("binary, without {without}"),
            &ours,
            "run",
            &against,
        )?);
    }
    Ok(rows)
}

fn cometapi(context: &Context, features: &[&str]) -> anyhow::Result<Package> {
    let path = context.root.join("crates/cometapi");
    let path = path.display();
    let dependency = format!(
        r#"cometapi = {{ path = "{path}", default-features = false, features = {features:?} }}"#
    );
    let is_saving = features.contains(&"download");
    let programs = [("run", RUN), ("save", SAVE)];
    Package::new(context, &dependency, &programs[..=usize::from(is_saving)])
}

fn count_row(what: &str, ours: &Package, against: &Package) -> anyhow::Result<Row> {
    let spread = |package: &Package| anyhow::Ok(Spread::exactly(package.crates()?));
    let row = Row::new(what, "").ours(spread(ours)?);
    Ok(row.against(spread(against)?).ratio_of_medians())
}

fn size_row(what: &str, ours: &Package, program: &str, against: &Package) -> anyhow::Result<Row> {
    let ours = Spread::exactly(ours.size(program)?);
    let against = Spread::exactly(against.size("run")?);
    let row = Row::new(format!("{what}, release, stripped"), "B").ours(ours);
    Ok(row.against(against).ratio_of_medians())
}

/// A new package in a folder of its own, which is removed in the end.
#[derive(Debug)]
struct Package {
    folder: TempDir,
    cargo: PathBuf,
}

impl Package {
    fn new(context: &Context, dependency: &str, programs: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(context.root.join("target/bench"))?;
        let manifest = format!(
            r#"
[package]
name = "fresh"
version = "0.0.0"
edition = "2024"

# Of none of the workspaces above.
[workspace]

[dependencies]
{dependency}
serde_json = "1"
tokio = {{ version = "1", features = ["macros", "rt-multi-thread"] }}

[profile.release]
strip = true
"#
        );
        fs::write(folder.path().join("Cargo.toml"), manifest)?;
        fs::copy(
            context.root.join("Cargo.lock"),
            folder.path().join("Cargo.lock"),
        )?;
        let source = folder.path().join("src/bin");
        fs::create_dir_all(&source)?;
        for (name, text) in programs {
            fs::write(source.join(format!("{name}.rs")), text)?;
        }
        let cargo = context.cargo().get_program().into();
        Ok(Self { folder, cargo })
    }

    fn cargo(&self) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo
            .current_dir(self.folder.path())
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TARGET_DIR", self.folder.path().join("target"))
            .env("CARGO_TERM_QUIET", "true");
        cargo
    }

    /// Builds the program `run` from nothing.
    fn build(&self, release: bool) -> anyhow::Result<Readings> {
        let target = self.folder.path().join("target");
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        let mut cargo = self.cargo();
        let profile = if release { "release" } else { "dev" };
        program(cargo.args(["build", "--bin=run", "--profile", profile]))
    }

    /// Returns how many crates it depends on.
    fn crates(&self) -> anyhow::Result<f64> {
        let mut cargo = self.cargo();
        cargo.args(["tree", "--edges=normal", "--prefix=none"]);
        let output = cargo.output().context("cargo cannot be started")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo tree: {said}");
        let lines = String::from_utf8(output.stdout)?;
        let crates = dependencies(&lines);
        #[expect(clippy::cast_precision_loss, reason = "hundreds")]
        Ok(crates as f64)
    }

    fn size(&self, program: &str) -> anyhow::Result<f64> {
        let name = format!("target/release/{program}{}", std::env::consts::EXE_SUFFIX);
        let file = self.folder.path().join(name);
        let file = fs::metadata(&file).with_context(|| file.display().to_string())?;
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        Ok(file.len() as f64)
    }
}

/// Counts the crates in the lines of `cargo tree`, without the package itself, which is first.
fn dependencies(lines: &str) -> usize {
    let crates: BTreeSet<_> = lines
        .lines()
        .skip(1)
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>())
        .collect();
    crates.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_of_the_tree_counts_once() {
        let lines = "fresh v0.0.0 (/tmp/fresh)\nreqwest v0.13.5\nbytes v1.11.0\nbytes v1.11.0 (*)\n\
                     rand v0.8.0\nrand v0.9.0\ncometapi v0.1.0 (/tmp/cometapi)\n";
        assert_eq!(dependencies(lines), 5);
    }
}
