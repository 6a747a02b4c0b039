//! Clients that wait for runs, on a virtual clock.

use std::fmt;
use std::time::Duration;

use cometapi::{Durations, WaitPolicy};
use fastrand::Rng;

use crate::polling::means::Means;
use crate::polling::runs::{Mix, Shape};

/// Who polls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Client {
    /// This one, with the durations of that many past runs of each model.
    Learning { past: usize },
    /// At equal intervals, in seconds.
    Every(f64),
    /// After 1 s, then 1.5 times as long each time, up to 10 s.
    Exponential,
}

/// How many runs are simulated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    models: u32,
    runs: u32,
}

impl Scale {
    pub(crate) const FULL: Self = Self {
        models: 400,
        runs: 25,
    };
    pub(crate) const QUICK: Self = Self {
        models: 20,
        runs: 2,
    };
}

/// Lets `client` wait for runs of many models. Every client sees the same runs.
pub(crate) fn means(client: Client, mix: Mix, shape: Shape, scale: Scale) -> Means {
    let mut sum = Means::default();
    for model in 0..scale.models {
        let typical = mix.typical(model, scale.models);
        let mut random = Rng::with_seed(u64::from(model));
        let mut past = random.fork();
        let policy = policy(client, || shape.duration(mix, typical, &mut past));
        let mut chance = random.fork();
        for _ in 0..scale.runs {
            let duration = shape.duration(mix, typical, &mut random);
            let run = wait(client, &policy, duration, &mut chance);
            sum.polls += run.polls;
            sum.delay += run.delay;
            sum.duration += duration;
        }
    }
    let runs = f64::from(scale.models * scale.runs);
    Means {
        polls: sum.polls / runs,
        delay: sum.delay / runs,
        duration: sum.duration / runs,
    }
}

/// The policy of a client to which past runs of a model have happened.
fn policy(client: Client, past_run: impl FnMut() -> f64) -> WaitPolicy {
    let mut policy = WaitPolicy::default();
    if let Client::Learning { past } = client {
        let durations = std::iter::repeat_with(past_run).take(past);
        let durations: Durations = durations.map(Duration::from_secs_f64).collect();
        policy.schedule = durations.schedule();
    }
    policy
}

/// What a wait for a run needs. A poll takes no time.
fn wait(client: Client, policy: &WaitPolicy, duration: f64, chance: &mut Rng) -> Means {
    let mut now = 0.0;
    let mut polls = 0.0;
    while now < duration {
        now += match client {
            Client::Learning { .. } => {
                let age = Duration::from_secs_f64(now);
                let next = policy.next_poll(age, Duration::MAX, None, chance.f64());
                next.pause.as_secs_f64()
            }
            Client::Every(seconds) => seconds,
            Client::Exponential => 1.5f64.powf(polls).min(10.0),
        };
        polls += 1.0;
    }
    Means {
        polls,
        delay: now - duration,
        duration,
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Learning { past } => write!(f, "{past} past runs"),
            Self::Every(seconds) => write!(f, "every {seconds} s"),
            Self::Exponential => f.write_str("exponential, 1 to 10 s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::polling::FIXED;
    use crate::polling::runs::MIXES;

    const SMALL: Scale = Scale {
        models: 250,
        runs: 10,
    };

    fn learning(past: usize, mix: Mix, shape: Shape) -> Means {
        means(Client::Learning { past }, mix, shape, SMALL)
    }

    #[test]
    fn with_a_history_fewer_polls_notice_the_end_sooner_than_fixed_ones() {
        let regular = [5, 20, 100].map(|past| (Shape::LogNormal(0.1), past));
        let irregular = [Shape::LogNormal(0.25), Shape::WarmOrCold]
            .into_iter()
            .flat_map(|shape| [(shape, 20), (shape, 100)]);
        for (shape, past) in regular.into_iter().chain(irregular) {
            for mix in MIXES {
                let (ours, fixed) = (learning(past, mix, shape), means(FIXED, mix, shape, SMALL));
                let what = format!("{mix}, {shape}, {past} runs: {ours:?} {fixed:?}");
                assert!(
                    ours.polls <= mix.goal_with_history() * fixed.polls,
                    "{what}"
                );
                assert!(ours.delay < fixed.delay, "{what}");
            }
        }
    }

    #[test]
    fn without_a_history_polls_are_few_and_delays_small() {
        for mix in MIXES {
            for spread in [0.1, 0.25] {
                let shape = Shape::LogNormal(spread);
                let (ours, fixed) = (learning(0, mix, shape), means(FIXED, mix, shape, SMALL));
                let is_met = mix.goal_without_history().is_met(ours, fixed);
                assert!(is_met, "{mix}, {shape}: {ours:?} {fixed:?}");
            }
        }
    }

    /// The last run of a model that was always `history` seconds before.
    fn surprise(history: f64, duration: f64) -> Means {
        let client = Client::Learning { past: 64 };
        let policy = policy(client, || history);
        wait(client, &policy, duration, &mut Rng::with_seed(1))
    }

    #[test]
    fn a_wrong_history_costs_a_bounded_factor() {
        for duration in [0.5, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0] {
            for factor in [1.5, 3.0, 10.0, 100.0] {
                let faster = surprise(duration * factor, duration);
                let what = format!("{duration} s, not {factor} times as much: {faster:?}");
                assert!(faster.delay <= f64::max(7.0, 1.4 * duration), "{what}");
                let slower = surprise(duration / factor, duration);
                let unknown = means(
                    Client::Learning { past: 0 },
                    Mix {
                        from: duration,
                        to: duration,
                    },
                    Shape::Uniform,
                    Scale { models: 1, runs: 1 },
                );
                let what = format!("{duration} s, not a {factor}th: {slower:?} {unknown:?}");
                assert!(slower.delay <= f64::max(0.6, 0.12 * duration), "{what}");
                // Half of what polls every 0.5 s are, at most.
                assert!(slower.polls <= unknown.polls + duration.max(8.0), "{what}");
            }
        }
    }

    #[test]
    fn a_run_that_a_wrong_history_does_not_expect_is_noticed_before_it_is_four_times_as_old() {
        for tenths in 1..3000 {
            let duration = f64::from(tenths) / 10.0;
            let run = surprise(100.0 * duration, duration);
            let noticed = duration + run.delay;
            assert!(
                noticed <= f64::max(7.0, 4.0 * duration),
                "{duration} s: {noticed}"
            );
        }
    }

    /// Durations without any structure can be noticed with little less than fixed polls by no client.
    #[test]
    fn the_goal_cannot_be_reached_for_durations_without_structure() {
        for mix in MIXES {
            let fixed = means(FIXED, mix, Shape::Uniform, SMALL);
            let least = mix.least_polls(Shape::Uniform, fixed.delay);
            assert!(least > 0.6 * fixed.polls, "{mix}: {least} {fixed:?}");
            let ours = learning(100, mix, Shape::Uniform);
            assert!(
                ours.polls <= 1.15 * fixed.polls,
                "{mix}: {ours:?} {fixed:?}"
            );
        }
    }
}
