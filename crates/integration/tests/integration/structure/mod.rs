//! Holds the structure of the workspace: no circle of imports in any crate, the layers of
//! `cometapi`, and the dependencies between crates.

mod imports;

use std::path::Path;

use serde_json::Value;

use self::imports::{Imports, Source, circles};
use crate::packages::{packages, text};

/// The layers of `cometapi` from the bottom up. A file imports from its own folder and from the
/// layers below; `calls` and `files` are one layer and do not import each other.
const LAYERS: [&[&str]; 3] = [&["core"], &["calls", "files"], &[""]];

/// Each crate with those that it may depend on, which are above it, and those that its tests may
/// use as well.
const CRATES: &[(&str, &[&str], &[&str])] = &[
    ("cometapi-codegen", &[], &[]),
    // Its build script.
    ("cometapi-client", &["cometapi-codegen"], &[]),
    ("cometapi-models", &[], &[]),
    (
        "cometapi",
        &["cometapi-client", "cometapi-models"],
        &["cometapi-mock"],
    ),
    // A witness: none of the clients, except in examples of how to test with it.
    ("cometapi-mock", &[], &["cometapi"]),
    (
        "cometapi-account",
        // Codegen is of its build script.
        &["cometapi", "cometapi-client", "cometapi-codegen"],
        &["cometapi-mock"],
    ),
    (
        "cometapi-batch",
        &["cometapi", "cometapi-account"],
        &["cometapi-mock"],
    ),
    ("postgres-server", &[], &[]),
    (
        "cometapi-postgres",
        &["cometapi", "cometapi-batch"],
        &["cometapi-mock", "postgres-server"],
    ),
    (
        "paperboat",
        &[
            "cometapi",
            "cometapi-account",
            "cometapi-batch",
            "cometapi-mock",
            "cometapi-postgres",
        ],
        &["postgres-server"],
    ),
    // It judges a spec while the client does not compile.
    ("contract-spec", &["cometapi-codegen"], &[]),
    (
        "contract",
        &[
            "cometapi",
            "cometapi-account",
            "cometapi-client",
            "cometapi-codegen",
            "cometapi-mock",
            "cometapi-models",
            "contract-spec",
        ],
        &[],
    ),
    (
        "integration",
        &[
            "cometapi",
            "cometapi-account",
            "cometapi-batch",
            "cometapi-mock",
            "cometapi-postgres",
            "postgres-server",
        ],
        &[],
    ),
    (
        "bench",
        &[
            "cometapi",
            "cometapi-batch",
            "cometapi-client",
            "cometapi-mock",
        ],
        &["cometapi-postgres", "postgres-server"],
    ),
    // It fixes a client that refuses to build, so it must build without one.
    ("xtask", &["cometapi-codegen"], &[]),
];

/// The imports in each library, program, build script and test of a crate.
fn imports_of(package: &Value) -> Vec<Imports> {
    let targets = package["targets"].as_array().unwrap().iter();
    let roots = targets.map(|target| text(&target["src_path"]));
    roots
        .map(|root| Source::read(Path::new(root)).imports())
        .collect()
}

#[test]
fn no_file_imports_itself_through_others() {
    let mut found = Vec::new();
    for package in packages() {
        let name = text(&package["name"]);
        let all = imports_of(&package);
        let circles: Vec<_> = all.iter().flat_map(circles).collect();
        found.extend(
            circles
                .iter()
                .map(|it| format!("{name}: {}", it.join(" → "))),
        );
    }
    assert_eq!(found, [""; 0]);
}

fn layer(module: &str) -> usize {
    let front = LAYERS.len() - 1;
    let folder = module.split("::").next().unwrap_or(module);
    let layer = LAYERS.iter().position(|it| it.contains(&folder));
    layer.unwrap_or(front)
}

/// The imports from a layer above, or from the other folder of the same layer.
fn upward(imports: &Imports) -> Vec<(&str, &str)> {
    let folder = |module: &str| module.split("::").next().map(str::to_owned);
    let edges = imports
        .iter()
        .flat_map(|(from, to)| to.iter().map(|to| (from.as_str(), to.as_str())));
    edges
        .filter(|(from, to)| {
            let front = LAYERS.len() - 1;
            let is_sideways = layer(from) == layer(to) && folder(from) != folder(to);
            layer(to) > layer(from) || (is_sideways && layer(from) != front)
        })
        .collect()
}

