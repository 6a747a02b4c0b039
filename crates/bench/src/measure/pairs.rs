//! Two sides of a comparison, each in child processes of its own, which alternate.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::stats::Spread;

/// What one run of a side measured, by name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Readings(BTreeMap<String, f64>);

impl Readings {
    pub(crate) fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    /// Sets a value that this system may not be able to measure.
    pub(crate) fn set_some(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Divides the values of these names by the number of items that they were measured for.
    pub(crate) fn per_item(mut self, names: &[&str], items: u32) -> Self {
        for name in names {
            if let Some(value) = self.0.get_mut(*name) {
                *value /= f64::from(items);
            }
        }
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }
}

/// One side of a measure: what a child process of this program is to run.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    arguments: Vec<String>,
}

impl Side {
    /// The side `name` of the measure `measure`; `arguments` are passed on to its function `side`.
    pub(crate) fn new<A: ToString>(
        measure: &str,
        name: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut all = vec!["side".to_owned(), measure.to_owned(), name.to_owned()];
        all.extend(arguments.into_iter().map(|it| it.to_string()));
        Self { arguments: all }
    }

    /// Adds the side to a command that starts this program, directly or below another one.
    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Runs the side and returns what it measured.
    pub(crate) fn run(&self) -> anyhow::Result<Readings> {
        let program = std::env::current_exe().context("this program cannot be found")?;
        let output = Command::new(program)
            .args(&self.arguments)
            .stderr(Stdio::inherit())
            .output()
            .context("a side cannot be started")?;
        let what = self.arguments.join(" ");
        ensure!(output.status.success(), "{what}: {}", output.status);
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{what} did not print one line of readings"))
    }
}

/// The readings of pairs of runs: ours, and the other side's.
#[derive(Debug)]
pub(crate) struct Pairs(Vec<(Readings, Readings)>);

impl Pairs {
    /// Runs `ours` and `against` by turns. Who begins changes from pair to pair, so that a
    /// machine that becomes slower or faster favours neither.
    pub(crate) fn run(
        count: usize,
        mut ours: impl FnMut() -> anyhow::Result<Readings>,
        mut against: impl FnMut() -> anyhow::Result<Readings>,
    ) -> anyhow::Result<Self> {
        let mut pairs = Vec::with_capacity(count);
        for index in 0..count {
            pairs.push(if index % 2 == 0 {
                let first = ours()?;
                (first, against()?)
            } else {
                let first = against()?;
                (ours()?, first)
            });
            // A run of an hour that is stopped has shown what it had.
            if let Some((ours, against)) = pairs.last() {
                eprintln!(
                    "  pair {} of {count}: {ours:?} against {against:?}",
                    index + 1
                );
            }
        }
        Ok(Self(pairs))
    }

    /// Runs two sides by turns.
    #[expect(dead_code, reason = "the measures `calls` and `waits` will use it")]
    pub(crate) fn of(count: usize, ours: &Side, against: &Side) -> anyhow::Result<Self> {
        Self::run(count, || ours.run(), || against.run())
    }

    /// Our readings of `name`.
    pub(crate) fn ours(&self, name: &str) -> Spread {
        Spread::of(self.0.iter().filter_map(|(ours, _)| ours.get(name)))
    }

    /// The other side's readings of `name`.
    pub(crate) fn against(&self, name: &str) -> Spread {
        Spread::of(self.0.iter().filter_map(|(_, against)| against.get(name)))
    }

    /// Ours divided by the other side's, of each pair.
    pub(crate) fn ratio(&self, name: &str) -> Spread {
        let of =
            |(ours, against): &(Readings, Readings)| Some(ours.get(name)? / against.get(name)?);
        Spread::of(self.0.iter().filter_map(of))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn reading(value: f64) -> Readings {
        let mut readings = Readings::default();
        readings.set("wall", value);
        readings
    }

    #[test]
    fn the_sides_take_turns_and_the_ratio_is_of_each_pair() {
        let order = RefCell::new(String::new());
        let (mut ours, mut against) = ([2.0, 30.0, 8.0].iter(), [1.0, 10.0, 2.0].iter());
        let pairs = Pairs::run(
            3,
            || {
                order.borrow_mut().push('o');
                Ok(reading(*ours.next().unwrap()))
            },
            || {
                order.borrow_mut().push('a');
                Ok(reading(*against.next().unwrap()))
            },
        );
        let pairs = pairs.unwrap();
        assert_eq!(*order.borrow(), "oaaooa");
        let (min, median, max) = (2.0, 3.0, 4.0);
        assert_eq!(pairs.ratio("wall"), Spread { min, median, max });
        // Not the ratio of the medians, which is 4.
        assert_eq!(pairs.ours("wall"), Spread::of([2.0, 30.0, 8.0]));
        assert_eq!(pairs.against("wall"), Spread::of([1.0, 10.0, 2.0]));
    }

    #[test]
    fn what_no_side_measured_has_no_ratio() {
        let pairs = Pairs(vec![(reading(1.0), reading(1.0))]);
        assert!(pairs.ratio("peak").median.is_nan());
    }
}
