//! Every flag of every visible command is used by a test that runs the command.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A function or a constant of the tests.
struct Item {
    name: String,
    is_test: bool,
    text: String,
}

/// The files of the tests, but those that show help or run everything for another reason.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found.retain(|path| !path.ends_with("help.rs") && !path.ends_with("every_command.rs"));
    found
}

/// The name of the item that begins in this line.
fn beginning(line: &str) -> Option<&str> {
    let mut words = line
        .split_whitespace()
        .filter(|word| !["pub(crate)", "pub(super)", "async"].contains(word));
    let kind = words.next()?;
    let name = words.next()?;
    let is_item = ["fn", "const", "static"].contains(&kind);
    is_item.then(|| name.split(['(', '<', ':']).next().unwrap_or_default())
}

fn items(text: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut is_test = false;
    for line in text.lines() {
        if let Some(name) = beginning(line) {
            let name = name.to_owned();
            items.push(Item {
                name,
                is_test,
                text: String::new(),
            });
            is_test = false;
        }
        if line.trim_start().starts_with("#[") {
            is_test |= line.contains("test]");
        }
        if let Some(item) = items.last_mut() {
            item.text.push_str(line);
            item.text.push('\n');
        }
    }
    items
}

/// The words in the strings of Rust code.
fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split('"')
        .skip(1)
        .step_by(2)
        .flat_map(str::split_whitespace)
}

/// The words of an item and of what it uses of these.
fn reached<'i>(item: &'i Item, near: &[&'i Item]) -> BTreeSet<&'i str> {
    let mut seen = BTreeSet::from([item.name.as_str()]);
    let mut left = vec![item];
    let mut all = BTreeSet::new();
    while let Some(item) = left.pop() {
        all.extend(words(&item.text));
        for other in near.iter().copied().filter(|it| !it.is_test) {
            let is_used = item.text.match_indices(&other.name).any(|(at, name)| {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let after = item.text[at + name.len()..].chars().next();
                let before = item.text[..at].chars().next_back();
                !before.is_some_and(is_part) && !after.is_some_and(is_part)
            });
            if is_used && seen.insert(&other.name) {
                left.push(other);
            }
        }
    }
    all
}

#[test]
fn every_flag_is_used_by_a_test_of_its_command() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let files: BTreeMap<_, _> = files(&folder)
        .into_iter()
        .map(|path| {
            let items = items(&fs::read_to_string(&path).unwrap());
            (path, items)
        })
        .collect();
    let mut tests = Vec::new();
    for (path, items) in &files {
        let module = path.with_file_name("mod.rs");
        let beside = [module, folder.join("main.rs")];
        let beside = beside.iter().filter(|file| *file != path);
        let beside = beside.filter_map(|file| files.get(file)).flatten();
        let near: Vec<_> = items.iter().chain(beside).collect();
        let of_file = items.iter().filter(|item| item.is_test);
        tests.extend(of_file.map(|item| reached(item, &near)));
    }
    assert!(tests.len() > 200, "{}", tests.len());
    let root = Cli::command();
    let flags = |command: &Command| {
        let all = command.get_arguments().filter(|arg| !arg.is_hide_set());
        let flags = all.filter(|arg| arg.get_long().is_some());
        flags.cloned().collect::<Vec<_>>()
    };
    // Those of the program are the same for every command.
    let everywhere = flags(&root)
        .into_iter()
        .filter(|arg| !tests.iter().any(|it| uses(it, arg)));
    let mut unused: Vec<_> = everywhere.map(|arg| arg.get_id().to_string()).collect();
    for command in root.get_subcommands().filter(|it| !it.is_hide_set()) {
        let name = command.get_name();
        let of_command: Vec<_> = tests.iter().filter(|it| it.contains(name)).collect();
        assert!(!of_command.is_empty(), "no test runs {name}");
        for arg in flags(command) {
            if !of_command.iter().any(|it| uses(it, &arg)) {
                unused.push(format!("{name} --{}", arg.get_long().unwrap_or_default()));
            }
        }
    }
    assert!(unused.is_empty(), "no test uses:\n{}", unused.join("\n"));
}

/// Whether one of these words is the flag, perhaps with its value.
fn uses(words: &BTreeSet<&str>, flag: &Arg) -> bool {
    let long = flag.get_long().map(|long| format!("--{long}"));
    words.iter().any(|word| {
        let name = word.split('=').next();
        let mut letters = word.chars();
        let is_short = letters.next() == Some('-') && letters.next() == flag.get_short();
        name == long.as_deref() || flag.get_short().is_some() && is_short
    })
}
