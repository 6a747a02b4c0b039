//! Which task an unresolved prediction is, if that can be known. Money hangs on this.

use std::time::{Duration, SystemTime};

use cometapi_account::Task;

use crate::resolve::input::InputMatch;

/// How far the clocks of this machine and of the service may differ.
const SKEW: Duration = Duration::from_secs(120);

/// A prediction whose create request may have been accepted.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    /// Its number in the ledger.
    pub(super) seq: u64,
    /// The model, `owner/name`.
    pub(super) model: String,
    /// The hash of model and input, without space around strings: a service may trim them.
    pub(super) hash: String,
    /// When its request was sent, and given up; the same clock as [`Known`]. One that a worker is sending
    /// now has no end.
    pub(super) sent: SystemTime,
    pub(super) given_up: Option<SystemTime>,
}

impl Doubt {
    /// Whether a task that was submitted then may be it, as far as times say.
    pub(super) fn may_be_at(&self, submitted: Option<SystemTime>) -> bool {
        let Some(submitted) = submitted else {
            return true;
        };
        let until = self.given_up.map(|at| at + SKEW);
        self.sent
            .checked_sub(SKEW)
            .is_none_or(|from| from <= submitted)
            && until.is_none_or(|until| submitted <= until)
    }
}

/// A task that the ledger knows by its id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) sent: SystemTime,
    pub(super) created: SystemTime,
}

/// A task of the account.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) task: Task,
    /// What the ledger knows of it.
    pub(super) known: Option<Known>,
    /// How its input compares with that of each doubt of its model, by the doubt's number. Empty for one
    /// that is known.
    pub(super) inputs: Vec<(u64, InputMatch)>,
}

impl Listed {
    fn input(&self, doubt: &Doubt) -> InputMatch {
        if self.known.is_some() || !self.task.may_be_of(&doubt.model) {
            return InputMatch::Different;
        }
        let of = |(seq, input): &(u64, InputMatch)| (*seq == doubt.seq).then_some(*input);
        self.inputs
            .iter()
            .find_map(of)
            .unwrap_or(InputMatch::Unknown)
    }

    /// Whether it is certainly not this doubt, whatever its time: the ledger knows it, or it is of another model,
    /// or it has exactly the input of another one of `doubts`. Another input alone is no proof, because the service
    /// may have changed it.
    fn is_another(&self, doubt: &Doubt, doubts: &[Doubt]) -> bool {
        let is_of = |other: &Doubt| {
            self.input(other) == InputMatch::Same && other.may_be_at(self.task.submitted_at)
        };
        self.known.is_some()
            || !self.task.may_be_of(&doubt.model)
            || self.input(doubt) == InputMatch::Different && doubts.iter().any(is_of)
    }
}

/// What is known of a doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is this task.
    Is(usize),
    /// It may be one of these, or none.
    MayBe(Vec<usize>),
    /// No task can be it, although one that was sent before it and one that was sent after it are listed.
    Absent { before: usize, after: usize },
    /// No task can be it, which proves nothing.
    Unproven,
}

/// Decides what `doubt` is. `doubts` has all that are unresolved or being sent, at any service: one may have two
/// addresses. `doubt` itself is included. `is_complete` says whether the list has every task of its time.
pub(super) fn decide(
    doubt: &Doubt,
    doubts: &[Doubt],
    listed: &[Listed],
    is_complete: bool,
) -> Decision {
    let may_be: Vec<usize> = (0..listed.len())
        .filter(|index| {
            let it = &listed[*index];
            it.input(doubt) != InputMatch::Different && doubt.may_be_at(it.task.submitted_at)
        })
        .collect();
    if may_be.is_empty() {
        return absent(doubt, doubts, listed, is_complete);
    }
    // The platform is asked for: one that has another may be a task like any other of this service.
    let is_complete = is_complete && !may_be.iter().any(|it| listed[*it].task.is_elsewhere());
    let mut same = may_be
        .iter()
        .filter(|index| listed[**index].input(doubt) == InputMatch::Same);
    if let (Some(only), None, true) = (same.next(), same.next(), is_complete) {
        let submitted = listed[*only].task.submitted_at;
        // Another request with this input is as good a candidate.
        let has_rival = doubts.iter().any(|other| {
            other.seq != doubt.seq && other.hash == doubt.hash && other.may_be_at(submitted)
        });
        if submitted.is_some() && !has_rival {
            return Decision::Is(*only);
        }
    }
    Decision::MayBe(may_be)
}

/// Absence proves something only between two tasks that the ledger knows, by the service's own clock.
fn absent(doubt: &Doubt, doubts: &[Doubt], listed: &[Listed], is_complete: bool) -> Decision {
    let Some(given_up) = doubt.given_up.filter(|_| is_complete) else {
        return Decision::Unproven;
    };
    let known = || {
        let known = listed.iter().enumerate();
        known.filter_map(|(index, it)| Some((index, it.known?, it.task.submitted_at?)))
    };
    let before = known()
        .filter(|(_, known, _)| known.created <= doubt.sent)
        .max_by_key(|(_, _, submitted)| *submitted);
    let after = known()
        .filter(|(_, known, _)| known.sent >= given_up)
        .min_by_key(|(_, _, submitted)| *submitted);
    let (Some((before, _, from)), Some((after, _, until))) = (before, after) else {
        return Decision::Unproven;
    };
    // The clocks may differ by more than was allowed for.
    let between: Vec<usize> = (0..listed.len())
        .filter(|index| {
            let it = &listed[*index];
            let submitted = it.task.submitted_at;
            !it.is_another(doubt, doubts) && submitted.is_none_or(|at| from <= at && at <= until)
        })
        .collect();
    if between.is_empty() {
        Decision::Absent { before, after }
    } else {
        Decision::MayBe(between)
    }
}

#[cfg(test)]
mod tests;
