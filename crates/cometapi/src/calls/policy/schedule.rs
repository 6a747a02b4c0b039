//! When to poll a run of a model whose past durations are known.

use std::fmt;
use std::iter::{once, successors};
use std::sync::Arc;
use std::time::Duration;

use crate::calls::policy::durations::Durations;
use crate::calls::policy::pace::PollPace;

/// No prediction is polled more often by a schedule.
const MIN_GAP: f64 = 0.25;

/// How late the end of a run is to be noticed on average, in seconds.
const DELAY: f64 = 0.238;

/// And at most this share of the typical duration.
const DELAY_SHARE: f64 = 0.15;

/// The least probability that a run does not take what past runs took.
const MIN_DOUBT: f64 = 0.007;

/// The standard deviation of the logarithm of a model's durations, as far as nothing is known.
const USUAL_SPREAD: f64 = 0.2;

/// The number of runs that this assumption counts for.
const USUAL_RUNS: f64 = 2.0;

/// How far the age of a run that a wait knows is off the service's own, in seconds: it counts from the
/// response to the create request.
const CLOCK_ERROR: f64 = 0.1;

/// The smallest spread: no model is more regular than this.
const MIN_SPREAD: f64 = 0.05;

/// Shorter durations count as this one, in seconds: the first poll comes no sooner.
const SHORTEST: f64 = MIN_GAP;

/// The number of cells of the table. The first ends at [`MIN_GAP`], the last after 1.5 hours.
const CELLS: usize = 256;

/// By how much each cell is longer than the one before. It must be less than the smallest spread.
const GROWTH: f64 = 1.04;

/// When to poll a run of a model whose past [`Durations`] are known: often while it is likely to
/// finish, seldom before. Cheap to clone: the clones share one table of 4 kB.
///
/// # The method
///
/// Let `f(t)` be the density of the durations, `S(t)` the probability that a run is still going on at
/// age `t`, and `h = f / S` the hazard of finishing. Polls that are `g` apart notice the end
/// `g / 2` late. If a poll costs as much as a delay of `c`, then over a short time at age `t` a run costs
/// `c / g + h * g / 2`, which is least for `g = sqrt(2 * c / h)`. With `k = sqrt(2 * c)` the density of
/// polls is `sqrt(h) / k`; the mean delay is `k * J / 2` and the number of polls `J / k`, where `J` is the
/// integral of `sqrt(f * S)`. No schedule has a smaller product of the two than `J² / 2`. So `k` is
/// chosen for a mean delay of a quarter of a second, or 0.15 of the typical duration if that is less.
///
/// The durations are described by one log-normal distribution, or by two if they fall into two groups
/// (a model that is warm or has to start first). The spread of each is drawn towards 0.2 as if by two more
/// runs, and widened for the uncertainty of few runs and by 0.1 s for the difference of the clocks.
///
/// # When the history is wrong
///
/// With a small probability, the doubt, the run has nothing to do with the history, and is polled at
/// the pace of [`PollPace::default`]. The doubt is `1 / (n + 1)²` after `n` runs, and never below 0.007.
/// A run that goes on beyond what the history explains makes the doubt grow by Bayes' rule, to 1 in the end.
/// The density of polls is the root of the weighted mean of both squared densities, as it is for hazards. So
///
/// - before the runs of the history end, pauses are at most twelve times those of the pace: a run that
///   is over sooner is noticed before it is four times as old, or 7 s old;
/// - after that, pauses are those of the pace: a tenth of the age.
///
/// Polls are never less than 250 ms apart.
#[derive(Clone, PartialEq)]
pub struct PollSchedule {
    /// The edges of the cells.
    edges: Arc<[Edge]>,
}

/// How many polls there are, as a fraction too, until an age in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Edge {
    age: f64,
    polls: f64,
}

impl Durations {
    /// When to poll a run of this model; `None` if nothing is known.
    pub fn schedule(&self) -> Option<PollSchedule> {
        PollSchedule::new(self)
    }
}

