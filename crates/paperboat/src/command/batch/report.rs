//! The summary of a batch.

use std::collections::BTreeMap;
use std::time::Duration;

use cometapi_batch::{Cost, Report, RetryAction, Stopped};
use serde_json::json;

use super::code::code;
use super::counts::rounded;
use super::estimate::Estimate;
use super::next::{CONTINUE, NextSteps};
use crate::failure::Failure;
use crate::interrupt::Signal;
use crate::{advice, money, print};

/// Prints what would be done and what it would cost, on stdout.
pub(in crate::command) fn plan(
    report: &Report,
    estimate: &Estimate,
    as_json: bool,
) -> Result<(), Failure> {
    let tally = &report.tally;
    if as_json {
        return print::json(json!({
            "rows": tally.total(),
            "to_create": tally.planned,
            "running": tally.running + tally.sending,
            "succeeded": tally.succeeded,
            "failed": tally.failed(),
            "unresolved": tally.unresolved,
            "skipped": report.skipped,
            "models": estimate.models_json(),
            "cost_usd": estimate.total(),
            "balance_usd": estimate.balance,
        }));
    }
    for (what, count) in [
        ("to create", tally.planned),
        ("running", tally.running + tally.sending),
        ("done", tally.succeeded),
        ("failed", tally.failed()),
        ("unresolved", tally.unresolved),
        ("skipped", report.skipped),
    ] {
        if count > 0 || what == "to create" {
            print::stdout(format_args!("{what:<11} {count:>7}"))?;
        }
    }
    estimate.lines().into_iter().try_for_each(print::stdout)
}

/// Prints the summary of the rows on stderr; the failure has the next step and the exit code.
pub(super) fn ended(
    report: &Report,
    costs: &BTreeMap<String, Cost>,
    strict: bool,
    elapsed: Duration,
    signal: Option<Signal>,
) -> Result<(), Failure> {
    let tally = &report.tally;
    if tally.total() > 0 || !matches!(report.stopped, Some(Stopped::Asked)) {
        print::stderr(summary(report, elapsed));
    }
    for (model, cost) in costs {
        if let Some(sum) = money::sum(cost) {
            print::stderr(format_args!("{model}: {sum}"));
        }
    }
    if report.is_success() {
        return Ok(());
    }
    if !strict && did_as_asked(report) {
        if tally.planned > 0 {
            print::note(format_args!("{LIMIT_REACHED}; {CONTINUE}"));
        }
        return Ok(());
    }
    let code = code(report, signal);
    let mut failure = Failure::of_many(code, why(report, signal));
    for (word, count) in &tally.failed {
        failure = failure.with_advice(format!("{count} {}", word.replace('_', " ")));
    }
    if tally.unresolved > 0 {
        failure = failure
            .with_advice(format!(
                "unresolved rows may have been accepted; to find out: {}",
                advice::command("resolve", "")
            ))
            .with_advice("with --retry-unresolved before that, you may pay twice");
    }
    if tally.retry_takes(RetryAction::Supersede) {
        failure = failure.with_advice(
            "to create rows again whose prediction failed or whose files are gone: --retry-failed \
             (you may pay again)",
        );
    }
    Err(NextSteps::of_the_same_command().advise(failure, report))
}

const LIMIT_REACHED: &str = "reached the limit of new predictions";

/// Whether what was left out is what `--limit` and `--skip-bad` say: every row that could be used and
/// was within the limit succeeded. A file of bad rows alone is a mistake.
fn did_as_asked(report: &Report) -> bool {
    let tally = &report.tally;
    report.stopped.is_none()
        && report.unusable == 0
        && tally.total() > 0
        && tally.succeeded + tally.planned == tally.total()
}

/// Prints the summary of predictions that were waited for, whichever process created them.
pub(in crate::command) fn finished(
    report: &Report,
    elapsed: Duration,
    signal: Option<Signal>,
) -> Result<(), Failure> {
    predictions(report, NextSteps::of_the_same_command(), elapsed, signal)
}

/// The same, with what can be done next.
pub(in crate::command) fn predictions(
    report: &Report,
    next: NextSteps,
    elapsed: Duration,
    signal: Option<Signal>,
) -> Result<(), Failure> {
    let tally = &report.tally;
    if report.stopped.is_none() && tally.total() == 0 {
        print::stderr("no prediction to wait for: none is running at this service");
        return Ok(());
    }
    if tally.total() > 0 {
        print::stderr(format_args!(
            "{}: {} in {}",
            number(tally.total(), "prediction"),
            counts(report),
            whole(elapsed)
        ));
    }
    if report.is_success() {
        return Ok(());
    }
    let why = match &report.stopped {
        Some(stopped) => stopped_by(stopped, "prediction", signal),
        None if report.unusable > 0 => "not every output can be used".to_owned(),
        None => "not every prediction succeeded".to_owned(),
    };
    let mut failure = Failure::of_many(code(report, signal), why);
    for (word, count) in &tally.failed {
        failure = failure.with_advice(format!("{count} {}", word.replace('_', " ")));
    }
    Err(next.advise(failure, report))
}

