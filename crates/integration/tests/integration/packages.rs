//! Every crate that can be published is a package that stands alone: a README, the licences, and
//! what a registry shows of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The crates of the workspace, as Cargo lists them.
pub(crate) fn packages() -> Vec<Value> {
    let arguments = ["metadata", "--no-deps", "--format-version=1"];
    let metadata: Value = serde_json::from_str(&cargo(&arguments)).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .arg("--offline")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const PRIVATE: [&str; 6] = [
    "bench",
    "contract",
    "contract-spec",
    "integration",
    "postgres-server",
    "xtask",
];

fn is_private(package: &Value) -> bool {
    package["publish"].as_array().is_some_and(Vec::is_empty)
}

fn published() -> Vec<Value> {
    let mut packages = packages();
    packages.retain(|it| !is_private(it));
    packages
}

fn folder(package: &Value) -> &Path {
    Path::new(text(&package["manifest_path"])).parent().unwrap()
}

#[test]
fn the_crates_for_this_workspace_alone_are_private() {
    let packages = packages();
    let private = packages.iter().filter(|it| is_private(it));
    let mut private: Vec<_> = private.map(|it| text(&it["name"])).collect();
    private.sort_unstable();
    assert_eq!(private, PRIVATE);
}

#[test]
fn a_registry_can_show_what_each_package_is() {
    for package in published() {
        let name = text(&package["name"]);
        for key in ["description", "license", "rust_version"] {
            assert!(package[key].is_string(), "{name} has no {key}");
        }
        let documentation = format!("https://docs.rs/{name}");
        assert_eq!(package["documentation"], *documentation, "{name}");
        for (key, most) in [("keywords", 5), ("categories", 5)] {
            let count = package[key].as_array().unwrap().len();
            assert!((1..=most).contains(&count), "{name} has {count} {key}");
        }
        // A registry refuses longer ones.
        for keyword in package["keywords"].as_array().unwrap() {
            assert!(text(keyword).len() <= 20, "{name}: {keyword}");
        }
    }
}

#[test]
fn each_package_has_the_licences_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for package in published() {
        for file in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let copy = folder(&package).join(file);
            let [copied, original] = [&copy, &root.join(file)].map(|path| fs::read(path).ok());
            assert!(
                copied.is_some() && copied == original,
                "{} must be a copy of the workspace's {file}",
                copy.display()
            );
        }
    }
}

/// Its programs are compiled by the documentation tests of the package itself.
#[test]
fn each_readme_shows_how_to_depend_on_the_package_and_how_to_use_it() {
    for package in published() {
        let name = text(&package["name"]);
        assert_eq!(package["readme"], "README.md", "{name}");
        let readme = fs::read_to_string(folder(&package).join("README.md")).unwrap();
        assert!(readme.starts_with(&format!("# {name}\n")), "{name}");
        assert!(
            readme.contains("\n## Licence\n\nMIT or Apache-2.0"),
            "{name}"
        );
        let targets = package["targets"].as_array().unwrap();
        let is_library = targets.iter().any(|it| it["kind"][0] == "lib");
        if !is_library {
            assert!(readme.contains("\ncargo install "), "{name}");
            continue;
        }
        let dependency = format!("\n{name} = {{ path = \"../cometapi/crates/{name}\"");
        assert!(readme.contains(&dependency), "{name}");
        let programs: Vec<_> = readme.split("```rust").skip(1).collect();
        assert!(!programs.is_empty(), "{name} has no program");
        for program in programs {
            let (program, _) = program.split_once("```\n").unwrap();
            assert!(program.contains("fn main()"), "{name}");
            // Rustdoc would hide it, and every other reader see it.
            let hidden = program.lines().find(|line| line.starts_with("# "));
            assert_eq!(hidden, None, "{name}");
        }
        let source = fs::read_to_string(folder(&package).join("src/lib.rs")).unwrap();
        let is_tested = source.contains("#[doc = include_str!(\"../README.md\")]");
        assert!(is_tested, "{name} does not compile its README");
    }
}

#[test]
fn a_package_holds_what_its_users_need_and_no_more() {
    for package in published() {
        let name = text(&package["name"]);
        let listed = cargo(&["package", "--list", "--allow-dirty", "--package", name]);
        let files: Vec<_> = listed.lines().map(|it| it.replace('\\', "/")).collect();
        let always = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
        for file in always {
            assert!(files.iter().any(|it| it == file), "{name} lacks {file}");
        }
        let by_cargo = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml.orig"];
        let generated = ["account.yaml", "build.rs", "generated.sums", "openapi.yaml"];
        let more = files.iter().filter(|file| {
            let is_known = |names: &[&str]| names.contains(&file.as_str());
            let folders = ["src/", "docs/", "examples/", "schemas/", "templates/"];
            let is_source = folders.iter().any(|folder| file.starts_with(folder));
            !(is_source || is_known(&always) || is_known(&by_cargo) || is_known(&generated))
        });
        assert_eq!(more.collect::<Vec<_>>(), [""; 0], "{name}");
    }
}
