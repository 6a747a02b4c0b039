//! The loop of a run: take rows, work on them, until there are none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cometapi::BoxFuture;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::batch::context::Context;
use crate::batch::event::{Event, RowInfo};
use crate::batch::reason::Stopped;
use crate::batch::row::{self, Spent};
use crate::batch::stop::Urgency;
use crate::error::{Error, ErrorKind};
use crate::ledger::{Claimed, LoadId, Want};

/// How soon it is noticed that another process has ended, or has released a row: at first, and at most when
/// nothing was free for a while.
const CLAIM_AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// How soon an id that could not be recorded is tried again.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

/// How many rows of a model that is not offered are ended at once.
const AT_ONCE: u32 = 500;

/// Takes rows and works on them, and creates at most `creates` predictions.
pub(crate) async fn drive(context: &Arc<Context>, creates: u64) -> Result<(), Error> {
    let mut drive = Drive {
        context,
        load: context.load,
        tasks: JoinSet::new(),
        budget: creates,
        claim_at: Instant::now(),
        claim_again: CLAIM_AGAIN.0,
        notified: context.settings.ledger.notified(),
        record_at: Instant::now(),
        elsewhere: 0,
        is_held_back: false,
        ended: BTreeSet::new(),
    };
    drive.run().await
}

struct Drive<'c> {
    context: &'c Arc<Context>,
    load: Option<LoadId>,
    /// Dropping it ends all of them.
    tasks: JoinSet<Spent>,
    /// How many more may be created.
    budget: u64,
    /// When to look for rows the next time.
    claim_at: Instant,
    /// How long after a claim for which nothing was free.
    claim_again: Duration,
    /// When another process has loaded rows since the last claim that this caused.
    notified: BoxFuture<()>,
    /// When to try again to record ids that could not be.
    record_at: Instant,
    /// How many rows others held when nothing else was left.
    elsewhere: u64,
    /// Whether the predictions in flight were too many when nothing else was left.
    is_held_back: bool,
    /// Models not offered whose rows have been ended.
    ended: BTreeSet<String>,
}

