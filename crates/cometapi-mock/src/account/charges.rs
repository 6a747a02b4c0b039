//! What the account was charged and refunded, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// One movement of the account: a charge, or the refund of one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge {
    /// The prediction's id.
    pub id: String,
    /// `owner/name`.
    pub model: String,
    /// Units of quota, 500,000 to a dollar; negative where it was refunded.
    pub quota: i64,
    /// When it happened, since the server's start, by tokio's clock.
    pub since_start: Duration,
}

/// The movements so far, and the refunds whose time the clock decides.
///
/// A caller that reads settles first, and adding settles by itself, so that a refund stands where its time puts it even if nothing
/// observed it.
#[derive(Debug, Default)]
pub(crate) struct Charges {
    movements: Vec<Charge>,
    /// The refunds that are due later: their times and movements.
    due: BinaryHeap<Reverse<(Duration, usize)>>,
    sum: u64,
    max: u64,
}

/// A charge's place among the movements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ChargeAt(usize);

impl Charges {
    /// Charges the account. Refunds that were due by `now` come before it.
    pub(crate) fn charge(&mut self, id: &str, model: &str, quota: u64, now: Duration) -> ChargeAt {
        self.settle(now);
        let at = ChargeAt(self.movements.len());
        self.sum = self.sum.saturating_add(quota);
        self.max = self.max.max(self.sum);
        self.movements.push(Charge {
            id: id.to_owned(),
            model: model.to_owned(),
            quota: i64::try_from(quota).unwrap_or(i64::MAX),
            since_start: now,
        });
        at
    }

    /// Refunds a charge now. It must not be refunded already.
    pub(crate) fn refund(&mut self, charge: ChargeAt, now: Duration) {
        self.settle(now);
        self.reverse(charge.0, now);
    }

    /// Refunds a charge at a time to come.
    pub(crate) fn refund_at(&mut self, charge: ChargeAt, time: Duration) {
        self.due.push(Reverse((time, charge.0)));
    }

    /// Carries out the refunds that were due by `now`.
    pub(crate) fn settle(&mut self, now: Duration) {
        while let Some(Reverse((time, charge))) = self.due.peek().copied()
            && time <= now
        {
            self.due.pop();
            self.reverse(charge, time);
        }
    }

    pub(crate) fn movements(&self) -> &[Charge] {
        &self.movements
    }

    /// The sum of the movements.
    pub(crate) fn sum(&self) -> u64 {
        self.sum
    }

    /// The highest that the sum has been.
    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    fn reverse(&mut self, charge: usize, time: Duration) {
        let Some(mut movement) = self.movements.get(charge).cloned() else {
            return;
        };
        self.sum = self.sum.saturating_sub(movement.quota.unsigned_abs());
        movement.quota = -movement.quota;
        movement.since_start = time;
        self.movements.push(movement);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn shown(charges: &Charges) -> Vec<(&str, i64, u64)> {
        let movements = charges.movements().iter();
        movements
            .map(|one| (&*one.id, one.quota, one.since_start.as_secs()))
            .collect()
    }

    #[test]
    fn a_refund_that_nothing_observed_stands_where_its_time_puts_it() {
        let mut charges = Charges::default();
        let late = charges.charge("late", "a/b", 10, at(0));
        charges.refund_at(late, at(9));
        let early = charges.charge("early", "a/b", 20, at(1));
        charges.refund_at(early, at(3));
        charges.charge("next", "a/b", 5, at(4));
        assert_eq!((charges.sum(), charges.max()), (15, 30));
        charges.settle(at(8));
        assert_eq!(charges.sum(), 15);
        charges.settle(at(9));
        assert_eq!(
            shown(&charges),
            [
                ("late", 10, 0),
                ("early", 20, 1),
                ("early", -20, 3),
                ("next", 5, 4),
                ("late", -10, 9)
            ]
        );
        assert_eq!((charges.sum(), charges.max()), (5, 30));
    }

    /// As under a paused clock, where everything happens at one instant.
    #[test]
    fn movements_of_one_instant_keep_the_order_in_which_they_happened() {
        let mut charges = Charges::default();
        let first = charges.charge("a", "m", 1, at(0));
        charges.charge("b", "m", 2, at(0));
        charges.refund(first, at(0));
        charges.charge("c", "m", 2, at(0));
        let ids: Vec<_> = shown(&charges).iter().map(|(id, ..)| *id).collect();
        assert_eq!(ids, ["a", "b", "a", "c"]);
        assert_eq!((charges.sum(), charges.max()), (4, 4));
    }

    #[test]
    fn a_refund_due_at_the_instant_of_a_charge_comes_first() {
        let mut charges = Charges::default();
        let first = charges.charge("a", "m", 3, at(0));
        charges.refund_at(first, at(2));
        charges.charge("b", "m", 3, at(2));
        assert_eq!((charges.sum(), charges.max()), (3, 3));
    }

    #[test]
    fn what_is_free_is_a_movement_of_nothing() {
        let mut charges = Charges::default();
        let free = charges.charge("a", "m", 0, at(0));
        charges.refund(free, at(1));
        assert_eq!(shown(&charges), [("a", 0, 0), ("a", 0, 1)]);
        assert_eq!((charges.sum(), charges.max()), (0, 0));
    }
}
