//! What is planned for which requests, and how often.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Something planned for coming requests: what, how often, for which of them.
///
/// Made from the thing itself (`Fault::Close` by itself means "once, for any"), or with
/// [`Plan::of`].
///
/// ```
/// use cometapi_mock::{Fault, Plan};
///
/// let twice = Plan::of(Fault::EmptyTooManyRequests).times(2);
/// let only_dev = Fault::Close.always().model("black-forest-labs/flux-dev");
/// # let _ = (twice, only_dev);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a plan does nothing until it is given to a server"]
pub struct Plan<T> {
    what: T,
    /// `None`: without end.
    left: Option<u32>,
    skip: u32,
    model: Option<String>,
    id: Option<String>,
    after_accept: bool,
    /// Below which a draw from 2^32 numbers must be; `None`: no draw is needed.
    share: Option<u64>,
}

impl<T> Plan<T> {
    /// Once, for the next request of any model and id.
    pub const fn of(what: T) -> Self {
        Self {
            what,
            left: Some(1),
            skip: 0,
            model: None,
            id: None,
            after_accept: false,
            share: None,
        }
    }

    /// This many times.
    pub fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }

    /// For as long as the server runs.
    pub fn always(mut self) -> Self {
        self.left = None;
        self
    }

    /// For this share of the requests that it fits, 0 to 1, drawn from the server's
    /// [seed](crate::Builder::seed). A request that is not drawn goes to the next plan.
    ///
    /// ```
    /// use cometapi_mock::Fault;
    ///
    /// let one_in_ten = Fault::BadGatewayPage.always().share(0.1);
    /// # let _ = one_in_ten;
    /// ```
    pub fn share(mut self, share: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=2^32; of NaN it makes 0"
        )]
        let threshold = (share.clamp(0.0, 1.0) * DRAWS) as u64;
        self.share = Some(threshold);
        self
    }

    /// Lets this many requests pass first.
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// For this model only, `owner/name`.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// For the prediction of this id only. A create request has none yet.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Carries the request out first: after a create request that
    /// got a fault as its response, the prediction exists and was charged for.
    pub fn after_accept(mut self) -> Self {
        self.after_accept = true;
        self
    }

    fn fits(&self, model: Option<&str>, id: Option<&str>) -> bool {
        let fits =
            |wanted: &Option<String>, is: Option<&str>| wanted.is_none() || wanted.as_deref() == is;
        self.left != Some(0) && fits(&self.model, model) && fits(&self.id, id)
    }
}

impl<T> From<T> for Plan<T> {
    fn from(what: T) -> Self {
        Self::of(what)
    }
}

/// A planned thing whose turn has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scheduled<T> {
    pub(crate) what: T,
    pub(crate) after_accept: bool,
}

/// Plans in the order in which they were made; the first that fits has its turn.
#[derive(Debug)]
pub(crate) struct Queue<T>(Mutex<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    plans: VecDeque<Plan<T>>,
    draws: fastrand::Rng,
}

/// How many numbers a draw is from.
const DRAWS: f64 = 4_294_967_296.0;

impl<T: Clone> Queue<T> {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(Inner {
            plans: VecDeque::new(),
            draws: fastrand::Rng::with_seed(seed),
        }))
    }

    pub(crate) fn add(&self, plan: Plan<T>) {
        self.lock().plans.push_back(plan);
    }

    pub(crate) fn clear(&self) {
        self.lock().plans.clear();
    }

    pub(crate) fn take(&self, model: Option<&str>, id: Option<&str>) -> Option<Scheduled<T>> {
        let mut inner = self.lock();
        let Inner { plans, draws } = &mut *inner;
        let at = plans.iter_mut().position(|plan| {
            let fits = plan.fits(model, id);
            let waits = fits && plan.skip > 0;
            if waits {
                plan.skip -= 1;
            }
            let mut is_drawn = || {
                plan.share
                    .is_none_or(|share| u64::from(draws.u32(..)) < share)
            };
            fits && !waits && is_drawn()
        })?;
        let plan = &mut plans[at];
        let scheduled = Scheduled {
            what: plan.what.clone(),
            after_accept: plan.after_accept,
        };
        if let Some(left) = &mut plan.left {
            *left -= 1;
            if *left == 0 {
                plans.remove(at);
            }
        }
        Some(scheduled)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner<T>> {
        // Nothing in here leaves a half-changed queue behind when it panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(plans: impl IntoIterator<Item = Plan<char>>) -> Queue<char> {
        let queue = Queue::new(7);
        plans.into_iter().for_each(|plan| queue.add(plan));
        queue
    }

    fn drain(queue: &Queue<char>, model: &str, id: &str, times: usize) -> String {
        (0..times)
            .map(|_| {
                queue
                    .take(Some(model), Some(id))
                    .map_or('-', |scheduled| scheduled.what)
            })
            .collect()
    }

    #[test]
    fn one_after_another() {
        let queue = queue([
            Plan::of('a').times(2),
            Plan::of('b'),
            Plan::of('c').always(),
        ]);
        assert_eq!(drain(&queue, "m", "i", 6), "aabccc");
        queue.clear();
        assert_eq!(drain(&queue, "m", "i", 1), "-");
    }

    #[test]
    fn only_where_it_fits() {
        let queue = queue([Plan::of('a').model("x").always(), Plan::of('b').id("7")]);
        assert_eq!(drain(&queue, "y", "6", 2), "--");
        assert_eq!(drain(&queue, "y", "7", 2), "b-");
        assert_eq!(drain(&queue, "x", "6", 2), "aa");
        assert_eq!(queue.take(None, None), None);
    }

    #[test]
    fn lets_requests_pass_first() {
        let queue = queue([Plan::of('a').skip(2).times(2)]);
        assert_eq!(drain(&queue, "m", "i", 6), "--aa--");
    }

    #[test]
    fn a_share_is_drawn_from_the_seed() {
        let share = |share: f64| {
            let queue = queue([Plan::of('a').always().share(share), Plan::of('b').always()]);
            drain(&queue, "m", "i", 1000)
        };
        let count = |drawn: &str| drawn.matches('a').count();
        assert_eq!(count(&share(0.0)), 0);
        assert_eq!(count(&share(-1.0)), 0);
        assert_eq!(count(&share(f64::NAN)), 0);
        assert_eq!(count(&share(1.0)), 1000);
        assert_eq!(count(&share(2.0)), 1000);
        let tenth = share(0.1);
        assert!((70..130).contains(&count(&tenth)), "{}", count(&tenth));
        // What is not drawn goes to the next plan, and the same seed draws the same.
        assert_eq!(tenth.replace('a', "b"), "b".repeat(1000));
        assert_eq!(share(0.1), tenth);
    }

    #[test]
    fn a_share_counts_only_what_it_was_drawn_for() {
        let queue = queue([Plan::of('a').times(3).share(0.5)]);
        assert_eq!(drain(&queue, "m", "i", 100).matches('a').count(), 3);
    }

    #[test]
    fn never_is_never() {
        let queue = queue([Plan::of('a').times(0), Plan::of('b')]);
        assert_eq!(drain(&queue, "m", "i", 2), "b-");
    }
}
