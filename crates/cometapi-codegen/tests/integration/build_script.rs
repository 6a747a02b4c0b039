//! The client's build script and `cargo xtask`, run by the real cargo on copies.
//!
//! The copies share one target folder, which stays from run to run: dependencies are built
//! once. Cargo knows a package by its path within its workspace, so there the copies are one
//! and the same package; hence one test at a time, and each copy is newer than the last.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::root;

const CLIENT: &str = "crates/cometapi-client";
const ACCOUNT: &str = "crates/cometapi-account";
const DESCRIPTION: &str = "description: One input field that was refused (observed).";
const CHANGED: &str = "description: One input field that was turned down (observed).";

/// A build outside this workspace must neither fail over a neighbour's spec nor start anew
/// each time.
#[test]
fn a_vendored_copy_beside_a_foreign_spec_builds_once_and_stays_fresh() {
    let copy = vendored();
    let foreign = copy.path().join("openapi.yaml");
    fs::write(&foreign, "openapi: 3.1.0\n").unwrap();

    ok(&cargo(copy.path(), &["check", "--package=cometapi-client"]));

    fs::write(&foreign, "openapi: 3.1.0 # changed\n").unwrap();
    let again = cargo(
        copy.path(),
        &[
            "check",
            "--package=cometapi-client",
            "--message-format=json",
        ],
    );
    ok(&again);
    let artifacts: Vec<_> = messages(&again)
        .filter(|message| message["reason"] == "compiler-artifact")
        .collect();
    let stale: Vec<_> = artifacts
        .iter()
        .filter(|artifact| artifact["fresh"] != true)
        .map(|artifact| &artifact["package_id"])
        .collect();
    assert!(stale.is_empty(), "built again: {stale:#?}");
    assert!(artifacts.iter().any(is_client));
}

#[test]
fn from_spec_gives_the_committed_bytes() {
    let copy = vendored();
    fs::write(copy.path().join("openapi.yaml"), "openapi: 3.1.0\n").unwrap();
    let generated = from_spec(copy.path());
    let committed = fs::read_to_string(root().join(CLIENT).join("src/generated.rs")).unwrap();
    assert!(
        generated == committed,
        "the build script and the committed code differ"
    );
}

#[test]
fn a_changed_spec_fails_the_build_until_it_is_generated_from() {
    let copy = workspace();
    let check = ["check", "--package=cometapi-client"];
    ok(&cargo(copy.path(), &check));

    let spec = copy.path().join("openapi.yaml");
    let text = fs::read_to_string(&spec).unwrap();
    fs::write(&spec, text.replacen(DESCRIPTION, CHANGED, 1)).unwrap();
    assert_ne!(fs::read_to_string(&spec).unwrap(), text);

    let build = cargo(copy.path(), &check);
    assert!(!build.status.success());
    assert!(
        stderr(&build).contains("run `cargo xtask generate`"),
        "{}",
        stderr(&build)
    );

    // The changed spec can be tried anyway.
    assert!(from_spec(copy.path()).contains("/// One input field that was turned down"));

    let stale = cargo(copy.path(), &["xtask", "generate", "--check"]);
    assert_eq!(stale.status.code(), Some(4), "{}", stderr(&stale));
    let shown = String::from_utf8_lossy(&stale.stdout);
    assert!(
        shown.contains("+    /// One input field that was turned down"),
        "{shown}"
    );
    assert!(
        shown.contains(" files are stale; run `cargo xtask generate`"),
        "{shown}"
    );

    ok(&cargo(copy.path(), &["xtask", "generate"]));
    ok(&cargo(copy.path(), &["xtask", "generate", "--check"]));
    ok(&cargo(copy.path(), &check));
}

/// Any generated file, not the spec alone, and none may be missing.
#[test]
fn a_file_that_is_not_what_the_spec_gives_fails_the_build_until_it_is_again() {
    let copy = workspace();
    let check = ["check", "--package=cometapi-client"];
    ok(&cargo(copy.path(), &check));
    for path in [
        "openapi.yaml",
        "crates/cometapi-client/openapi.yaml",
        "crates/cometapi-client/src/generated.rs",
        "crates/cometapi-client/schemas/prediction.schema.json",
        "crates/cometapi-mock/openapi.yaml",
    ] {
        let file = copy.path().join(path);
        let text = fs::read_to_string(&file).unwrap();
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        let fails = || {
            let build = cargo(copy.path(), &check);
            let stderr = stderr(&build);
            assert!(!build.status.success(), "{path}");
            assert!(
                stderr.contains(&format!("{path} is missing or has changed")),
                "{stderr}"
            );
        };
        fs::write(&file, format!("{text}\n")).unwrap();
        fails();
        fs::remove_file(&file).unwrap();
        fails();
        fs::write(&file, &text).unwrap();
        // As it was before, even with the time it had.
        File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(modified)
            .unwrap();
        ok(&cargo(copy.path(), &check));
    }
}

/// Each generated client has a build script of its own, because its package must build alone.
#[test]
fn all_generated_clients_have_the_same_build_script() {
    let script = |package: &str| fs::read_to_string(root().join(package).join("build.rs")).unwrap();
    for target in cometapi_codegen::TARGETS {
        assert!(
            script(target.client) == script(CLIENT),
            "{}/build.rs differs from that of {CLIENT}; copy it",
            target.client
        );
    }
}

