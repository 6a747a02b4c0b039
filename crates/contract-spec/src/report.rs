//! What a layer found, and how it is printed.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

/// One thing that is not as it should be, wherever it shows.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Where it shows first: a JSON pointer, a file, an example, a request.
    pub place: String,
    /// The rule that is broken, as a short word.
    pub rule: String,
    /// What was seen there, and what to do about it.
    pub message: String,
    /// How often it shows.
    pub count: usize,
    /// A second place where it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<String>,
    #[serde(skip)]
    cause: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.rule, self.message)?;
        match (self.count - 1, &self.also) {
            (0, _) => Ok(()),
            (more, Some(also)) => write!(f, " ({more} more with this cause, such as {also})"),
            (more, None) => write!(f, " ({more} more with this cause)"),
        }
    }
}

/// What one layer checked and found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was found good, by what it is: `examples`, `requests`.
    pub passed: BTreeMap<&'static str, usize>,
    /// What was not.
    pub findings: Vec<Finding>,
    /// Things to know that are no fault, such as an answer to an open question.
    pub notes: Vec<String>,
    /// Why the layer did not run at all, and what to do about that.
    pub skipped: Option<String>,
}

impl Report {
    /// A report of a layer that did not run, and why.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self {
            skipped: Some(why.into()),
            ..Self::default()
        }
    }

    /// Counts one check that passed.
    pub fn pass(&mut self, what: &'static str) {
        self.passed_many(what, 1);
    }

    /// Counts checks that passed.
    pub fn passed_many(&mut self, what: &'static str, count: usize) {
        *self.passed.entry(what).or_default() += count;
    }

    /// Adds a finding whose place is its cause.
    pub fn fail(
        &mut self,
        place: impl Into<String>,
        rule: impl Into<String>,
        message: impl Into<String>,
    ) {
        let (place, message) = (place.into(), message.into());
        let cause = format!("{place}: {message}");
        self.fail_by(cause, place, rule, message);
    }

    /// Adds what `cause` makes fail at `place`: a schema, a pattern, a component. Many examples or
    /// generated values that fail by one rule and one cause are one finding.
    pub fn fail_by(
        &mut self,
        cause: impl Into<String>,
        place: impl Into<String>,
        rule: impl Into<String>,
        message: impl Into<String>,
    ) {
        let (cause, place, rule) = (cause.into(), place.into(), rule.into());
        let known = |one: &&mut Finding| one.rule == rule && one.cause == cause;
        let Some(one) = self.findings.iter_mut().find(known) else {
            self.findings.push(Finding {
                place,
                rule,
                message: message.into(),
                count: 1,
                also: None,
                cause,
            });
            return;
        };
        one.count += 1;
        if place != one.place && one.also.is_none() {
            one.also = Some(place);
        }
    }

    /// Adds what another report has. With `file`, its places that are JSON pointers are those of that
    /// file.
    pub fn add(&mut self, other: Self, file: Option<&str>) {
        let located = |place: String| match file {
            Some(file) if !place.starts_with(file) => format!("{file} {place}"),
            _ => place,
        };
        for (what, count) in other.passed {
            self.passed_many(what, count);
        }
        self.findings
            .extend(other.findings.into_iter().map(|finding| Finding {
                place: located(finding.place),
                also: finding.also.map(located),
                cause: located(finding.cause),
                ..finding
            }));
        self.notes.extend(other.notes);
    }

    /// Adds something to know that is no fault.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// How many checks passed.
    pub fn total(&self) -> usize {
        self.passed.values().sum()
    }

    /// Whether nothing was wrong. A layer that checked nothing is.
    pub fn is_good(&self) -> bool {
        self.skipped.is_some() || (self.findings.is_empty() && self.total() > 0)
    }

    /// A report that says so where nothing was checked.
    #[must_use]
    pub fn closed(mut self) -> Self {
        if self.skipped.is_none() && self.findings.is_empty() && self.total() == 0 {
            self.fail(
                "the layer",
                "checked-nothing",
                "it found nothing to check, so it proves nothing; see that its data is there",
            );
        }
        self
    }
}

/// A layer's report with its name and the time that it took.
#[derive(Clone, Debug, Serialize)]
pub struct Ran {
    /// `L0` to `L8`.
    pub layer: &'static str,
    /// What it checks, in a few words.
    pub title: &'static str,
    /// How long it took.
    pub millis: u128,
    /// What it found.
    #[serde(flatten)]
    pub report: Report,
}

