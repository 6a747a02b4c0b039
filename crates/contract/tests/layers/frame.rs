//! The command around the layers.

use std::process::{Command, Output};

fn contract(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_contract"))
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn one_layer_gives_a_line_and_the_closing_line_alone() {
    let output = contract(&["--layer", "L6"]);
    let said = said(&output);
    let lines: Vec<_> = said.lines().collect();
    assert!(output.status.success(), "{said}");
    assert!(
        lines[0].starts_with("L6 the spec against its last release: ok: "),
        "{said}"
    );
    let last = lines[lines.len() - 1];
    let (passed, rest) = last.split_once(" passed, ").unwrap();
    assert!(passed.parse::<usize>().unwrap() > 100, "{said}");
    assert_eq!(rest, "0 failed");
}

#[test]
fn json_is_for_machines() {
    let output = contract(&["--json", "--layer", "L0", "--layer", "L7"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let layers: Vec<_> = json["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["layer"])
        .collect();
    assert_eq!(layers, ["L0", "L7"]);
    assert_eq!(json["failed"], 0);
    assert!(json["passed"].as_u64().unwrap() > 100);
}

#[test]
fn what_fails_is_said_and_is_the_exit_code() {
    let empty = tempfile::tempdir().unwrap();
    let output = contract(&["--layer", "L6", "--root", empty.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(
        said.contains("L6 the spec against its last release: 1 FAILED: nothing passed"),
        "{said}"
    );
    assert!(said.ends_with("\n0 passed, 1 failed\n"), "{said}");
}

#[test]
fn absent_outside_tools_are_skipped_or_a_failure_with_the_command_that_installs_them() {
    let empty = tempfile::tempdir().unwrap();
    let run = |how: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_contract"))
            .args(["--layer", "L5", how])
            .env("CARGO_TARGET_DIR", empty.path())
            .output()
            .unwrap();
        (output.status.code(), said(&output))
    };
    let (code, text) = run("--outside");
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("SKIPPED") && text.contains(".ci/outside-tools"),
        "{text}"
    );
    let (code, text) = run("--outside=require");
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("tool-missing") && text.contains(".ci/outside-tools"),
        "{text}"
    );
}

#[test]
fn an_unknown_layer_is_a_matter_of_usage() {
    let output = contract(&["--layer", "L9"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there are L0, L1"));
}