#[test]
fn cometapi_imports_from_its_own_layer_and_those_below() {
    let packages = packages();
    let package = packages.iter().find(|it| it["name"] == "cometapi").unwrap();
    let imports = &imports_of(package)[0];
    assert!(imports["calls::create"].contains("core::response"));
    assert_eq!(upward(imports), []);
}

#[test]
fn an_upward_import_is_found() {
    let files = [
        ("calls/mod.rs", "pub(crate) mod wait;"),
        (
            "client.rs",
            "use crate::calls::wait::Wait; pub struct Client;",
        ),
        (
            "core/mod.rs",
            "pub(crate) mod error; pub(crate) mod outcome;",
        ),
        ("core/outcome.rs", "use super::error::Error;"),
        ("files/mod.rs", "pub(crate) mod output;"),
        ("files/output.rs", "use crate::core::error::Error;"),
    ];
    let root = "mod calls; mod client; mod core; mod files; pub use client::Client;";
    for (file, import, is_upward) in [
        ("core/error.rs", "use crate::files::output::Output;", true),
        ("calls/wait.rs", "use crate::files::output::Output;", true),
        ("core/error.rs", "use crate::Client;", true),
        ("calls/wait.rs", "use crate::core::error::Error;", false),
    ] {
        let empty = ["core/error.rs", "calls/wait.rs", "media.rs"];
        let empty = empty
            .into_iter()
            .filter(|it| *it != file)
            .map(|it| (it, ""));
        let all: Vec<_> = [("lib.rs", root), (file, import)]
            .into_iter()
            .chain(files)
            .chain(empty)
            .collect();
        let imports = Source::of(&all).imports();
        assert_eq!(
            upward(&imports).len(),
            usize::from(is_upward),
            "{file} {import}"
        );
    }
}

/// The dependencies of a package on crates of the workspace that `CRATES` does not allow it.
fn forbidden(package: &Value) -> Vec<String> {
    let name = text(&package["name"]);
    let Some((_, allowed, in_tests)) = CRATES.iter().find(|(crate_name, ..)| *crate_name == name)
    else {
        return vec![format!("{name} is not in CRATES: add it")];
    };
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    dependencies
        .filter(|it| it["path"].is_string())
        .filter(|it| {
            let on = text(&it["name"]);
            let is_for_tests = it["kind"] == "dev" && in_tests.contains(&on);
            !allowed.contains(&on) && !is_for_tests
        })
        .map(|it| format!("{name} depends on {}", text(&it["name"])))
        .collect()
}

#[test]
fn dependencies_between_crates_point_down() {
    for (at, (name, allowed, _)) in CRATES.iter().enumerate() {
        let above: Vec<_> = CRATES[..at].iter().map(|(name, ..)| name).collect();
        for dependency in *allowed {
            assert!(above.contains(&dependency), "{name}: {dependency}");
        }
    }
    let architecture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md");
    let architecture = std::fs::read_to_string(architecture).unwrap();
    for package in packages() {
        assert_eq!(forbidden(&package), [""; 0]);
        let name = text(&package["name"]);
        let is_listed = |line: &str| {
            let part = line.split_whitespace().next().unwrap_or_default();
            part.strip_prefix("crates/").unwrap_or(part) == name
                || line
                    .trim_start_matches(['│', ' '])
                    .starts_with(&format!("crates/{name} "))
        };
        let is_listed = architecture.lines().any(is_listed);
        assert!(is_listed, "{name} is missing in ARCHITECTURE.md's list");
    }
}

#[test]
fn a_forbidden_dependency_is_found() {
    let package = |name: &str, on: &str, kind: Value| {
        let dependency = serde_json::json!({"name": on, "kind": kind, "path": "crates/x"});
        serde_json::json!({"name": name, "dependencies": [dependency]})
    };
    let dev = || Value::from("dev");
    for (name, on, kind, is_forbidden) in [
        ("cometapi-mock", "cometapi-client", Value::Null, true),
        ("cometapi-mock", "cometapi", Value::Null, true),
        ("cometapi-mock", "cometapi", dev(), false),
        ("cometapi-mock", "cometapi-client", dev(), true),
        ("xtask", "cometapi-client", Value::Null, true),
        ("cometapi-batch", "cometapi-mock", Value::Null, true),
        ("cometapi-batch", "cometapi-mock", dev(), false),
        ("cometapi-client", "cometapi-codegen", "build".into(), false),
        ("cometapi-new", "cometapi", Value::Null, true),
    ] {
        let found = forbidden(&package(name, on, kind));
        assert_eq!(found.len(), usize::from(is_forbidden), "{name} {on}");
    }
}