#[test]
fn another_client_fails_to_build_over_its_own_files() {
    let copy = workspace();
    let check = ["check", "--package=cometapi-account"];
    ok(&cargo(copy.path(), &check));
    for path in [
        "crates/cometapi-account/openapi.yaml",
        "crates/cometapi-account/src/generated.rs",
        "crates/cometapi-mock/account.yaml",
    ] {
        let file = copy.path().join(path);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}\n")).unwrap();
        let stderr = stderr(&cargo(copy.path(), &check));
        let expected = format!("{path} is missing or has changed");
        assert!(stderr.contains(&expected), "{stderr}");
        fs::write(&file, &text).unwrap();
    }
    ok(&cargo(copy.path(), &check));
}

/// The target folder is not the workspace's here, so the copy that is verified lies elsewhere.
#[test]
fn a_drifted_tree_is_not_packaged() {
    let copy = workspace();
    let package = [
        "package",
        "--allow-dirty",
        "--package=cometapi-codegen",
        "--package=cometapi-client",
    ];
    let spec = copy.path().join("openapi.yaml");
    let text = fs::read_to_string(&spec).unwrap();
    fs::write(&spec, text.replacen(DESCRIPTION, CHANGED, 1)).unwrap();
    let build = cargo(copy.path(), &package);
    assert!(!build.status.success());
    let stderr = stderr(&build);
    assert!(
        stderr.contains("openapi.yaml is missing or has changed"),
        "{stderr}"
    );

    fs::write(&spec, text).unwrap();
    ok(&cargo(copy.path(), &package));
}

/// An unknown model, from its publisher's schema to a caller's program.
#[test]
fn a_published_schema_imports_generates_compiles_and_checks() {
    let copy = workspace();
    let data = root().join("crates/cometapi-codegen/tests/data");
    let published = data.join("published/studio.json");
    let published = published.to_str().unwrap();
    ok(&cargo(
        copy.path(),
        &["xtask", "import-model", published, "--write"],
    ));
    ok(&cargo(copy.path(), &["xtask", "generate"]));

    copy_file(
        &data.join("road"),
        &copy.path().join("crates/road/src"),
        "main.rs",
    );
    let manifest = r#"
        [package]
        name = "road"
        edition = "2024"

        [dependencies]
        cometapi = { workspace = true, features = ["models"] }
        serde_json.workspace = true
    "#;
    fs::write(copy.path().join("crates/road/Cargo.toml"), manifest).unwrap();
    let run = cargo(copy.path(), &["run", "--package=road"]);
    ok(&run);
    assert_eq!(run.stdout, b"all as it should be\n");
}

const TARGET: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/build-script");

/// A folder of its own, and the target folder for as long as it lives.
struct Copy {
    folder: TempDir,
    // Released when closed. Tests may be threads, or processes.
    _alone: File,
}

impl Copy {
    fn new() -> Self {
        fs::create_dir_all(TARGET).unwrap();
        let alone = File::create(Path::new(TARGET).join("alone")).unwrap();
        alone.lock().unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            _alone: alone,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The client as somebody else's repository might hold it: at the same place below a root
/// that is not ours.
fn vendored() -> Copy {
    let copy = Copy::new();
    copy_folder(&root().join(CLIENT), &copy.path().join(CLIENT));
    let codegen = root().join("crates/cometapi-codegen");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest = manifest
        .replace(
            r#"members = ["crates/*", "xtask"]"#,
            r#"members = ["crates/cometapi-client"]"#,
        )
        .replace(
            r#"path = "crates/cometapi-codegen""#,
            &format!("path = {:?}", codegen.to_str().unwrap()),
        );
    assert!(manifest.contains(r#"members = ["crates/cometapi-client"]"#));
    fs::write(copy.path().join("Cargo.toml"), manifest).unwrap();
    copy_file(&root(), copy.path(), "Cargo.lock");
    copy
}

/// This workspace, as far as generating needs it.
fn workspace() -> Copy {
    let copy = Copy::new();
    for file in [
        ".cargo/config.toml",
        "Cargo.lock",
        "Cargo.toml",
        "openapi.yaml",
    ] {
        copy_file(&root(), copy.path(), file);
    }
    for folder in [
        ACCOUNT,
        CLIENT,
        "crates/cometapi",
        "crates/cometapi-codegen",
        "crates/cometapi-mock",
        "crates/cometapi-models",
        "xtask",
    ] {
        copy_folder(&root().join(folder), &copy.path().join(folder));
    }
    copy
}

/// Builds with `from-spec` and gives what the build script made.
fn from_spec(folder: &Path) -> String {
    let build = cargo(
        folder,
        &[
            "check",
            "--package=cometapi-client",
            "--features=from-spec",
            "--message-format=json",
        ],
    );
    ok(&build);
    let ran = messages(&build)
        .find(|message| message["reason"] == "build-script-executed" && is_client(message))
        .unwrap();
    let out = PathBuf::from(ran["out_dir"].as_str().unwrap());
    fs::read_to_string(out.join("generated.rs")).unwrap()
}

fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .args(["--offline"])
        .args(arguments)
        .current_dir(folder)
        // As a shell sets it.
        .env("PWD", folder)
        .env("CARGO_TARGET_DIR", TARGET)
        // Neither is of use to a copy that is gone at the end.
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .output()
        .unwrap()
}

fn ok(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn messages(output: &Output) -> impl Iterator<Item = Value> {
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
}

fn is_client(message: &Value) -> bool {
    let package = message["package_id"].as_str().unwrap();
    package.contains("/cometapi-client#")
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn copy_file(from: &Path, to: &Path, file: &str) {
    let to = to.join(file);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from.join(file), to).unwrap();
}