/// Writes what layers found, as text or as JSON.
pub fn write(ran: &[Ran], json: bool, out: &mut dyn Write) -> io::Result<()> {
    if !json {
        return print(ran, out);
    }
    let (passed, failed) = totals(ran);
    let json = serde_json::json!({"layers": ran, "passed": passed, "failed": failed});
    serde_json::to_writer_pretty(&mut *out, &json)?;
    writeln!(out)
}

/// How many findings of one layer are shown; the rest is counted.
const SHOWN: usize = 40;

/// One line a layer, its findings below it, and the closing line.
fn print(ran: &[Ran], out: &mut dyn Write) -> io::Result<()> {
    for one in ran {
        let report = &one.report;
        if let Some(why) = &report.skipped {
            writeln!(out, "{} {}: SKIPPED: {why}", one.layer, one.title)?;
            continue;
        }
        let counts: Vec<_> = report
            .passed
            .iter()
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        let result = match report.findings.len() {
            0 => "ok".to_owned(),
            many => format!("{many} FAILED"),
        };
        let counts = if counts.is_empty() {
            "nothing passed".to_owned()
        } else {
            counts.join(", ")
        };
        let (layer, title, millis) = (one.layer, one.title, one.millis);
        writeln!(out, "{layer} {title}: {result}: {counts} ({millis} ms)")?;
        for note in &report.notes {
            writeln!(out, "   {note}")?;
        }
        for finding in report.findings.iter().take(SHOWN) {
            writeln!(out, "   {finding}")?;
        }
        if let Some(rest @ 1..) = report.findings.len().checked_sub(SHOWN) {
            writeln!(out, "   … and {rest} more")?;
        }
    }
    let (passed, failed) = totals(ran);
    writeln!(out, "{passed} passed, {failed} failed")
}

fn totals(ran: &[Ran]) -> (usize, usize) {
    let passed = ran.iter().map(|one| one.report.total()).sum();
    let failed = ran.iter().map(|one| one.report.findings.len()).sum();
    (passed, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(report: Report) -> Ran {
        Ran {
            layer: "L9",
            title: "a test",
            millis: 3,
            report: report.closed(),
        }
    }

    fn printed(ran: &[Ran]) -> String {
        let mut out = Vec::new();
        print(ran, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_layer_that_checked_nothing_fails() {
        let ran = ran(Report::default());
        assert!(!ran.report.is_good());
        assert!(printed(&[ran]).ends_with("\n0 passed, 1 failed\n"));
    }

    #[test]
    fn what_one_cause_makes_fail_is_one_finding_with_a_count_and_two_places() {
        let mut report = Report::default();
        for id in ["a b", "c/d", "e?f"] {
            report.fail_by(
                "PredictionId",
                format!("get {id}"),
                "sent",
                format!("{id} was sent"),
            );
        }
        report.fail_by("ModelName", "create x/y z", "sent", "it was sent");
        report.fail_by("PredictionId", "get g", "refused", "it was refused");
        report.fail("get a b", "sent", "a place is its own cause");
        report.fail("get c/d", "sent", "a place is its own cause");
        let lines: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "get a b: sent: a b was sent (2 more with this cause, such as get c/d)",
                "create x/y z: sent: it was sent",
                "get g: refused: it was refused",
                "get a b: sent: a place is its own cause",
                "get c/d: sent: a place is its own cause",
            ]
        );
        let ran = ran(report);
        let json = serde_json::to_value(&ran).unwrap();
        assert_eq!(json["findings"][0]["count"], 3);
        assert!(printed(&[ran]).ends_with("\n0 passed, 5 failed\n"));
    }

    #[test]
    fn a_line_a_layer_and_the_closing_line_alone() {
        let mut good = Report::default();
        good.passed_many("examples", 2);
        good.pass("rules");
        let mut bad = Report::default();
        bad.fail("#/a", "rule", "fix it");
        bad.fail("#/a", "rule", "fix it");
        assert_eq!(
            printed(&[ran(good), ran(bad), ran(Report::skipped("no key; set one"))]),
            "L9 a test: ok: 2 examples, 1 rules (3 ms)\n\
             L9 a test: 1 FAILED: nothing passed (3 ms)\n   \
             #/a: rule: fix it (1 more with this cause)\n\
             L9 a test: SKIPPED: no key; set one\n\
             3 passed, 1 failed\n"
        );
    }
}
