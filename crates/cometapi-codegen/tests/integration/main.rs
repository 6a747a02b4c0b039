//! The pipeline on the real `openapi.yaml`, and on copies of it with one thing changed.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test are tests too, which clippy does not see"
)]

mod build_script;
mod committed;
mod generator;
mod import;
mod lint;
mod second_spec;

use std::fs;
use std::path::{Path, PathBuf};

use cometapi_codegen::{Error, Generated, PREDICTIONS};
use serde_json::Value;

/// The root of this workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_path_buf()
}

fn spec_text() -> String {
    fs::read_to_string(root().join("openapi.yaml")).unwrap()
}

/// The spec with one change, as text that the pipeline reads: JSON is YAML too.
fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut spec: Value = serde_saphyr::from_str(&spec_text()).unwrap();
    // As text: two objects that differ in the order of their keys are equal.
    let before = spec.to_string();
    change(&mut spec);
    let after = spec.to_string();
    assert!(before != after, "the change changes nothing");
    after
}

/// What stands at a JSON pointer, which must be there.
fn at<'a>(spec: &'a mut Value, pointer: &str) -> &'a mut Value {
    spec.pointer_mut(pointer)
        .unwrap_or_else(|| panic!("nothing at {pointer}"))
}

fn generate(spec: &str) -> Result<Generated, Error> {
    PREDICTIONS.generate(spec)
}

/// Why a spec gives no code.
fn refused(spec: &str) -> Error {
    match generate(spec) {
        Err(error) => error,
        Ok(_) => panic!("the spec is taken"),
    }
}
