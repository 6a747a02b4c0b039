//! A rule, and what it reports.

use crate::document::{Document, Operation, SchemaSite};
use crate::error::Finding;

pub(super) struct Rule {
    pub(super) id: &'static str,
    check: Check,
}

type OnOperation = for<'a> fn(&Document<'a>, &Operation<'a>, &mut Report);
type OnSchema = for<'a> fn(&Document<'a>, &SchemaSite<'a>, &mut Report);

enum Check {
    Document(fn(&Document<'_>, &mut Report)),
    Operation(OnOperation),
    Schema(OnSchema),
    Received(OnSchema),
}

impl Rule {
    pub(super) const fn document(id: &'static str, check: fn(&Document<'_>, &mut Report)) -> Self {
        let check = Check::Document(check);
        Self { id, check }
    }

    /// Checks each operation.
    pub(super) const fn operation(id: &'static str, check: OnOperation) -> Self {
        let check = Check::Operation(check);
        Self { id, check }
    }

    /// Checks each schema, wherever it stands.
    pub(super) const fn schema(id: &'static str, check: OnSchema) -> Self {
        let check = Check::Schema(check);
        Self { id, check }
    }

    /// Checks each schema from which the code that decodes a response is generated.
    pub(super) const fn received(id: &'static str, check: OnSchema) -> Self {
        let check = Check::Received(check);
        Self { id, check }
    }

    pub(super) fn run(&self, document: &Document<'_>, findings: &mut Vec<Finding>) {
        let mut report = Report {
            rule: self.id,
            place: String::new(),
            findings,
        };
        let is_replaced = |owner: &str| {
            let mut replaced = document.target.replaced.iter();
            replaced.any(|replaced| replaced.schema == owner)
        };
        let received =
            |site: &SchemaSite<'_>| site.received && !site.owner().is_some_and(is_replaced);
        match self.check {
            Check::Document(check) => check(document, &mut report),
            Check::Operation(check) => {
                for operation in &document.operations {
                    report.place = operation.place();
                    check(document, operation, &mut report);
                }
            }
            Check::Schema(check) | Check::Received(check) => {
                let all = matches!(self.check, Check::Schema(_));
                for site in document.schemas.iter().filter(|site| all || received(site)) {
                    report.place.clone_from(&site.pointer);
                    check(document, site, &mut report);
                }
            }
        }
    }
}

/// Collects the findings of one rule.
pub(super) struct Report<'a> {
    rule: &'static str,
    place: String,
    findings: &'a mut Vec<Finding>,
}

impl Report<'_> {
    pub(super) fn rule(&self) -> &'static str {
        self.rule
    }

    /// Adds a finding on the operation or schema that is being checked.
    pub(super) fn add(&mut self, message: impl Into<String>) {
        self.at(self.place.clone(), message);
    }

    pub(super) fn at(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.findings.push(Finding {
            rule: self.rule,
            place: place.into(),
            message: message.into(),
        });
    }
}
