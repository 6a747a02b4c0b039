//! Keeps the committed code and `openapi.yaml` together.
//!
//! By default this only compares, and only inside the workspace that the crate comes from:
//! the spec there and the copy that `src/generated.rs` was made from must be the same bytes.
//! With the feature `from-spec` it makes the code anew instead, of the spec as it stands.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Cargo reads one line at a time.
            for line in message.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or("run this through cargo")?;
    let here = PathBuf::from(here);
    watch(Path::new("build.rs"));
    let shipped = here.join("openapi.yaml");
    if shipped.exists() {
        watch(Path::new("openapi.yaml"));
    }
    let source = workspace(&here).map(|root| root.join("openapi.yaml"));
    if let Some(source) = &source {
        watch(source);
    }
    make(&shipped, source.as_deref())
}

/// A file that is watched and not there makes cargo run this script on every build.
fn watch(file: &Path) {
    println!("cargo::rerun-if-changed={}", file.display());
}

/// The workspace that this crate comes from, if it lies in it: a vendored copy may well lie
/// two folders below somebody else's `openapi.yaml`.
fn workspace(here: &Path) -> Option<PathBuf> {
    let here = here.canonicalize().ok()?;
    let root = here.parent()?.parent()?;
    let ours = [
        "openapi.yaml",
        "crates/cometapi-codegen/Cargo.toml",
        "xtask/Cargo.toml",
    ];
    let is_ours = ours.iter().all(|path| root.join(path).is_file());
    let back = root.join("crates/cometapi-client").canonicalize().ok()?;
    (is_ours && back == here).then(|| root.to_path_buf())
}

#[cfg(not(feature = "from-spec"))]
fn make(shipped: &Path, source: Option<&Path>) -> Result<(), String> {
    let Some(source) = source else {
        return Ok(());
    };
    let wanted = fs::read(source).map_err(|error| failed("read", source, &error))?;
    // A copy that cannot be read is replaced like one that differs.
    if fs::read(shipped).is_ok_and(|copy| copy == wanted) {
        return Ok(());
    }
    Err(
        "openapi.yaml has changed since the client was generated from it; run `cargo xtask generate`"
            .to_owned(),
    )
}

/// In the workspace its spec is taken, so that a change can be tried before it is committed.
#[cfg(feature = "from-spec")]
fn make(shipped: &Path, source: Option<&Path>) -> Result<(), String> {
    let spec = source.unwrap_or(shipped);
    let text = fs::read_to_string(spec).map_err(|error| failed("read", spec, &error))?;
    let generated = cometapi_codegen::generate(&text).map_err(|error| error.to_string())?;
    let out = env::var_os("OUT_DIR").ok_or("run this through cargo")?;
    let file = Path::new(&out).join("generated.rs");
    fs::write(&file, generated.code).map_err(|error| failed("write", &file, &error))
}

fn failed(verb: &str, file: &Path, error: &std::io::Error) -> String {
    format!("failed to {verb} {}: {error}", file.display())
}
