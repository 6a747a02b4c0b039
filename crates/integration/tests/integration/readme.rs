//! README's section on the library, followed to the letter: its dependencies and its programs, as
//! they are shown, in a crate outside the workspace.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The longest that a page is which people read to its end.
const LINES: usize = 120;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The fenced blocks of `language`, as they are rendered.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks
        .map(|block| block.split_once("```\n").unwrap().0)
        .collect()
}

#[test]
fn it_is_short() {
    let lines = readme().lines().count();
    assert!(
        lines <= LINES,
        "README.md has {lines} lines, at most {LINES} are wanted: move what only some readers \
         need to the crates' documentation"
    );
}

/// The programs are compiled as they are shown, so that a line that rustdoc would hide is an error.
#[test]
fn its_programs_compile_with_its_dependencies_outside_the_workspace() {
    let readme = readme();
    let dependencies = blocks(&readme, "toml");
    let [dependencies] = dependencies[..] else {
        panic!("README.md must have one block of dependencies, and it has {dependencies:?}");
    };
    let programs = blocks(&readme, "rust");
    assert!(!programs.is_empty(), "README.md has no program");

    let folder = tempfile::tempdir().unwrap();
    // As `cargo new` does it, beside the clone.
    let clone = format!("\"{}/", root().canonicalize().unwrap().display());
    let manifest = format!(
        "[package]\nname = \"boats\"\nedition = \"2024\"\n\n[dependencies]\n{}",
        dependencies.replace("\"../cometapi/", &clone)
    );
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    // Cargo leaves out what is not needed; without it, it would look for newer versions.
    fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    let bins = folder.path().join("src/bin");
    fs::create_dir_all(&bins).unwrap();
    for (number, program) in programs.iter().enumerate() {
        fs::write(bins.join(format!("program{number}.rs")), program).unwrap();
    }
    let check = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--quiet"])
        .current_dir(folder.path())
        .env(
            "CARGO_TARGET_DIR",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/readme"),
        )
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        // A warning is what a newcomer sees, too.
        .env("RUSTFLAGS", "-D warnings")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.success(), "{stderr}");
}