/// The summary of predictions that were waited for by their ids.
pub(in crate::command) fn of_several(total: usize, failed: usize, elapsed: Duration) -> String {
    let predictions = number(total as u64, "prediction");
    let succeeded = total - failed;
    let failed = match failed {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    format!(
        "{predictions}: {succeeded} succeeded{failed} in {}",
        whole(elapsed)
    )
}

fn summary(report: &Report, elapsed: Duration) -> String {
    format!(
        "{}: {}; {} created in {}",
        number(report.tally.total(), "row"),
        counts(report),
        report.created,
        whole(elapsed)
    )
}

/// `2 rows`.
pub(in crate::command) fn number(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn whole(elapsed: Duration) -> String {
    if elapsed < Duration::from_secs(1) {
        return "less than 1s".to_owned();
    }
    rounded(elapsed).to_string()
}

fn counts(report: &Report) -> String {
    let tally = &report.tally;
    let mut parts = vec![format!("{} succeeded", tally.succeeded)];
    for (count, what) in [
        (tally.failed(), "failed"),
        (tally.unresolved, "unresolved"),
        (tally.running + tally.sending, "still running"),
        (tally.planned, "not created"),
        (report.skipped, "skipped"),
        (report.unusable, "with an unusable output"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}

fn why(report: &Report, signal: Option<Signal>) -> String {
    match &report.stopped {
        Some(stopped) => stopped_by(stopped, "row", signal),
        None if report.tally.planned > 0 => LIMIT_REACHED.to_owned(),
        None if report.unusable > 0 => "not every output can be used".to_owned(),
        None if report.tally.succeeded == report.tally.total() => {
            "rows that cannot be used were skipped".to_owned()
        }
        None => "not every row succeeded".to_owned(),
    }
}

fn stopped_by(stopped: &Stopped, what: &str, signal: Option<Signal>) -> String {
    match (stopped, signal) {
        (Stopped::Asked, Some(signal)) => format!("stopped early by {signal}"),
        _ => format!("stopped early: {}", words(stopped, what)),
    }
}

/// Why no more of `what` is created.
pub(super) fn words(stopped: &Stopped, what: &str) -> String {
    match stopped {
        Stopped::Asked => "on request".to_owned(),
        Stopped::TooManyFailures => format!("as many {what}s failed as --max-failures allows"),
        Stopped::MaxCost { max, rows: 1 } => {
            format!("the {what} that is left does not fit into --max-cost {max}")
        }
        Stopped::MaxCost { max, rows } => {
            let left = number(*rows, what);
            format!("none of the {left} that are left fits into --max-cost {max}")
        }
        Stopped::Unauthorized(why)
        | Stopped::OutOfQuota(why)
        | Stopped::WrongEndpoint(why)
        | Stopped::Blocked(why)
        | Stopped::NeverReached(why)
        | Stopped::DiskFull(why)
        | Stopped::CannotWrite(why) => why.clone(),
        Stopped::GaveUp { message, .. } => message.clone(),
        Stopped::Ledger(why) => why.to_string(),
        _ => "for another reason".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(change: impl FnOnce(&mut Report)) -> Report {
        let mut report = Report::default();
        report.tally.succeeded = 1;
        change(&mut report);
        report
    }

    #[test]
    fn what_was_left_out_on_request_is_no_failure() {
        type Change = fn(&mut Report);
        let rows: [(Change, bool); 7] = [
            (|r| r.tally.planned = 1, true),
            (|r| r.skipped = 1, true),
            (|r| (r.tally.succeeded, r.skipped) = (0, 1), false),
            (|r| (r.tally.planned, r.tally.running) = (1, 1), false),
            (|r| (r.skipped, r.tally.unresolved) = (1, 1), false),
            (|r| (r.skipped, r.unusable) = (1, 1), false),
            (
                |r| {
                    r.tally.planned = 1;
                    r.stopped = Some(Stopped::Asked);
                },
                false,
            ),
        ];
        for (index, (change, expected)) in rows.into_iter().enumerate() {
            assert_eq!(did_as_asked(&report(change)), expected, "{index}");
        }
    }

    #[test]
    fn the_summary_counts_what_there_is() {
        let one = report(|r| r.created = 1);
        assert_eq!(
            summary(&one, Duration::from_millis(20)),
            "1 row: 1 succeeded; 1 created in less than 1s"
        );
        let many = report(|r| {
            r.tally.planned = 2;
            r.tally.unresolved = 3;
            r.tally.failed.insert("failed", 4);
        });
        assert_eq!(
            summary(&many, Duration::from_secs(75)),
            "10 rows: 1 succeeded, 4 failed, 3 unresolved, 2 not created; 0 created in 1m 15s"
        );
    }
}
