//! What all rows of a run share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cometapi::{Limiter, Permit};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::batch::downloads::{Downloads, Turn};
use crate::batch::event::{Event, RowInfo};
use crate::batch::history::History;
use crate::batch::outage::Outage;
use crate::batch::present::Present;
use crate::batch::reason::{PauseReason, Stopped};
use crate::batch::report::Report;
use crate::batch::settings::Settings;
use crate::error::{Error, ErrorKind, is_out_of_files};
use crate::ledger::{LedgerFuture, LoadId, Mark, Outcome, Tally};
use crate::lock::lock;
use crate::worker::Worker;

/// A run under way.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) worker: Worker,
    /// The rows that it is of; none when it finishes what was left.
    pub(crate) load: Option<LoadId>,
    /// How long the models take.
    pub(crate) history: History,
    pub(crate) limiter: Limiter,
    pub(crate) created: AtomicU64,
    /// Predictions that succeeded with an output that cannot be used.
    pub(crate) unusable: AtomicU64,
    /// Whether anything was sent, or taken up that was.
    begun: AtomicBool,
    failures: AtomicU64,
    stopped: Mutex<Option<Stopped>>,
    /// Notified when the above is set.
    pub(crate) halted: watch::Sender<bool>,
    /// Whether rows that wait are left to the next run.
    leaving: watch::Sender<bool>,
    pub(crate) outage: Outage,
    downloads: Downloads,
    ends: Mutex<Tally>,
    gone: Mutex<BTreeMap<String, Outcome>>,
    pub(crate) present: Arc<Present>,
    /// Ids that could not be recorded, by the row's number.
    unrecorded: Mutex<BTreeMap<u64, UnrecordedId>>,
}

/// The response to a create request that could not be recorded: sent again before anything else is said
/// of the row, for without it the row looks as if it had cost nothing.
#[derive(Clone)]
struct UnrecordedId {
    row: Arc<RowInfo>,
    mark: Mark,
}

impl Context {
    pub(crate) fn new(
        settings: Settings,
        worker: Worker,
        load: Option<LoadId>,
        history: History,
    ) -> Arc<Self> {
        Arc::new(Self {
            limiter: Limiter::with_backoff(settings.concurrency, settings.create.backoff),
            outage: Outage::new(settings.give_up_after),
            downloads: Downloads::new(settings.max_failed_downloads),
            settings,
            worker,
            load,
            history,
            present: Arc::default(),
            created: AtomicU64::new(0),
            unusable: AtomicU64::new(0),
            begun: AtomicBool::new(false),
            failures: AtomicU64::new(0),
            stopped: Mutex::new(None),
            halted: watch::Sender::new(false),
            leaving: watch::Sender::new(false),
            ends: Mutex::default(),
            gone: Mutex::default(),
            unrecorded: Mutex::default(),
        })
    }

    pub(crate) fn notify(&self, event: &Event<'_>) {
        (self.settings.observer)(event);
    }

    /// Notes that there is something to report from now on, whatever the ledger does.
    pub(crate) fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Releases the run's rows, and reports how they stand by `tally`. A ledger that
    /// fails is an error only if nothing was begun: else there is something to report.
    pub(crate) async fn close(
        &self,
        tally: impl Future<Output = Result<Tally, Error>>,
    ) -> Result<Report, Error> {
        let unrecorded = self.record_all_late().await;
        if let Some(Stopped::Ledger(e)) = self.stopped()
            && !self.begun.load(Ordering::Relaxed)
        {
            return Err(e);
        }
        // What this run still holds is freed before it is counted.
        let retired = self.worker.retire().await;
        let tally = tally.await;
        let mut report = Report {
            created: self.created.load(Ordering::Relaxed),
            unusable: self.unusable.load(Ordering::Relaxed),
            stopped: self.stopped(),
            ..Report::default()
        };
        let failed = retired.as_ref().err().or(tally.as_ref().err()).cloned();
        if let Some(e) = failed {
            if !self.begun.load(Ordering::Relaxed) {
                return Err(e);
            }
            report.stopped.get_or_insert(Stopped::Ledger(e));
        }
        report.tally = tally.unwrap_or_else(|_| self.ends());
        if retired.is_err() {
            // The ids that are not recorded: the next run will find these unresolved.
            let unrecorded = unrecorded as u64;
            report.tally.sending = report.tally.sending.saturating_sub(unrecorded);
            report.tally.unresolved += unrecorded;
        }
        Ok(report)
    }

