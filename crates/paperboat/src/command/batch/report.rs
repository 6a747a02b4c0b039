//! The summary of a batch.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use cometapi::ErrorKind;
use cometapi_batch::{Cost, ErrorKind as LedgerError, Report, RetryAction, Stopped};
use serde_json::json;

use super::counts::rounded;
use super::estimate::Estimate;
use crate::failure::Failure;
use crate::interrupt::Signal;
use crate::{exit, money, print};

/// Prints what would be done and what it would cost, on stdout.
pub(super) fn plan(report: &Report, estimate: &Estimate, as_json: bool) -> Result<(), Failure> {
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
    let code = code(report, signal);
    let mut failure = Failure::of_many(code, why(report, signal));
    for (word, count) in &tally.failed {
        failure = failure.with_advice(format!("{count} {}", word.replace('_', " ")));
    }
    if tally.unresolved > 0 {
        failure = failure
            .with_advice("unresolved rows may have been accepted; to find out: paperboat resolve")
            .with_advice("with --retry-unresolved before that, you may pay twice");
    }
    if tally.retry_takes(RetryAction::Supersede) {
        failure = failure.with_advice(
            "to create rows again whose prediction failed or whose files are gone: --retry-failed \
             (you may pay again)",
        );
    }
    Err(with_next_step(failure, report))
}

fn with_next_step(mut failure: Failure, report: &Report) -> Failure {
    if let Some(Stopped::Ledger(e)) = &report.stopped
        && e.kind() == LedgerError::Replaced
    {
        return failure.with_advice(
            "with another ledger, you would pay again for rows whose files are not in the folder",
        );
    }
    let tally = &report.tally;
    if tally.retry_takes(RetryAction::Follow) {
        failure = failure.with_advice(
            "the same command downloads files that were not saved, at no cost; the service keeps \
             them for about an hour",
        );
    }
    if let Some(Stopped::MaxCost { .. }) = report.stopped {
        return failure.with_advice("to continue, run the same command with a higher --max-cost");
    }
    if report.stopped.is_some() || tally.unfinished() > 0 {
        failure = failure.with_advice("to continue, run the same command again");
    }
    failure
}

/// Prints the summary of predictions that were waited for, whichever process created them.
pub(in crate::command) fn finished(
    report: &Report,
    elapsed: Duration,
    signal: Option<Signal>,
) -> Result<(), Failure> {
    let tally = &report.tally;
    if report.stopped.is_none() && tally.total() == 0 {
        print::stderr("no prediction to wait for");
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
        Some(stopped) => stopped_by(stopped, signal),
        None if report.unusable > 0 => "not every output can be used".to_owned(),
        None => "not every prediction succeeded".to_owned(),
    };
    let mut failure = Failure::of_many(code(report, signal), why);
    for (word, count) in &tally.failed {
        failure = failure.with_advice(format!("{count} {}", word.replace('_', " ")));
    }
    Err(with_next_step(failure, report))
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

fn number(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn whole(elapsed: Duration) -> impl Display {
    rounded(elapsed.max(Duration::from_secs(1)))
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
        Some(stopped) => stopped_by(stopped, signal),
        None if report.tally.planned > 0 => "reached the limit of new predictions".to_owned(),
        None if report.unusable > 0 => "not every output can be used".to_owned(),
        None if report.tally.succeeded == report.tally.total() => {
            "rows that cannot be used were skipped".to_owned()
        }
        None => "not every row succeeded".to_owned(),
    }
}

fn stopped_by(stopped: &Stopped, signal: Option<Signal>) -> String {
    match (stopped, signal) {
        (Stopped::Asked, Some(signal)) => format!("stopped early by {signal}"),
        _ => format!("stopped early: {}", words(stopped)),
    }
}

/// Why nothing more is created.
pub(super) fn words(stopped: &Stopped) -> String {
    match stopped {
        Stopped::Asked => "on request".to_owned(),
        Stopped::TooManyFailures => "as many rows failed as --max-failures allows".to_owned(),
        Stopped::MaxCost { max, rows: 1 } => {
            format!("the row that is left does not fit into --max-cost {max}")
        }
        Stopped::MaxCost { max, rows } => {
            format!("none of the {rows} rows that are left fits into --max-cost {max}")
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

/// The code of the most severe error kind among the rows; else why the run is not finished.
fn code(report: &Report, signal: Option<Signal>) -> u8 {
    let by_signal = signal.map_or(exit::INTERRUPTED, Signal::exit_code);
    match (report.most_severe(), &report.stopped) {
        // Not code 2: things were sent before the ledger failed.
        (Some(ErrorKind::MaybeAccepted), Some(Stopped::Ledger(_))) => exit::DOUBT,
        (_, Some(Stopped::Ledger(_))) => exit::OTHER,
        (None | Some(ErrorKind::WaitTimeout), Some(Stopped::Asked)) => by_signal,
        // A service manager looks for its own signal; only money in doubt is more urgent.
        (Some(kind), Some(Stopped::Asked))
            if kind != ErrorKind::MaybeAccepted
                && matches!(signal, Some(Signal::Terminate | Signal::HangUp)) =>
        {
            by_signal
        }
        (Some(kind), _) => exit::of(kind),
        (None, _) if report.tally.unfinished() > 0 => exit::TIMEOUT,
        (None, _) if report.skipped > 0 => exit::USAGE,
        (None, _) => exit::OTHER,
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
    fn the_code_is_that_of_the_most_severe_kind() {
        type Change = fn(&mut Report);
        let rows: [(Change, u8); 9] = [
            (|r| r.unusable = 1, 1),
            (|r| r.tally.planned = 1, 4),
            (|r| r.tally.running = 1, 4),
            (|r| r.skipped = 1, 2),
            (|r| r.stopped = Some(Stopped::Asked), 130),
            (
                |r| {
                    r.tally.running = 1;
                    r.stopped = Some(Stopped::Asked);
                },
                130,
            ),
            (|r| _ = r.tally.failed.insert("failed", 1), 3),
            (|r| _ = r.tally.failed.insert("expired", 1), 8),
            (
                |r| {
                    r.tally.failed.insert("failed", 1);
                    r.tally.unresolved = 1;
                },
                7,
            ),
        ];
        for (change, expected) in rows {
            assert_eq!(code(&report(change), None), expected);
        }
    }

    #[test]
    fn a_run_that_a_signal_ended_has_its_code_unless_money_is_in_doubt() {
        for signal in [Signal::Interrupt, Signal::Terminate, Signal::HangUp] {
            let mut ended = report(|r| {
                r.tally.planned = 1;
                r.stopped = Some(Stopped::Asked);
            });
            assert_eq!(code(&ended, Some(signal)), signal.exit_code());
            ended.tally.failed.insert("failed", 1);
            let failed = match signal {
                Signal::Interrupt => exit::OUTCOME,
                _ => signal.exit_code(),
            };
            assert_eq!(code(&ended, Some(signal)), failed);
            ended.tally.unresolved = 1;
            assert_eq!(code(&ended, Some(signal)), exit::DOUBT);
            // It came when all was done.
            ended.stopped = None;
            assert_eq!(code(&ended, Some(signal)), exit::DOUBT);
        }
    }

    #[test]
    fn the_summary_counts_what_there_is() {
        let one = report(|r| r.created = 1);
        assert_eq!(
            summary(&one, Duration::from_millis(20)),
            "1 row: 1 succeeded; 1 created in 1s"
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