impl PollSchedule {
    fn new(durations: &Durations) -> Option<Self> {
        let groups = Group::all(durations);
        if groups.is_empty() {
            return None;
        }
        let finished = |age: f64| -> f64 { groups.iter().map(|group| group.finished(age)).sum() };
        let ages: Vec<f64> = successors(Some(MIN_GAP), |age| Some(age * GROWTH))
            .take(CELLS)
            .collect();
        let starts = once(0.0).chain(ages.iter().copied());
        let cells: Vec<Cell> = starts
            .zip(&ages)
            .map(|(start, end)| Cell {
                end: *end,
                width: end - start,
                finishing: (finished(*end) - finished(start)).max(0.0),
                // Sums of shares may be off by the last digit.
                running: (1.0 - f64::midpoint(finished(start), finished(*end))).max(f64::EPSILON),
            })
            .collect();
        let integral: f64 = cells
            .iter()
            .map(|cell| (cell.width * cell.finishing * cell.running).sqrt())
            .sum();
        let typical: f64 = groups.iter().map(|group| group.share * group.center).sum();
        let delay = DELAY.min(DELAY_SHARE * typical.exp());
        // Where polls are few, the whole numbers of them notice the end sooner than their density says.
        let polls = integral * integral / (2.0 * delay);
        let delay = delay * (1.0 + 1.0 / (polls + 3.0));
        let scale = 2.0 * delay / integral.max(f64::MIN_POSITIVE);
        let doubt = (count(durations.len()) + 1.0).powi(-2).max(MIN_DOUBT);
        let pace = PollPace::default();
        let mut edges = vec![Edge::default()];
        let mut polls = 0.0;
        for cell in cells {
            let hazard = cell.finishing / (cell.width * cell.running);
            let expected = hazard / (scale * scale);
            let unexpected = pace.seconds(cell.end).powi(-2);
            let doubt = doubt / (doubt + (1.0 - doubt) * cell.running);
            let density = ((1.0 - doubt) * expected + doubt * unexpected).sqrt();
            polls += density.min(1.0 / MIN_GAP) * cell.width;
            edges.push(Edge {
                age: cell.end,
                polls,
            });
        }
        let edges = edges.into();
        Some(Self { edges })
    }

    /// The pause before the next poll of a run of this `age`: until there are `polls` more, one as a
    /// rule. `None` if that is beyond the table.
    pub(super) fn pause(&self, age: Duration, polls: f64) -> Option<Duration> {
        let age = age.as_secs_f64();
        let target = polls + self.interpolate(age, |edge| edge.age, |edge| edge.polls)?;
        let next = self.interpolate(target, |edge| edge.polls, |edge| edge.age)?;
        Duration::try_from_secs_f64((next - age).max(MIN_GAP)).ok()
    }

    /// The value of `to` where `from` is `at`.
    fn interpolate(&self, at: f64, from: fn(&Edge) -> f64, to: fn(&Edge) -> f64) -> Option<f64> {
        let after = self.edges.partition_point(|edge| from(edge) <= at);
        let (start, end) = (
            self.edges.get(after.checked_sub(1)?)?,
            self.edges.get(after)?,
        );
        let share = (at - from(start)) / (from(end) - from(start));
        Some(to(start) + share * (to(end) - to(start)))
    }
}

impl fmt::Debug for PollSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollSchedule").finish_non_exhaustive()
    }
}

/// What the history says of the time between two ages.
struct Cell {
    /// The second age, and the time between the two, in seconds.
    end: f64,
    width: f64,
    /// The share of all runs that finish in it.
    finishing: f64,
    /// The share that goes on beyond its middle.
    running: f64,
}

/// Runs whose durations have one log-normal distribution.
struct Group {
    /// The share of all runs that are in it.
    share: f64,
    /// The mean of the logarithms.
    center: f64,
    /// Their standard deviation.
    spread: f64,
}

impl Group {
    /// One group, or two if the runs fall apart.
    fn all(durations: &Durations) -> Vec<Self> {
        let mut logs: Vec<f64> = durations
            .iter()
            .map(|duration| duration.as_secs_f64().max(SHORTEST).ln())
            .collect();
        logs.sort_by(f64::total_cmp);
        let parts = match split(&logs) {
            Some((low, high)) => vec![low, high],
            None if logs.is_empty() => vec![],
            None => vec![&logs[..]],
        };
        parts
            .into_iter()
            .map(|part| Self::new(part, logs.len()))
            .collect()
    }

