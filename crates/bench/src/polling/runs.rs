//! How long the runs of models take.

use std::f64::consts::TAU;
use std::fmt;

use fastrand::Rng;

use crate::polling::means::Means;

/// Models whose typical durations are spread evenly over the logarithms of a range, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

pub(crate) const MIXES: [Mix; 4] = [
    Mix { from: 0.3, to: 3.0 },
    Mix {
        from: 3.0,
        to: 20.0,
    },
    Mix {
        from: 30.0,
        to: 600.0,
    },
    Mix {
        from: 0.3,
        to: 600.0,
    },
];

/// How the runs of one model spread around its typical duration.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// The standard deviation of the logarithm.
    LogNormal(f64),
    /// Three of ten runs have to start the model first and take four times as long; the logarithm of either
    /// has a standard deviation of 0.1.
    WarmOrCold,
    /// Every duration of the mix is as likely as any other: a model that says nothing of its runs.
    Uniform,
}

/// What a client without a history has to reach, against polls every 0.5 s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoalWithoutHistory {
    /// The largest ratio of the polls.
    polls: f64,
    /// The largest mean delay in seconds.
    delay: f64,
    /// The largest ratio of the delays to the durations.
    share: f64,
}

impl Mix {
    pub(crate) fn typical(self, model: u32, models: u32) -> f64 {
        let position = (f64::from(model) + 0.5) / f64::from(models);
        self.from * (self.to / self.from).powf(position)
    }

    /// The largest ratio of the polls to those every 0.5 s, for a client with a history.
    pub(crate) fn goal_with_history(self) -> f64 {
        if self.to <= 3.0 { 1.0 } else { 0.5 }
    }

    pub(crate) fn goal_without_history(self) -> GoalWithoutHistory {
        let any = f64::INFINITY;
        let (polls, delay, share) = match self.to {
            ..=3.0 => (1.0, 0.25, any),
            ..=20.0 => (1.0, any, any),
            _ => (1.0 / 3.0, any, 0.05),
        };
        GoalWithoutHistory {
            polls,
            delay,
            share,
        }
    }

    /// About the fewest polls with which any client notices the ends of these runs with this mean delay,
    /// even if it knows the distribution of each model: see [`cometapi::PollSchedule`]. For `J` see there. With
    /// several models the mean of `J` counts, by the inequality of Cauchy and Schwarz.
    pub(crate) fn least_polls(self, shape: Shape, delay: f64) -> f64 {
        const MODELS: u32 = 60;
        let integrals = (0..MODELS).map(|model| shape.integral(self, self.typical(model, MODELS)));
        let mean = integrals.sum::<f64>() / f64::from(MODELS);
        mean * mean / (2.0 * delay)
    }
}

impl GoalWithoutHistory {
    pub(crate) fn is_met(self, ours: Means, fixed: Means) -> bool {
        ours.polls <= self.polls * fixed.polls
            && ours.delay <= self.delay
            && ours.delay <= self.share * ours.duration
    }

    pub(crate) fn text(self, ours: Means) -> String {
        let polls = format!("ratio ≤ {:.2}", self.polls);
        if self.delay.is_finite() {
            format!("{polls} and delay {:.3} ≤ {} s", ours.delay, self.delay)
        } else if self.share.is_finite() {
            let share = 100.0 * ours.delay / ours.duration;
            format!(
                "{polls} and delay {share:.1} ≤ {:.0} % of the duration",
                100.0 * self.share
            )
        } else {
            polls
        }
    }
}

impl Shape {
    /// Those that a history can describe.
    pub(crate) const KNOWN: [Self; 4] = [
        Self::LogNormal(0.1),
        Self::LogNormal(0.25),
        Self::LogNormal(0.5),
        Self::WarmOrCold,
    ];

    /// The duration of one run, in seconds.
    pub(crate) fn duration(self, mix: Mix, typical: f64, random: &mut Rng) -> f64 {
        match self {
            Self::LogNormal(spread) => typical * (spread * normal(random)).exp(),
            Self::WarmOrCold => {
                let factor = if random.f64() < 0.3 { 4.0 } else { 1.0 };
                factor * typical * (0.1 * normal(random)).exp()
            }
            Self::Uniform => mix.from + (mix.to - mix.from) * random.f64(),
        }
    }

    /// The share of a model's runs that is over at `age`.
    fn finished(self, mix: Mix, typical: f64, age: f64) -> f64 {
        let log_normal = |typical: f64, spread: f64| normal_share((age / typical).ln() / spread);
        match self {
            Self::LogNormal(spread) => log_normal(typical, spread),
            Self::WarmOrCold => {
                0.7 * log_normal(typical, 0.1) + 0.3 * log_normal(4.0 * typical, 0.1)
            }
            Self::Uniform => ((age - mix.from) / (mix.to - mix.from)).clamp(0.0, 1.0),
        }
    }

    /// The integral of the root of density times survival.
    fn integral(self, mix: Mix, typical: f64) -> f64 {
        let mut age = 0.1 * mix.from;
        let mut integral = 0.0;
        while age < 20.0 * mix.to {
            let next = 1.005 * age;
            let (before, after) = (
                self.finished(mix, typical, age),
                self.finished(mix, typical, next),
            );
            let survival = 1.0 - f64::midpoint(before, after);
            integral += ((next - age) * (after - before).max(0.0) * survival.max(0.0)).sqrt();
            age = next;
        }
        integral
    }
}

/// A normally distributed number (Box and Muller).
fn normal(random: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (TAU * random.f64()).cos()
}

/// The share of a normal distribution that is below `deviation` (Abramowitz and Stegun 26.2.17).
fn normal_share(deviation: f64) -> f64 {
    if deviation > 0.0 {
        return 1.0 - normal_share(-deviation);
    }
    let t = 1.0 / (1.0 - 0.231_641_9 * deviation);
    let polynomial = [
        1.330_274_429,
        -1.821_255_978,
        1.781_477_937,
        -0.356_563_782,
        0.319_381_530,
    ]
    .iter()
    .fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    (-deviation * deviation / 2.0).exp() / TAU.sqrt() * polynomial
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} s", self.from, self.to)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogNormal(spread) => write!(f, "spread {spread}"),
            Self::WarmOrCold => f.write_str("warm or cold"),
            Self::Uniform => f.write_str("uniform"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_that_of_the_formulas() {
        // Of a uniform distribution, the integral is two thirds of the root of its width.
        let mix = MIXES[1];
        let exact = 2.0 / 3.0 * 17f64.sqrt();
        let integral = Shape::Uniform.integral(mix, 1.0);
        assert!((integral / exact - 1.0).abs() < 0.01, "{integral} {exact}");
        // Of a log-normal one with a spread of 0.25, its square is 0.454 times the median.
        let integral = Shape::LogNormal(0.25).integral(mix, 8.0);
        assert!((integral.powi(2) / 8.0 - 0.454).abs() < 0.01, "{integral}");
    }

    #[test]
    fn runs_spread_as_their_shape_says() {
        let mut random = Rng::with_seed(7);
        for shape in [Shape::LogNormal(0.5), Shape::WarmOrCold, Shape::Uniform] {
            let runs = 20_000;
            let over: u32 = (0..runs)
                .map(|_| u32::from(shape.duration(MIXES[1], 9.0, &mut random) < 10.0))
                .sum();
            let share = f64::from(over) / f64::from(runs);
            let expected = shape.finished(MIXES[1], 9.0, 10.0);
            assert!(
                (share - expected).abs() < 0.02,
                "{shape}: {share} {expected}"
            );
        }
    }
}
