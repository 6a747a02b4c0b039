//! Holds the structure of the source files: no import cycle, and no import of a layer above.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The layers from the bottom up. A file imports from its own folder and from the layers below;
/// `calls` and `files` are one layer and do not import each other.
const LAYERS: [&[&str]; 3] = [&["core"], &["calls", "files"], &[""]];

/// The modules of a crate, each with the modules that it imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// Reads the source files of a crate, by module. Tests are left out; generated files are empty.
fn read(source: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let is_test = ["tests", "testing", "generated_bodies", "structure"].contains(&name);
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") && !is_test {
                let module = path.strip_prefix(source).unwrap().with_extension("");
                let module = module.to_str().unwrap().replace(['/', '\\'], "::");
                let module = module.strip_suffix("mod").unwrap_or(&module);
                let module = module.trim_end_matches("::");
                let module = if module == "lib" { "" } else { module };
                let is_generated = name == "generated";
                let text = std::fs::read_to_string(&path).unwrap();
                let text = if is_generated { String::new() } else { text };
                files.insert(module.to_owned(), text);
            }
        }
    }
    files
}

fn imports(files: &BTreeMap<String, String>) -> Imports {
    let of = |(module, text): (&String, &String)| {
        let targets = paths(module, text).into_iter().filter_map(|path| {
            // The longest prefix that is a module; the rest is an item of it.
            let prefixes = path.match_indices("::").map(|(at, _)| &path[..at]);
            let mut candidates: Vec<_> = prefixes.chain([path.as_str(), ""]).collect();
            candidates.sort_unstable_by_key(|path| std::cmp::Reverse(path.len()));
            let target = candidates.into_iter().find(|it| files.contains_key(*it));
            target.filter(|it| it != module).map(str::to_owned)
        });
        (module.clone(), targets.collect())
    };
    files.iter().map(of).collect()
}

/// Returns every path in `text` that begins with `crate`, `self` or `super`, from the crate's root
/// and without the `crate::`. Comments and tests are left out.
fn paths(module: &str, text: &str) -> Vec<String> {
    let code: Vec<_> = text
        .lines()
        .take_while(|line| !(line.starts_with("mod tests {") || line.ends_with(" mod tests {")))
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let mut found = Vec::new();
    for (word, base) in [("crate::", ""), ("self::", module), ("super::", parent)] {
        for (at, _) in code.match_indices(word) {
            let before = &code[..at];
            let is_inside = before.ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
            let is_visibility = before.ends_with("pub(in ");
            if !is_inside && !is_visibility {
                expand(
                    &mut code[at + word.len()..].chars().peekable(),
                    base,
                    &mut found,
                );
            }
        }
    }
    found
}

/// Reads a path, or the paths in braces at its end.
fn expand(
    code: &mut std::iter::Peekable<std::str::Chars<'_>>,
    prefix: &str,
    found: &mut Vec<String>,
) {
    let mut path = prefix.to_owned();
    loop {
        while code.next_if(|c| c.is_whitespace()).is_some() {}
        if code.next_if_eq(&'{').is_some() {
            loop {
                expand(code, &path, found);
                while code.next_if(|c| *c != ',' && *c != '}').is_some() {}
                if code.next() != Some(',') {
                    return;
                }
            }
        }
        let mut name = String::new();
        while let Some(c) = code.next_if(|c| c.is_alphanumeric() || *c == '_') {
            name.push(c);
        }
        if !path.is_empty() && !name.is_empty() && name != "self" {
            path.push_str("::");
        }
        if name != "self" {
            path.push_str(&name);
        }
        if code.next_if_eq(&':').is_none() || code.next_if_eq(&':').is_none() {
            found.push(path);
            return;
        }
    }
}

/// Returns the modules of a cycle, if there is one.
fn cycle(imports: &Imports) -> Option<Vec<String>> {
    fn visit(
        module: &str,
        imports: &Imports,
        open: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> bool {
        if let Some(at) = open.iter().position(|it| it == module) {
            open.drain(..at);
            return true;
        }
        if !done.insert(module.to_owned()) {
            return false;
        }
        open.push(module.to_owned());
        let targets = imports.get(module).into_iter().flatten();
        for target in targets {
            if visit(target, imports, open, done) {
                return true;
            }
        }
        open.pop();
        false
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|module| {
        let mut open = Vec::new();
        visit(module, imports, &mut open, &mut done).then_some(open)
    })
}

fn layer(module: &str) -> usize {
    let front = LAYERS.len() - 1;
    let folder = module.split("::").next().unwrap_or(module);
    let layer = LAYERS.iter().position(|it| it.contains(&folder));
    layer.unwrap_or(front)
}

fn upward(imports: &Imports) -> Vec<(&str, &str)> {
    let folder = |module: &'_ str| module.split("::").next().map(str::to_owned);
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
fn no_file_imports_itself_through_others_or_a_layer_above() {
    let files = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let imports = imports(&files);
    assert!(imports["calls::create"].contains("core::response"));
    assert_eq!(cycle(&imports), None);
    assert_eq!(upward(&imports), []);
}

#[test]
fn its_neighbours_have_no_import_cycle() {
    for name in ["cometapi-client", "cometapi-codegen", "cometapi-models"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../{name}/src"));
        // A packaged crate is alone.
        if source.exists() {
            assert_eq!(cycle(&imports(&read(&source))), None, "{name}");
        }
    }
}

#[test]
fn cycles_and_upward_imports_are_found() {
    let crate_of = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(module, text)| {
            let (module, text) = (module.to_string(), text.to_string());
            (module, text)
        });
        imports(&files.collect())
    };
    let sound = crate_of(&[
        ("", "pub use crate::client::Client;"),
        ("client", "use crate::calls::{create::Create, wait};"),
        (
            "calls::create",
            "// crate::client\nuse crate::core::{self, error::Error};",
        ),
        ("calls::wait", "use super::create::{Create};"),
        ("core", ""),
        ("core::error", "mod tests {\nuse crate::client::Client;\n}"),
    ]);
    assert_eq!(cycle(&sound), None);
    assert_eq!(upward(&sound), []);
    let targets: Vec<_> = sound["calls::create"].iter().collect();
    assert_eq!(targets, ["core", "core::error"]);
    assert!(sound["client"].contains("calls::wait"));
    assert!(sound["calls::wait"].contains("calls::create"));

    let circular = crate_of(&[
        ("core::error", "use crate::core::outcome;"),
        ("core::outcome", "fn f() { crate::core::prediction::of() }"),
        ("core::prediction", "use super::{error::{Error, Other}};"),
    ]);
    assert_eq!(cycle(&circular).unwrap().len(), 3);

    for (from, import) in [
        ("core::error", "use crate::files::output::Output;"),
        ("calls::wait", "use crate::files::output::Output;"),
        ("core::error", "use crate::Client;"),
    ] {
        let crossing = crate_of(&[("", ""), (from, import), ("files::output", "")]);
        assert_eq!(cycle(&crossing), None);
        assert_eq!(upward(&crossing).len(), 1, "{from} {import}");
    }
}
