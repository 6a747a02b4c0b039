//! The outcome of a check, and all of them as they are printed.

use std::fmt;

use serde_json::{Value, json};

use crate::exit;
use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    /// It works, and something about it should be known.
    Warning,
    Failed,
    /// It could not be checked, or need not be.
    Skipped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        })
    }
}

/// One check.
#[derive(Clone, Debug)]
pub(super) struct Check {
    name: &'static str,
    status: Status,
    detail: String,
    /// What to do, where something is to be done.
    next: Option<String>,
    code: u8,
}

impl Check {
    pub(super) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, detail)
    }

    pub(super) fn warning(
        name: &'static str,
        detail: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self::new(name, Status::Warning, detail).then(next)
    }

    pub(super) fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Status::Skipped, why)
    }

    /// With the failure's own advice.
    pub(super) fn failed(name: &'static str, failure: &Failure) -> Self {
        let check = Self::new(name, Status::Failed, failure.to_string());
        check.then(failure.next_step())
    }

    pub(super) fn failed_with(
        name: &'static str,
        detail: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self::new(name, Status::Failed, detail).then(next)
    }

    fn new(name: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Self {
            name,
            status,
            detail: detail.into(),
            next: None,
            code: exit::OTHER,
        }
    }

    /// With the next step, unless it is empty.
    pub(super) fn then(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into()).filter(|next| !next.is_empty());
        self
    }

    /// With the exit code of the command if this is its most relevant failure.
    pub(super) fn ends_with(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    pub(super) fn status(&self) -> Status {
        self.status
    }
}

/// The line of a check.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:7}  {:12}  {}", self.status, self.name, self.detail)?;
        match &self.next {
            Some(next) => write!(f, "; {next}"),
            None => Ok(()),
        }
    }
}

/// All checks, in their order.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Check>);

impl Report {
    pub(super) fn add(&mut self, check: Check) {
        self.0.push(check);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed().next().is_some()
    }

    fn failed(&self) -> impl Iterator<Item = &Check> {
        let mut checks = self.0.iter();
        std::iter::from_fn(move || checks.find(|check| check.status == Status::Failed))
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }

    pub(super) fn json(&self) -> Value {
        let checks = self.0.iter().map(|check| {
            json!({
                "name": check.name,
                "status": check.status.to_string(),
                "detail": check.detail,
                "next": check.next,
            })
        });
        json!({"ok": !self.has_failed(), "checks": checks.collect::<Vec<_>>()})
    }

    /// The failure of the whole: a refused key is more relevant than anything else.
    pub(super) fn outcome(&self) -> Result<(), Failure> {
        let codes: Vec<_> = self.failed().map(|check| check.code).collect();
        let code = match codes[..] {
            [] => return Ok(()),
            _ if codes.contains(&exit::KEY) => exit::KEY,
            [first, ..] => first,
        };
        let (failed, all) = (codes.len(), self.0.len());
        Err(Failure::of_many(
            code,
            format!("{failed} of {all} checks failed"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(codes: &[u8]) -> Report {
        let mut report = Report::default();
        report.add(Check::ok("a", "fine"));
        report.add(Check::warning("b", "odd", "look"));
        report.add(Check::skipped("c", "no need"));
        for code in codes {
            report.add(Check::failed_with("d", "bad", "fix it").ends_with(*code));
        }
        report
    }

    #[test]
    fn only_failures_decide_the_exit_code_and_a_refused_key_first() {
        for (codes, code) in [
            (&[][..], 0),
            (&[1], 1),
            (&[1, 5], 5),
            (&[5, 1], 5),
            (&[1, 1], 1),
        ] {
            let outcome = report(codes).outcome();
            assert_eq!(outcome.err().map_or(0, |failure| failure.code()), code);
        }
    }

    #[test]
    fn a_check_is_a_line_with_its_next_step() {
        let lines: Vec<_> = report(&[1]).lines().collect();
        assert_eq!(
            lines,
            [
                "ok       a             fine",
                "warning  b             odd; look",
                "skipped  c             no need",
                "failed   d             bad; fix it",
            ]
        );
        let json = report(&[1]).json();
        assert_eq!(json["ok"], false);
        assert_eq!(json["checks"][3]["next"], "fix it");
        assert_eq!(json["checks"][0]["next"], Value::Null);
    }
}
