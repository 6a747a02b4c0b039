//! Keeps a spec and the files that are generated from it together. The packages of all generated
//! clients have this file, word for word.
//!
//! By default this only compares: the content of each file with its sum in `generated.sums`,
//! in the workspace of this project all files, elsewhere those of this package. With the feature
//! `from-spec` it generates the code instead, from the spec as it is.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

/// Where this package lies in the workspace.
const HERE: &str = concat!("crates/", env!("CARGO_PKG_NAME"));

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
    make(&here, workspace(&here).as_deref())
}

/// A file that is watched and not there makes cargo run this script on every build.
fn watch(file: &Path) {
    println!("cargo::rerun-if-changed={}", file.display());
}

/// The workspace that this package comes from, if it lies in it or is being verified by `cargo
/// package` there. A vendored copy may well lie two folders below somebody else's `openapi.yaml`.
fn workspace(here: &Path) -> Option<PathBuf> {
    let here = here.canonicalize().ok()?;
    let within = here
        .ancestors()
        .find(|root| is_ours(root) && here.starts_with(root.join(HERE)));
    if let Some(root) = within {
        return Some(root.to_path_buf());
    }
    // A copy that is verified lies in the target folder, which may be anywhere, while cargo runs in
    // the workspace.
    let is_verified = here
        .parent()
        .is_some_and(|folder| folder.ends_with("package"));
    let started = env::var_os("PWD").map(PathBuf::from);
    let folders = started.iter().flat_map(|folder| folder.ancestors());
    let mut folders = folders.chain(here.ancestors());
    let root = folders.find(|root| is_verified && is_ours(root));
    root.map(Path::to_path_buf)
}

fn is_ours(root: &Path) -> bool {
    let files = ["crates/cometapi-codegen/Cargo.toml", "xtask/Cargo.toml"];
    files.iter().all(|path| root.join(path).is_file())
}

#[cfg(not(feature = "from-spec"))]
fn make(here: &Path, workspace: Option<&Path>) -> Result<(), String> {
    let sums = here.join("generated.sums");
    watch(&sums);
    let sums = fs::read_to_string(&sums).map_err(|error| failed("read", &sums, &error))?;
    for line in sums.lines() {
        let (sum, path) = line
            .split_once(' ')
            .ok_or("generated.sums has another form")?;
        // What is in this package is compared here: `cargo package` verifies a copy of it.
        let own = path
            .strip_prefix(HERE)
            .and_then(|path| path.strip_prefix('/'));
        let file = match (own, workspace) {
            (Some(own), _) => here.join(own),
            (None, Some(root)) => root.join(path),
            (None, None) => continue,
        };
        watch(&file);
        let is_same = fs::read(&file).is_ok_and(|bytes| format!("{:016x}", fnv1a(&bytes)) == sum);
        if !is_same {
            return Err(format!(
                "{path} is missing or has changed since the client was generated; run `cargo xtask \
                 generate`"
            ));
        }
    }
    Ok(())
}

/// The 64-bit FNV-1a hash of a file without carriage returns, as the generator computes it.
#[cfg(not(feature = "from-spec"))]
fn fnv1a(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().filter(|byte| **byte != b'\r');
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// In the workspace its spec is taken, so that a change can be tried before it is committed.
#[cfg(feature = "from-spec")]
fn make(here: &Path, workspace: Option<&Path>) -> Result<(), String> {
    let target = cometapi_codegen::Target::of_package(env!("CARGO_PKG_NAME")).ok_or(
        "nothing is generated for this package; add it to the targets of cometapi-codegen",
    )?;
    let spec = match workspace {
        Some(root) => root.join(target.spec),
        None => here.join("openapi.yaml"),
    };
    watch(&spec);
    let text = fs::read_to_string(&spec).map_err(|error| failed("read", &spec, &error))?;
    let generated = target.generate(&text).map_err(|error| error.to_string())?;
    let out = env::var_os("OUT_DIR").ok_or("run this through cargo")?;
    let file = Path::new(&out).join("generated.rs");
    fs::write(&file, generated.code).map_err(|error| failed("write", &file, &error))
}

fn failed(verb: &str, file: &Path, error: &std::io::Error) -> String {
    format!("failed to {verb} {}: {error}", file.display())
}