impl Drive<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        let stop = self.context.settings.stop.clone();
        let mut halted = self.context.halted.subscribe();
        let mut outage = self.context.outage.subscribe();
        loop {
            // What is asked from here on must not be missed below.
            let urgency = stop.urgency();
            if urgency > Urgency::None {
                self.context.halt(Stopped::Asked);
            }
            if stop.is_due() {
                self.tasks.shutdown().await;
                return Ok(());
            }
            self.context.give_up_in_time();
            self.end_models_gone().await;
            let room = self.room();
            if room > 0 && Instant::now() >= self.claim_at && !self.claim(room).await? {
                return Ok(());
            }
            if self.tasks.is_empty() && !self.takes_up() {
                return Ok(());
            }
            let idle = self.room() > 0 && self.takes_up();
            let has_unrecorded = self.context.has_unrecorded();
            if !has_unrecorded {
                self.record_at = Instant::now() + RECORD_AGAIN;
            }
            let give_up_at = self.give_up_at();
            tokio::select! {
                Some(done) = self.tasks.join_next() => {
                    self.done(done);
                    // One claim replaces all rows that ended since the last one.
                    while let Some(done) = self.tasks.try_join_next() {
                        self.done(done);
                    }
                }
                () = sleep_until(self.claim_at), if idle => {}
                () = &mut self.notified, if idle => {
                    // Before the claim, which must not miss what is loaded after it.
                    self.notified = self.context.settings.ledger.notified();
                    self.claim_soon();
                }
                () = record_again(self.context, self.record_at), if has_unrecorded => {
                    self.record_at = Instant::now() + RECORD_AGAIN;
                }
                () = stop.beyond(urgency) => {}
                () = stop.overdue(), if urgency > Urgency::None => {}
                () = sleep_until(give_up_at.unwrap_or_else(Instant::now)), if give_up_at.is_some() => {}
                _ = outage.changed() => {}
                // Cannot fail: the context owns the sender.
                _ = halted.changed() => {}
            }
        }
    }

    /// When to give up, as long as nothing has stopped the run.
    fn give_up_at(&self) -> Option<Instant> {
        match self.context.stopped() {
            Some(_) => None,
            None => self.context.outage.deadline(),
        }
    }

    fn room(&self) -> usize {
        let most = self.context.settings.concurrency.max(1);
        most.saturating_sub(self.tasks.len())
    }

    /// Whether rows are taken at all.
    fn takes_up(&self) -> bool {
        let stopped = self.context.stopped();
        self.context.settings.stop.urgency() < Urgency::Leave
            && stopped.is_none_or(|stopped| stopped.takes_up())
    }

    fn creates(&self) -> bool {
        self.load.is_some() && self.budget > 0 && self.context.stopped().is_none()
    }

    /// Claims rows. Returns whether there is anything left to do.
    async fn claim(&mut self, room: usize) -> Result<bool, Error> {
        if !self.takes_up() {
            return Ok(!self.tasks.is_empty());
        }
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        let creates = if self.creates() {
            room.min(u32::try_from(self.budget).unwrap_or(u32::MAX))
        } else {
            0
        };
        let max_cost = self.context.settings.max_cost;
        let want = Want::new(self.load, room, creates)
            .within(max_cost)
            .beside(self.context.settings.max_in_flight);
        let ledger = &self.context.settings.ledger;
        let stop = self.context.settings.stop.clone();
        let claimed = tokio::select! {
            claimed = ledger.claim(self.context.worker.id(), want) => claimed,
            // Another process may hold the ledger for long; a run that leaves does not wait for it.
            () = stop.leaving() => return Ok(true),
        };
        let claimed = match claimed {
            Ok(claimed) => claimed,
            // Another process holds the ledger for long; what runs here continues meanwhile.
            Err(e) if e.kind() == ErrorKind::Busy && !self.tasks.is_empty() => {
                self.claim_at = Instant::now() + CLAIM_AGAIN.0;
                return Ok(true);
            }
            Err(e) => {
                self.context.halt(Stopped::Ledger(e));
                return Ok(!self.tasks.is_empty());
            }
        };
        if claimed.jobs.is_empty() {
            self.claim_at = Instant::now() + self.claim_again;
            self.claim_again = (self.claim_again * 2).min(CLAIM_AGAIN.1);
            if let (true, Some(max), 1.., 0) = (
                self.tasks.is_empty() && creates > 0,
                max_cost,
                claimed.unaffordable,
                claimed.elsewhere,
            ) {
                // Nothing is in flight whose failure would make room.
                let rows = claimed.unaffordable;
                self.context.halt(Stopped::MaxCost { max, rows });
                return Ok(false);
            }
            if self.tasks.is_empty() {
                // A run that may not create has no use for rows of others.
                if claimed.elsewhere + claimed.in_flight == 0 || !self.creates() {
                    return Ok(false);
                }
                self.waits_for_others(&claimed);
            }
        }
        if !claimed.paused.is_zero() && self.context.limiter.pause(claimed.paused) {
            let pause = claimed.paused;
            self.context.notify(&Event::PausedElsewhere { pause });
        }
        for job in claimed.jobs {
            if job.id.is_none() {
                self.budget -= 1;
            } else {
                self.context.begin();
            }
            self.tasks.spawn(row::work(Arc::clone(self.context), job));
        }
        Ok(true)
    }

    fn claim_soon(&mut self) {
        self.claim_at = Instant::now();
        self.claim_again = CLAIM_AGAIN.0;
    }

    /// Says what is waited for, where it is not what was waited for before.
    fn waits_for_others(&mut self, claimed: &Claimed) {
        let rows = claimed.elsewhere;
        if rows != self.elsewhere {
            self.elsewhere = rows;
            if rows > 0 {
                self.context.notify(&Event::Elsewhere { rows });
            }
        }
        let predictions = claimed.in_flight;
        if (predictions > 0) != self.is_held_back {
            self.is_held_back = predictions > 0;
            if self.is_held_back {
                self.context.notify(&Event::InFlight { predictions });
            }
        }
    }

    fn done(&mut self, done: Result<Spent, JoinError>) {
        // There is room again.
        self.claim_soon();
        match done {
            Ok(Spent::Yes) => {}
            Ok(Spent::No) => self.budget = self.budget.saturating_add(1),
            // A panic of the observer is passed on.
            Err(e) => {
                if let Ok(panic) = e.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }

    /// Ends the rows whose model the service does not offer.
    async fn end_models_gone(&mut self) {
        let Some(load) = self.load else { return };
        for (model, outcome) in self.context.models_gone() {
            if !self.ended.insert(model.clone()) {
                continue;
            }
            loop {
                let ledger = &self.context.settings.ledger;
                let ended = ledger
                    .refuse_model(load, model.clone(), outcome.clone(), AT_ONCE)
                    .await;
                let ended = match ended {
                    Ok(ended) if ended.is_empty() => break,
                    Ok(ended) => ended,
                    Err(e) => {
                        self.context.halt(Stopped::Ledger(e));
                        return;
                    }
                };
                for job in ended {
                    self.context.notify(&Event::Ended {
                        row: &Arc::new(RowInfo::from(&job)),
                        id: None,
                        outcome: &outcome,
                        files: &[],
                        prediction: None,
                    });
                    self.context.count(&outcome, false);
                }
            }
        }
    }
}

async fn record_again(context: &Context, at: Instant) {
    sleep_until(at).await;
    context.record_all_late().await;
}
