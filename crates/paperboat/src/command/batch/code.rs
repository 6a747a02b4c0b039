//! The exit code of a run of many.

use cometapi::ErrorKind;
use cometapi_batch::{Report, Stopped};

use crate::exit;
use crate::interrupt::Signal;

/// The code of the most severe error kind among the rows; else why the run is not finished.
pub(super) fn code(report: &Report, signal: Option<Signal>) -> u8 {
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
}