    fn new(logs: &[f64], all: usize) -> Self {
        let runs = count(logs.len());
        let usual = USUAL_RUNS * USUAL_SPREAD * USUAL_SPREAD;
        let variance = (squares(logs) + usual) / (runs - 1.0 + USUAL_RUNS);
        // The next run deviates also by the error of the mean, and of the variance itself.
        let variance = variance * (1.0 + 3.0 / runs);
        Self {
            share: runs / count(all),
            center: mean(logs),
            spread: variance
                .sqrt()
                .max(MIN_SPREAD)
                .hypot(CLOCK_ERROR / mean(logs).exp()),
        }
    }

    /// The share of all runs that are of this group and over at `age`. The logistic function is close to
    /// the normal distribution's, cheaper, and has longer tails.
    fn finished(&self, age: f64) -> f64 {
        let deviation = (age.ln() - self.center) / self.spread;
        self.share / (1.0 + (-1.814 * deviation).exp())
    }
}

/// Splits sorted logarithms at the widest gap, if they are two groups rather than one: the gap is a
/// factor of 1.65 at least, and the groups explain three quarters of the variance.
fn split(logs: &[f64]) -> Option<(&[f64], &[f64])> {
    let gap = |at: usize| logs[at] - logs[at - 1];
    let widest = (1..logs.len()).max_by(|a, b| gap(*a).total_cmp(&gap(*b)))?;
    let (low, high) = logs.split_at(widest);
    let is_apart = logs.len() >= 4
        && gap(widest) > 0.5
        && 4.0 * (squares(low) + squares(high)) < squares(logs);
    is_apart.then_some((low, high))
}

fn mean(logs: &[f64]) -> f64 {
    logs.iter().sum::<f64>() / count(logs.len())
}

/// The sum of the squared deviations from the mean.
fn squares(logs: &[f64]) -> f64 {
    let mean = mean(logs);
    logs.iter().map(|log| (log - mean).powi(2)).sum()
}

/// A number of runs; there are no more than [`Durations::CAPACITY`].
fn count(runs: usize) -> f64 {
    u32::try_from(runs).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(seconds: impl IntoIterator<Item = f64>) -> PollSchedule {
        let durations = seconds.into_iter().map(Duration::from_secs_f64);
        durations.collect::<Durations>().schedule().unwrap()
    }

    /// The ages in seconds at which a run is polled until it is `until` old.
    fn polls(schedule: &PollSchedule, until: f64) -> Vec<f64> {
        let mut ages = vec![];
        let mut age = Duration::ZERO;
        while age.as_secs_f64() < until {
            age += schedule.pause(age, 1.0).unwrap();
            ages.push(age.as_secs_f64());
        }
        ages
    }

    fn between(ages: &[f64], from: f64, to: f64) -> usize {
        ages.iter().filter(|age| (from..to).contains(*age)).count()
    }

    #[test]
    fn a_run_is_polled_where_it_is_likely_to_end() {
        let ages = polls(
            &schedule([9.0, 9.5, 10.0, 10.0, 10.5, 11.0].repeat(4)),
            14.0,
        );
        assert!(between(&ages, 0.0, 7.0) <= 2, "{ages:?}");
        assert!(between(&ages, 9.0, 11.0) >= 4, "{ages:?}");
    }

    #[test]
    fn a_model_with_two_kinds_of_runs_is_polled_around_both() {
        let ages = polls(&schedule([4.9, 5.0, 5.1, 24.0, 25.0, 26.0].repeat(4)), 30.0);
        assert!(between(&ages, 4.5, 5.6) >= 2, "{ages:?}");
        assert!(between(&ages, 7.0, 20.0) <= 3, "{ages:?}");
        assert!(between(&ages, 23.0, 27.0) >= 4, "{ages:?}");
    }

    #[test]
    fn a_single_run_is_not_trusted_as_many_are() {
        let [one, many] = [1, 20].map(|runs| polls(&schedule([10.0].repeat(runs)), 7.0).len());
        assert!(one > 2 * many, "{one} {many}");
    }

    #[test]
    fn a_run_beyond_the_history_is_polled_at_the_pace() {
        let schedule = schedule([2.0].repeat(20));
        for age in [10, 20, 60] {
            let age = Duration::from_secs(age);
            let pause = schedule.pause(age, 1.0).unwrap().as_secs_f64();
            let pace = PollPace::default().seconds(age.as_secs_f64());
            assert!((0.9..1.1).contains(&(pause / pace)), "{age:?}: {pause}");
        }
        assert_eq!(schedule.pause(Duration::from_secs(7200), 1.0), None);
    }
}
