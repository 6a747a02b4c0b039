//! Inputs of known models that are wrong in one way each, and valid ones that look wrong.
//!
//! They are written from the models' published tables, not from the spec that the judge goes
//! by, so that a limit that got lost on the way is seen.

use anyhow::Context;
use cometapi_mock::Spec;
use serde_json::Value;

use contract_spec::report::Report;

const SCHNELL: &str = "black-forest-labs/flux-schnell";
const DEV: &str = "black-forest-labs/flux-dev";
const PRO: &str = "black-forest-labs/flux-pro";
const ULTRA: &str = "black-forest-labs/flux-1.1-pro-ultra";
const KONTEXT: &str = "black-forest-labs/flux-kontext-pro";
const SECOND: &str = "black-forest-labs/flux-2-pro";
const FLEX: &str = "black-forest-labs/flux-2-flex";

/// Model, input, and the field that is refused; none for an input that is taken.
type Control = (&'static str, &'static str, Option<&'static str>);

const CONTROLS: &[Control] = &[
    (SCHNELL, r#"{"prompt": "p"}"#, None),
    (SCHNELL, r"{}", Some("input")),
    (SCHNELL, r#"{"promt": "p"}"#, Some("input")),
    (SCHNELL, r#"{"prompt": null}"#, Some("input.prompt")),
    (SCHNELL, r#"{"prompt": "p", "num_outputs": 4}"#, None),
    (
        SCHNELL,
        r#"{"prompt": "p", "num_outputs": 5}"#,
        Some("input.num_outputs"),
    ),
    (
        SCHNELL,
        r#"{"prompt": "p", "num_outputs": "2"}"#,
        Some("input.num_outputs"),
    ),
    (
        SCHNELL,
        r#"{"prompt": "p", "aspect_ratio": "2:1"}"#,
        Some("input.aspect_ratio"),
    ),
    (
        SCHNELL,
        r#"{"prompt": "p", "megapixels": 1}"#,
        Some("input.megapixels"),
    ),
    (
        SCHNELL,
        r#"{"prompt": "p", "seed": null}"#,
        Some("input.seed"),
    ),
    (
        SCHNELL,
        r#"{"prompt": "p", "go_fast": "true"}"#,
        Some("input.go_fast"),
    ),
    (DEV, r#"{"prompt": "p", "guidance": 10}"#, None),
    (
        DEV,
        r#"{"prompt": "p", "guidance": 10.1}"#,
        Some("input.guidance"),
    ),
    (
        DEV,
        r#"{"prompt": "p", "image": "fox.png"}"#,
        Some("input.image"),
    ),
    (PRO, r#"{"prompt": "p", "width": 257}"#, None),
    (
        PRO,
        r#"{"prompt": "p", "aspect_ratio": "custom", "width": 255, "height": 256}"#,
        Some("input.width"),
    ),
    (
        ULTRA,
        r#"{"prompt": "p", "output_format": "webp"}"#,
        Some("input.output_format"),
    ),
    (
        KONTEXT,
        r#"{"prompt": "p", "input_image": null, "seed": null}"#,
        None,
    ),
    (
        KONTEXT,
        r#"{"prompt": "p", "input_image_2": "https://files.example.com/a.png"}"#,
        None,
    ),
    (
        KONTEXT,
        r#"{"prompt": "p", "safety_tolerance": 7}"#,
        Some("input.safety_tolerance"),
    ),
    (
        SECOND,
        r#"{"prompt": "p", "input_images": "data:,a"}"#,
        Some("input.input_images"),
    ),
    (
        SECOND,
        r#"{"prompt": "p", "input_images": ["data:,a", "a.png"]}"#,
        Some("input.input_images.1"),
    ),
    (
        SECOND,
        r#"{"prompt": "p", "safety_tolerance": 6}"#,
        Some("input.safety_tolerance"),
    ),
    (FLEX, r#"{"prompt": "p", "guidance": 1.5}"#, None),
    (
        FLEX,
        r#"{"prompt": "p", "guidance": 1.4}"#,
        Some("input.guidance"),
    ),
    (
        "somebody/something",
        r#"{"prompt": null, "num_outputs": -1}"#,
        None,
    ),
];

pub(super) fn run(spec: &Spec, report: &mut Report) -> anyhow::Result<()> {
    for (model, input, wanted) in CONTROLS {
        let value: Value = serde_json::from_str(input).context("a control is no JSON")?;
        let faults = spec.check_input(model, &value);
        let found: Vec<_> = faults.iter().map(|fault| &*fault.field).collect();
        if found == wanted.as_slice() {
            report.pass("controls");
            continue;
        }
        report.fail(
            format!("input {input} of {model}"),
            "judge-is-blind",
            format!(
                "the mock should refuse {} and refuses {found:?}; fix its checks, or the spec \
                 that they go by",
                wanted.unwrap_or("nothing"),
            ),
        );
    }
    Ok(())
}
