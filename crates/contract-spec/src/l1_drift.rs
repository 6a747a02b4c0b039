//! L1: what is generated from a spec is what lies in the repository.

use cometapi_codegen::{TARGETS, Target};
use similar::TextDiff;

use crate::layer::Layer;
use crate::report::Report;
use crate::workspace::Workspace;

const FIX: &str = "run `cargo xtask generate` and commit what it writes";

/// See the module.
pub const LAYER: Layer<Workspace> = Layer {
    id: "L1",
    title: "generated files against the specs",
    check: run,
};

fn run(workspace: &Workspace) -> anyhow::Result<Report> {
    let mut report = Report::default();
    for target in TARGETS {
        compare(target, workspace, &mut report)?;
    }
    Ok(report)
}

fn compare(target: &Target, workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let yaml = workspace.read(target.spec)?;
    let artifacts = match target.artifacts(&yaml) {
        Ok(artifacts) => artifacts,
        Err(error) => {
            report.fail(target.spec, "generator", format!("{error}; L0 says more"));
            return Ok(());
        }
    };
    for path in target.leftovers(workspace.root(), &artifacts)? {
        report.fail(path.display().to_string(), "left over", FIX);
    }
    for artifact in artifacts {
        let Ok(committed) = workspace.read(&artifact.path) else {
            report.fail(&artifact.path, "missing", FIX);
            continue;
        };
        if committed == artifact.contents {
            report.pass("files");
            continue;
        }
        report.fail(
            &artifact.path,
            "stale",
            format!(
                "{}; {FIX}",
                first_difference(&committed, &artifact.contents)
            ),
        );
    }
    Ok(())
}

fn first_difference(committed: &str, wanted: &str) -> String {
    let diff = TextDiff::from_lines(committed, wanted);
    let change = diff
        .iter_all_changes()
        .find(|change| change.tag() != similar::ChangeTag::Equal);
    change.map_or_else(String::new, |change| {
        let line = change
            .old_index()
            .or(change.new_index())
            .unwrap_or_default()
            + 1;
        format!("line {line} differs first: {}", change.value().trim())
    })
}