    /// Stops creating, for the first reason that is given.
    pub(crate) fn halt(&self, reason: Stopped) {
        {
            let mut stopped = lock(&self.stopped);
            if stopped.is_some() {
                return;
            }
            *stopped = Some(reason.clone());
        }
        self.halted.send_replace(true);
        self.notify(&Event::Stopping { reason: &reason });
    }

    /// Stops creating if there was no progress for too long. Predictions at a service that cannot
    /// be reached are left to the next run.
    pub(crate) fn give_up_in_time(&self) {
        if self.stopped().is_some() {
            return;
        }
        if let Some((reason, message)) = self.outage.expired() {
            self.halt(Stopped::GaveUp { reason, message });
            if reason == PauseReason::Unreachable {
                self.leaving.send_replace(true);
            }
        }
    }

    /// Waits until another prediction may be created; `None` once the run stops creating.
    /// Tells the other processes of the ledger that the service asked to wait.
    pub(crate) async fn share_pause(&self, pause: Duration) {
        let service = self.settings.service.clone();
        // Without it they find out by themselves.
        _ = self.settings.ledger.pause(service, pause).await;
    }

    pub(crate) async fn acquire(&self) -> Option<Permit> {
        let mut halted = self.halted.subscribe();
        tokio::select! {
            biased;
            // Cannot fail: `self` owns the sender.
            _ = halted.wait_for(|halted| *halted) => None,
            permit = self.limiter.acquire() => Some(permit),
        }
    }

    /// Waits until rows that wait are left to the next run.
    pub(crate) async fn left(&self) {
        // Cannot fail: `self` owns the sender.
        let _ = self.leaving.subscribe().wait_for(|leaving| *leaving).await;
    }

    /// Notes that something was saved, which came from a file host or did not.
    pub(crate) fn downloaded(&self, is_download: bool, is_waiting: bool) {
        if self.downloads.succeeded(is_download, is_waiting) {
            self.go_on_creating();
        }
    }

    /// Notes that a row that waited to download again does so no more.
    pub(crate) fn download_given_up(&self) {
        if self.downloads.given_up() {
            self.go_on_creating();
        }
    }

    fn go_on_creating(&self) {
        self.limiter.release();
        self.outage
            .end(&[PauseReason::Downloads, PauseReason::OpenFiles]);
    }

    /// Notes that a download failed. Returns the turn to try again after a pause; `None` when
    /// the failure stands. While no download succeeds, all create requests pause. `is_waiting`
    /// says whether the row has waited before, and does from now on.
    pub(crate) async fn download_failed(
        &self,
        error: &cometapi::Error,
        is_waiting: &mut bool,
    ) -> Option<Turn> {
        let reason = if is_out_of_files(error) {
            PauseReason::OpenFiles
        } else if error.is_transient() && self.load.is_some() {
            PauseReason::Downloads
        } else {
            return None;
        };
        if self.stopped().is_some() || !self.downloads.failed(reason, *is_waiting) {
            return None;
        }
        *is_waiting = true;
        self.limiter.hold();
        self.outage.begin(reason, error);
        let again = async {
            let turn = self.downloads.turn().await;
            if let Some(tries) = self.downloads.next_try() {
                let pause = self.settings.create.backoff.delay(tries, fastrand::f64());
                self.notify(&Event::Paused {
                    reason,
                    pause,
                    limit: self.limiter.limit(),
                    cause: error,
                });
                sleep(pause).await;
            }
            turn
        };
        let mut halted = self.halted.subscribe();
        tokio::select! {
            turn = again => Some(turn),
            _ = halted.wait_for(|halted| *halted) => None,
        }
    }

    pub(crate) fn stopped(&self) -> Option<Stopped> {
        lock(&self.stopped).clone()
    }

    /// Whether no create request may be sent any more.
    pub(crate) fn is_stopping(&self) -> bool {
        self.settings.stop.requested() > 0 || self.stopped().is_some()
    }

    /// Records what happened to a row. A ledger that cannot be written stops the run, and
    /// is not a reason to drop what is paid for.
    pub(crate) async fn record(
        &self,
        row: &Arc<RowInfo>,
        id: Option<&str>,
        mark: Mark,
    ) -> Recorded {
        match self.record_late(row.seq).await {
            Recorded::Yes => {}
            // The failure has been reported; a mark without the id before it would say too much.
            unpaid => return unpaid,
        }
        let recorded = self.ask(row.seq, mark.clone()).await;
        self.written(row, id, mark, recorded)
    }

