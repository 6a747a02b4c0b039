//! Rules about the components that say what a model takes.

use super::rule::{Report, Rule};
use crate::document::Document;
use crate::models;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "model-shape",
        check: |document, report| found(document, "model-shape", report),
    },
    Rule {
        id: "model-words",
        check: |document, report| found(document, "model-words", report),
    },
    Rule {
        id: "model-names",
        check: names,
    },
    Rule {
        id: "model-order",
        check: |document, report| found(document, "model-order", report),
    },
    Rule {
        id: "model-enum",
        check: |document, report| found(document, "model-enum", report),
    },
    Rule {
        id: "model-default",
        check: |document, report| found(document, "model-default", report),
    },
    Rule {
        id: "model-condition",
        check: |document, report| found(document, "model-condition", report),
    },
];

/// Reading a component finds what is wrong with it, rule by rule.
fn found(document: &Document<'_>, rule: &str, report: &mut Report) {
    for fault in models::read(document.root)
        .into_iter()
        .filter_map(Result::err)
        .flatten()
        .filter(|fault| fault.rule == rule)
    {
        report.add(fault.pointer, fault.message);
    }
}

fn names(document: &Document<'_>, report: &mut Report) {
    found(document, "model-names", report);
    let models: Vec<_> = models::read(document.root).into_iter().flatten().collect();
    for (position, model) in models.iter().enumerate() {
        let earlier = &models[..position];
        if let Some(other) = earlier.iter().find(|other| other.clashes_with(model)) {
            report.add(
                model.pointer(),
                format!(
                    "it is the same model as {}, or has the same name in code; keep one",
                    other.pointer()
                ),
            );
        }
    }
}
