//! A rule, and what it reports.

use crate::document::Document;
use crate::error::Finding;

pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) check: fn(&Document<'_>, &mut Report),
}

/// Where the rule at work leaves what it finds.
pub(super) struct Report<'a> {
    pub(super) rule: &'static str,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Report<'_> {
    pub(super) fn add(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.findings.push(Finding {
            rule: self.rule,
            place: place.into(),
            message: message.into(),
        });
    }
}
