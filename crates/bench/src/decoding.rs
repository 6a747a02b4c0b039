//! B6: decoding the body of a response.

use std::hint::black_box;

use anyhow::bail;
use cometapi_client::PredictionResponse;
use serde::Deserialize;
use serde_json::Value;

use crate::bare;
use crate::context::Context;
use crate::measure::{Pairs, Readings, Region, Side};
use crate::report::{Goal, Row};
use crate::server::example;

/// A kind of body, how often a run decodes it, and the goals for time and memory.
struct Kind {
    name: &'static str,
    what: &'static str,
    times: u32,
    time: f64,
    memory: Option<f64>,
}

const KINDS: [Kind; 5] = [
    Kind {
        name: "small",
        what: "a small prediction",
        times: 100_000,
        time: 1.1,
        memory: None,
    },
    Kind {
        name: "logs",
        what: "1 MB of logs",
        times: 500,
        time: 1.1,
        memory: Some(1.2),
    },
    Kind {
        name: "file",
        what: "a data URI of 10 MB",
        times: 50,
        time: 1.1,
        memory: Some(1.2),
    },
    Kind {
        name: "wrapped",
        what: "a wrapped one",
        times: 100_000,
        time: 2.0,
        memory: None,
    },
    Kind {
        name: "lenient",
        what: "one that is not quite JSON",
        times: 50_000,
        time: 4.0,
        memory: None,
    },
];

pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for kind in KINDS {
        let times = context.scale(kind.times, 1).to_string();
        let run = |side| Side::new("decoding", side, [kind.name, &times]).run();
        let pairs = Pairs::run(context.pairs(11), || run("cometapi"), || run("plain"))?;
        let time = Row::of_pairs(format!("{}: time", kind.what), "s", &pairs, "wall");
        rows.push(time.goal(Goal::RatioAtMost(kind.time)));
        if let Some(limit) = kind.memory {
            let what = format!("{}: peak memory above the body", kind.what);
            let memory = Row::of_pairs(what, "B", &pairs, "growth");
            rows.push(memory.goal(Goal::RatioAtMost(limit)));
        }
    }
    Ok(rows)
}

pub(crate) fn side(side: &str, arguments: &[String]) -> anyhow::Result<Readings> {
    let [kind, times] = arguments else {
        bail!("expected KIND TIMES");
    };
    let times: u32 = times.parse()?;
    let body = body(kind, side == "plain")?;
    let region = Region::start();
    for _ in 0..times {
        match (side, kind.as_str()) {
            ("cometapi", _) => {
                black_box(PredictionResponse::from_slice(black_box(&body))?);
            }
            ("plain", "wrapped") => {
                black_box(serde_json::from_slice::<Envelope>(black_box(&body))?);
            }
            ("plain", _) => {
                black_box(serde_json::from_slice::<bare::Prediction>(black_box(
                    &body,
                ))?);
            }
            _ => bail!("there is no side {side}"),
        }
    }
    Ok(region.end().per_item(&["wall", "processor"], times))
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding them is what is measured")]
struct Envelope {
    code: String,
    message: Option<String>,
    data: Task,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding them is what is measured")]
struct Task {
    #[serde(rename = "task_id")]
    id: String,
    status: String,
    action: Option<String>,
    fail_reason: Option<String>,
    progress: Option<String>,
    submit_time: Option<i64>,
    start_time: Option<i64>,
    finish_time: Option<i64>,
    data: Option<bare::Prediction>,
}

/// The body of a kind. One that is not quite JSON is `strict` for the side that cannot read it.
fn body(kind: &str, strict: bool) -> anyhow::Result<Vec<u8>> {
    let mut bare = example("bare_list")?;
    Ok(match kind {
        "small" => bare.to_string(),
        "logs" => {
            bare["logs"] = "step 1 of 4: a line of a log\n".repeat(36_000).into();
            bare.to_string()
        }
        "file" => {
            let base64 = "iVBORw0KGgoAAAANSUhEUgAA".repeat(437_000);
            bare["output"] = Value::from(vec![format!("data:image/png;base64,{base64}")]);
            bare.to_string()
        }
        "wrapped" => example("wrapped_succeeded")?.to_string(),
        "lenient" => {
            let marked = "seed 42 MARK";
            bare["logs"] = marked.into();
            let escape = if strict { "\\n" } else { "\\ud83d" };
            bare.to_string().replace("MARK", escape)
        }
        _ => bail!("there is no kind {kind}"),
    }
    .into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_decode_every_kind() {
        for kind in KINDS {
            for side in ["cometapi", "plain"] {
                let arguments = [kind.name.to_owned(), "1".to_owned()];
                super::side(side, &arguments).unwrap();
            }
        }
        let lenient = body("lenient", false).unwrap();
        assert!(serde_json::from_slice::<Value>(&lenient).is_err());
    }
}
