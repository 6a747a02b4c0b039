//! L6: the spec against the last one that was released.
//!
//! Two judges: `drift` compares the documents as a consumer of the API would, and a plain
//! comparison sees what it is blind to (`nullable`, security, servers, operation ids, names
//! of components, content types, examples, words). What is not known to be harmless needs an
//! entry in the committed list of changes, with a reason and the version bump that it asks.

mod differences;

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Context;
use drift::ChangeClass;
use serde::Deserialize;
use serde_json::Value;

use self::differences::{Difference, differences};
use crate::layer::Layer;
use crate::report::Report;
use crate::workspace::Workspace;

const RELEASED: &str = "crates/contract/data/released.yaml";
const CHANGES: &str = "crates/contract/data/changes.yaml";

/// A change that somebody has judged.
#[derive(Deserialize)]
struct Acknowledged {
    /// The change's JSON pointer; what lies below it is meant, too.
    pointer: String,
    #[serde(rename = "reason")]
    reason: String,
    bump: Bump,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Bump {
    Patch,
    Minor,
    Major,
}

/// See the module.
pub const LAYER: Layer<Workspace> = Layer {
    id: "L6",
    title: "the spec against its last release",
    check: run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let (name, released) = last_release(workspace)?;
    let current = workspace.spec()?;
    let changes: Vec<Acknowledged> = workspace.data(CHANGES)?;
    let (text, new) = version(&current)?;
    if new < version(&released)?.1 {
        report.fail(
            "#/info/version",
            "version-behind-release",
            format!("it is {text} and {name} is released; raise it"),
        );
    }
    let mut found = differences(&released, &current);
    for judged in by_drift(&released, &current) {
        let near = found
            .iter_mut()
            .find(|one| one.covers(&judged.pointer) || judged.covers(&one.pointer));
        match near {
            Some(one) => one.what = format!("{}; drift: {}", one.what, judged.what),
            None => found.push(judged),
        }
    }
    report.passed_many("places compared", differences::places(&released));
    let bumped = bumped(&released, &current)?;
    for one in &found {
        let entry = changes.iter().find(|entry| one.is_below(&entry.pointer));
        match entry {
            Some(entry) if entry.reason.trim().is_empty() => report.fail(
                &entry.pointer,
                "reason-missing",
                format!("say in {CHANGES} why the change is meant"),
            ),
            Some(entry) if bumped < Some(entry.bump) => report.fail(
                &entry.pointer,
                "version-not-bumped",
                format!(
                    "the change asks for a {:?} bump since {name}; raise info.version",
                    entry.bump
                ),
            ),
            Some(_) => report.pass("changes acknowledged"),
            None => report.fail(
                &one.pointer,
                "unacknowledged-change",
                format!(
                    "{} since {name}; take it back, or add an entry with pointer, reason and \
                     bump to {CHANGES}",
                    one.what
                ),
            ),
        }
    }
    for entry in &changes {
        if !found.iter().any(|one| one.is_below(&entry.pointer)) {
            report.fail(
                &entry.pointer,
                "stale-entry",
                format!("nothing has changed there since {name}; take the entry out of {CHANGES}"),
            );
        }
    }
    Ok(report)
}

/// The spec of the last release, and its version.
fn last_release(workspace: &Workspace) -> anyhow::Result<(String, Value)> {
    let text = workspace
        .read(RELEASED)
        .with_context(|| format!("there is no released spec in {RELEASED}; copy one there"))?;
    let json = cometapi_codegen::read(&text)?;
    let (text, _) = version(&json)?;
    Ok((format!("v{text}"), json))
}

/// The version of a document, as text and as its numbers.
fn version(spec: &Value) -> anyhow::Result<(&str, Vec<u64>)> {
    let text = spec["info"]["version"].as_str().unwrap_or_default();
    let numbers = text.split('.').map(str::parse).collect::<Result<_, _>>();
    let numbers = numbers.with_context(|| format!("info.version {text:?} is not three numbers"))?;
    Ok((text, numbers))
}

/// How the versions in the two documents differ; `None` when they do not.
fn bumped(released: &Value, current: &Value) -> anyhow::Result<Option<Bump>> {
    let (old, new) = (version(released)?.1, version(current)?.1);
    let kinds = [Bump::Major, Bump::Minor, Bump::Patch];
    let first = old.iter().zip(&new).position(|(old, new)| old < new);
    Ok(first.and_then(|index| kinds.get(index).copied()))
}

/// What `drift` says. It panics on some documents; that is a change nobody has judged.
fn by_drift(released: &Value, current: &Value) -> Vec<Difference> {
    let compared = catch_unwind(AssertUnwindSafe(|| drift::compare(released, current)));
    let changes = match compared {
        Ok(Ok(changes)) => changes,
        Ok(Err(error)) => {
            return vec![Difference::new(
                "#",
                format!("it cannot be compared: {error:#}"),
            )];
        }
        Err(_) => return vec![Difference::new("#", "the comparison gave up on it")],
    };
    let mut found = Vec::new();
    for change in changes {
        let Some(path) = change.paths.first() else {
            continue;
        };
        let (base, _) = path.old.base_and_subpath();
        for info in &change.changes {
            // What only a newer client could miss is no break.
            if matches!(
                info.class,
                ChangeClass::Trivial | ChangeClass::ForwardIncompatible
            ) {
                continue;
            }
            let pointer = match info.old_subpath.as_str() {
                "" => base.to_owned(),
                below => format!("{base}/{below}"),
            };
            found.push(Difference::new(
                pointer,
                format!("{} ({:?})", info.message, info.class),
            ));
        }
    }
    found
}
