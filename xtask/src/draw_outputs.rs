//! `cargo xtask draw-outputs`: outputs of published predictions as fixtures of the same shapes.

mod compose;

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::generate::write_atomically;

/// The fixtures, from the root of the workspace.
const FIXTURES: &str = "crates/paperboat/tests/cli/drawn_outputs.jsonl";

/// Draw outputs of published predictions, and write fixtures of the same shapes.
///
/// FILE is the `models.json` of the npm package `all-the-public-replicate-models`. Half of the
/// outputs are drawn from those that are neither a URL nor a list of URLs. A fixture has the
/// structure, the names of members, the kinds of strings and the file extensions of its output;
/// its text, numbers and addresses are its own.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The package's `models.json`.
    file: PathBuf,
    /// The package's version, which the fixtures name.
    #[arg(long, default_value = "1.352.0")]
    version: String,
    /// How many outputs are drawn.
    #[arg(long, default_value_t = 200)]
    count: usize,
    /// The same seed draws the same outputs.
    #[arg(long, default_value_t = 17)]
    seed: u64,
}

/// A model of the package.
#[derive(Deserialize)]
struct Model {
    default_example: Option<Example>,
    latest_version: Option<Version>,
}

#[derive(Deserialize)]
struct Example {
    #[serde(default)]
    output: Value,
}

#[derive(Deserialize)]
struct Version {
    openapi_schema: Option<Value>,
}

impl Model {
    /// Whether its schema says that the output is a list which grows item by item. Clients join
    /// its strings.
    fn is_iterator(&self) -> bool {
        let schema = self.latest_version.as_ref();
        let schema = schema.and_then(|version| version.openapi_schema.as_ref());
        let output = schema.and_then(|schema| schema.pointer("/components/schemas/Output"));
        output.is_some_and(|output| output["x-cog-array-type"] == "iterator")
    }
}

/// Draws the fixtures and writes them below `root`.
pub(crate) fn run(root: &Path, options: &Options, out: &mut dyn Write) -> anyhow::Result<()> {
    let name = options.file.display();
    let file = File::open(&options.file).with_context(|| format!("failed to read {name}"))?;
    let models: Vec<Model> = serde_json::from_reader(BufReader::new(file))
        .with_context(|| format!("{name} is not a list of models"))?;
    let fixtures = fixtures(&models, options)?;
    write_atomically(&root.join(FIXTURES), fixtures.as_bytes())?;
    writeln!(out, "wrote {FIXTURES}")?;
    Ok(())
}

fn fixtures(models: &[Model], options: &Options) -> anyhow::Result<String> {
    let outputs: Vec<(usize, &Value)> = models
        .iter()
        .map(|model| {
            model
                .default_example
                .as_ref()
                .map(|example| &example.output)
        })
        .enumerate()
        .filter_map(|(position, output)| Some((position, output?)))
        .filter(|(_, output)| !output.is_null())
        .collect();
    ensure!(
        options.count <= outputs.len(),
        "{} outputs cannot be drawn from {}",
        options.count,
        outputs.len()
    );
    let mut rng = fastrand::Rng::with_seed(options.seed);
    let mut drawn = draw(&outputs, options.count, &mut rng);
    drawn.sort_unstable_by_key(|(position, _)| *position);

    let head = json!({
        "about": "outputs composed by `cargo xtask draw-outputs`: the shapes are those of \
            default_example predictions in models.json of the npm package; text, numbers and \
            addresses are not",
        "package": "all-the-public-replicate-models",
        "version": options.version,
        "seed": options.seed,
        "drawn": drawn.len(),
        "from": outputs.len(),
    });
    let mut composer = compose::Composer::new(rng);
    let mut lines = vec![head.to_string()];
    lines.extend(drawn.into_iter().map(|(position, output)| {
        let fixture = json!({
            "position": position,
            "iterator": models[position].is_iterator(),
            "output": composer.output(output),
        });
        fixture.to_string()
    }));
    Ok(lines.join("\n") + "\n")
}

/// Half of them are neither a URL nor a list of URLs, if there are enough of those.
fn draw<'o>(
    outputs: &[(usize, &'o Value)],
    count: usize,
    rng: &mut fastrand::Rng,
) -> Vec<(usize, &'o Value)> {
    let (mut plain, mut others): (Vec<_>, Vec<_>) =
        outputs.iter().partition(|(_, output)| is_plain(output));
    rng.shuffle(&mut plain);
    rng.shuffle(&mut others);
    let few = (count / 2).max(count.saturating_sub(plain.len()));
    others.truncate(few);
    plain.truncate(count - others.len());
    others.append(&mut plain);
    others
}

fn is_plain(output: &Value) -> bool {
    let is_url = |value: &Value| value.as_str().is_some_and(compose::is_url);
    match output {
        Value::Array(items) => items.iter().all(is_url),
        output => is_url(output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(count: usize, seed: u64) -> Options {
        Options {
            file: PathBuf::new(),
            version: "1.0.0".to_owned(),
            count,
            seed,
        }
    }

    fn models() -> Vec<Model> {
        let urls = (0..20).map(|n| json!([format!("https://host.test/{n}.png")]));
        let others = (0..5).map(|n| json!({"score": n + 2}));
        let outputs = urls.chain(others).chain([Value::Null]);
        let models = outputs.map(|output| json!({"default_example": {"output": output}}));
        let tokens = json!({
            "default_example": {"output": ["a", " fox"]},
            "latest_version": {"openapi_schema": {"components": {"schemas": {
                "Output": {"type": "array", "x-cog-array-type": "iterator"},
            }}}},
        });
        let empty = json!({"default_example": null, "latest_version": null});
        serde_json::from_value(models.chain([tokens, empty]).collect()).unwrap()
    }

    fn drawn(count: usize, seed: u64) -> Vec<Value> {
        let lines = fixtures(&models(), &options(count, seed)).unwrap();
        let mut values = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let head: Value = values.next().unwrap();
        assert_eq!((&head["drawn"], &head["from"]), (&json!(count), &json!(26)));
        values.collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_and_half_of_them_are_no_urls() {
        let fixtures = drawn(8, 17);
        assert_eq!(fixtures, drawn(8, 17));
        assert_ne!(fixtures, drawn(8, 18));
        let positions: Vec<_> = fixtures
            .iter()
            .map(|f| f["position"].as_u64().unwrap())
            .collect();
        assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
        assert_eq!(
            positions.iter().filter(|position| **position >= 20).count(),
            4
        );
    }

    #[test]
    fn all_of_them_can_be_drawn_and_no_more() {
        let fixtures = drawn(26, 1);
        // The one without an output is not among them.
        let positions: Vec<_> = fixtures
            .iter()
            .map(|f| f["position"].as_u64().unwrap())
            .collect();
        assert_eq!(positions, (0..25).chain([26]).collect::<Vec<_>>());
        let is_iterator = |fixture: &Value| fixture["iterator"] == json!(true);
        assert_eq!(fixtures.iter().filter(|f| is_iterator(f)).count(), 1);
        assert!(is_iterator(&fixtures[25]));
        assert!(super::fixtures(&models(), &options(27, 1)).is_err());
    }
}