    /// Records the id that a create request returned. The ledger is asked before the observer is
    /// notified, so that an observer that is slow or panics cannot delay the commit.
    pub(crate) async fn record_id(
        &self,
        row: &Arc<RowInfo>,
        id: &str,
        mark: Mark,
        notify: impl FnOnce(),
    ) -> Recorded {
        let asked = self.ask(row.seq, mark.clone());
        notify();
        let recorded = asked.await;
        self.written(row, Some(id), mark, recorded)
    }

    fn ask(&self, seq: u64, mark: Mark) -> LedgerFuture<()> {
        self.worker.record(seq, mark)
    }

    fn written(
        &self,
        row: &Arc<RowInfo>,
        id: Option<&str>,
        mark: Mark,
        recorded: Result<(), Error>,
    ) -> Recorded {
        match recorded {
            Ok(()) => Recorded::Yes,
            Err(e) if e.kind() == ErrorKind::Lost => Recorded::Lost,
            Err(e) if e.kind() == ErrorKind::TakenId => Recorded::TakenId,
            Err(e) => {
                if matches!(mark, Mark::Created { .. }) {
                    let row = Arc::clone(row);
                    lock(&self.unrecorded).insert(row.seq, UnrecordedId { row, mark });
                }
                self.notify(&Event::Unrecorded { row, id, error: &e });
                self.halt(Stopped::Ledger(e));
                Recorded::No
            }
        }
    }

    /// Records the id of a row that could not be recorded before, if there is one.
    async fn record_late(&self, seq: u64) -> Recorded {
        let Some(unrecorded) = lock(&self.unrecorded).get(&seq).cloned() else {
            return Recorded::Yes;
        };
        let written = match self.ask(seq, unrecorded.mark.clone()).await {
            Ok(()) => Recorded::Yes,
            Err(e) if e.kind() == ErrorKind::Lost => Recorded::Lost,
            Err(e) if e.kind() == ErrorKind::TakenId => Recorded::TakenId,
            Err(_) => return Recorded::No,
        };
        let was_owed = lock(&self.unrecorded).remove(&seq).is_some();
        if let (true, Recorded::Yes, Mark::Created { id, .. }) =
            (was_owed, written, &unrecorded.mark)
        {
            self.notify(&Event::Created {
                row: &unrecorded.row,
                id,
            });
        }
        written
    }

    /// Tries once more to record all ids that could not be. How many are still not.
    pub(crate) async fn record_all_late(&self) -> usize {
        let seqs: Vec<u64> = lock(&self.unrecorded).keys().copied().collect();
        for seq in seqs {
            if self.record_late(seq).await == Recorded::No {
                break;
            }
        }
        lock(&self.unrecorded).len()
    }

    /// Whether there are ids that could not be recorded.
    pub(crate) fn has_unrecorded(&self) -> bool {
        !lock(&self.unrecorded).is_empty()
    }

    /// Counts the end of a row.
    pub(crate) fn count(&self, outcome: &Outcome, unresolved: bool) {
        {
            let mut ends = lock(&self.ends);
            if unresolved {
                ends.unresolved += 1;
            } else if outcome.is_success() {
                ends.succeeded += 1;
            } else {
                *ends.failed.entry(outcome.word()).or_default() += 1;
            }
        }
        if !outcome.is_success() {
            let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
            if self
                .settings
                .max_failures
                .is_some_and(|most| failures >= most)
            {
                self.halt(Stopped::TooManyFailures);
            }
        }
    }

    /// Counts a row that continues without this run.
    pub(crate) fn count_left(&self) {
        lock(&self.ends).running += 1;
    }

    /// What this run itself brought to an end.
    pub(crate) fn ends(&self) -> Tally {
        lock(&self.ends).clone()
    }

    /// Notes that the service does not offer `model`.
    pub(crate) fn model_gone(&self, model: &str, outcome: &Outcome) {
        lock(&self.gone)
            .entry(model.to_owned())
            .or_insert_with(|| outcome.clone());
    }

    /// The models that are known not to be offered, with what was said of it.
    pub(crate) fn models_gone(&self) -> BTreeMap<String, Outcome> {
        lock(&self.gone).clone()
    }

    pub(crate) fn is_model_gone(&self, model: &str) -> Option<Outcome> {
        lock(&self.gone).get(model).cloned()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // Asked for before the worker's end is, which would make them unresolved.
        for (seq, unrecorded) in std::mem::take(&mut *lock(&self.unrecorded)) {
            drop(self.ask(seq, unrecorded.mark));
        }
    }
}

/// Whether something was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    Yes,
    /// The ledger failed.
    No,
    /// The row is another's.
    Lost,
    /// The id is another row's.
    TakenId,
}
