//! Rules about the components that say what a model takes.

use super::rule::{Report, Rule};
use crate::document::Document;
use crate::models;

pub(super) const RULES: &[Rule] = &[
    Rule::document("model-shape", shape),
    Rule::document("model-words", found),
    Rule::document("model-names", names),
    Rule::document("model-order", found),
    Rule::document("model-enum", found),
    Rule::document("model-default", found),
    Rule::document("model-condition", found),
];

/// Reading a component finds what is wrong with it, rule by rule.
fn found(document: &Document<'_>, report: &mut Report) {
    let rule = report.rule();
    for fault in models::read(document.root)
        .into_iter()
        .filter_map(Result::err)
        .flatten()
        .filter(|fault| fault.rule == rule)
    {
        report.at(fault.pointer, fault.message);
    }
}

fn shape(document: &Document<'_>, report: &mut Report) {
    found(document, report);
    if document.target.models.is_none() {
        for model in models::read(document.root).into_iter().flatten() {
            report.at(
                model.pointer(),
                "nothing would be made of this model; describe it in the spec whose target has \
                 `models`, or take out `x-model`",
            );
        }
    }
}

fn names(document: &Document<'_>, report: &mut Report) {
    let models: Vec<_> = models::read(document.root).into_iter().flatten().collect();
    for (position, model) in models.iter().enumerate() {
        let earlier = &models[..position];
        if let Some(other) = earlier.iter().find(|other| other.is_of_model(model)) {
            let other = other.pointer();
            report.at(
                model.pointer(),
                format!("it is the same model as {other}; keep one"),
            );
        } else if let Some(other) = earlier.iter().find(|other| other.shares_module(model)) {
            let other = other.pointer();
            report.at(
                model.pointer(),
                format!(
                    "its module in code would be that of {other}; rename one of the components"
                ),
            );
        }
    }
}
