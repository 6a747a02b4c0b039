//! What was measured, as a Markdown table and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::machine::Machine;
use crate::measure::{Pairs, Spread};

/// One line of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    what: String,
    unit: &'static str,
    ours: Option<Spread>,
    against: Option<Spread>,
    /// Ours divided by the other side's.
    ratio: Option<Spread>,
    goal: Goal,
    /// Why this was not measured.
    skipped: Option<String>,
}

/// What a row has to reach. Medians are compared.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// None: the number is to be known.
    State,
    RatioAtMost(f64),
    RatioAtLeast(f64),
    /// In the unit of the row.
    OursAtMost(f64),
    /// Ours less the other side's, in the unit of the row.
    DifferenceAtMost(f64),
    /// A goal of several parts, which the measure itself compares.
    Checked {
        goal: String,
        is_met: bool,
    },
}

impl Row {
    /// A row without values. `unit` is a base unit: `s`, `B`, `/s`, or empty for a count.
    pub(crate) fn new(what: impl Into<String>, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            unit,
            ours: None,
            against: None,
            ratio: None,
            goal: Goal::State,
            skipped: None,
        }
    }

    /// The readings `name` of `pairs`, with their ratio.
    pub(crate) fn of_pairs(
        what: impl Into<String>,
        unit: &'static str,
        pairs: &Pairs,
        name: &str,
    ) -> Self {
        let mut row = Self::new(what, unit);
        row.ours = Some(pairs.ours(name));
        row.against = Some(pairs.against(name));
        row.ratio = Some(pairs.ratio(name));
        row
    }

    /// Something that could not be measured here, and what to do about it.
    pub(crate) fn skipped(what: impl Into<String>, why: impl Into<String>) -> Self {
        let mut row = Self::new(what, "");
        row.skipped = Some(why.into());
        row
    }

    pub(crate) fn ours(mut self, spread: Spread) -> Self {
        self.ours = Some(spread);
        self
    }

    pub(crate) fn against(mut self, spread: Spread) -> Self {
        self.against = Some(spread);
        self
    }

    /// Sets the ratio of two values that were each measured once.
    pub(crate) fn ratio_of_medians(mut self) -> Self {
        let of = self.ours.zip(self.against);
        self.ratio = of.map(|(ours, against)| Spread::exactly(ours.median / against.median));
        self
    }

    pub(crate) fn goal(mut self, goal: Goal) -> Self {
        self.goal = goal;
        self
    }

    fn is_met(&self) -> Option<bool> {
        let median = |spread: Option<Spread>| spread.map_or(f64::NAN, |it| it.median);
        let (ours, ratio) = (median(self.ours), median(self.ratio));
        match self.goal {
            Goal::State => None,
            Goal::RatioAtMost(limit) => Some(ratio <= limit),
            Goal::RatioAtLeast(limit) => Some(ratio >= limit),
            Goal::OursAtMost(limit) => Some(ours <= limit),
            Goal::DifferenceAtMost(limit) => Some(ours - median(self.against) <= limit),
            Goal::Checked { is_met, .. } => Some(is_met),
        }
    }

    fn outcome(&self, quick: bool) -> String {
        match (&self.skipped, self.is_met()) {
            (Some(why), _) => format!("SKIPPED: {why}"),
            _ if quick => "runs".to_owned(),
            (None, None) => "stated".to_owned(),
            (None, Some(true)) => "met".to_owned(),
            (None, Some(false)) => "**NOT MET**".to_owned(),
        }
    }

    fn goal_text(&self) -> String {
        match &self.goal {
            Goal::State => "state".to_owned(),
            Goal::RatioAtMost(limit) => format!("ratio ≤ {limit}"),
            Goal::RatioAtLeast(limit) => format!("ratio ≥ {limit}"),
            Goal::OursAtMost(limit) => format!("≤ {}", amount(*limit, self.unit)),
            Goal::DifferenceAtMost(limit) => format!("≤ {} more", amount(*limit, self.unit)),
            Goal::Checked { goal, .. } => goal.clone(),
        }
    }
}

/// The rows of one measure.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// Everything that one call of the program measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    pub(crate) machine: &'a Machine,
    /// Whether it only proves that the measures run: the numbers mean nothing.
    pub(crate) quick: bool,
    pub(crate) sections: &'a [Section],
}

/// Returns the table of `sections`. With `quick`, no goal is compared.
pub(crate) fn markdown(sections: &[Section], quick: bool) -> String {
    let mut out = String::from(
        "| # | Measure | Ours | Against | Ratio | Goal | |\n|---|---|---|---|---|---|---|\n",
    );
    for section in sections {
        for row in &section.rows {
            let cell = |spread: Option<Spread>, unit| {
                spread.map_or_else(|| "–".to_owned(), |it| spread_text(it, unit))
            };
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} |",
                section.id,
                row.what,
                cell(row.ours, row.unit),
                cell(row.against, row.unit),
                cell(row.ratio, "×"),
                row.goal_text(),
                row.outcome(quick),
            );
        }
    }
    out
}

/// The median, and where the values vary, how far.
#[expect(
    clippy::float_cmp,
    reason = "the same value, not the result of two calculations"
)]
fn spread_text(spread: Spread, unit: &str) -> String {
    let median = amount(spread.median, unit);
    if spread.median.is_nan() {
        return "not measured".to_owned();
    }
    if spread.min == spread.max {
        return median;
    }
    let (min, max) = (amount(spread.min, unit), amount(spread.max, unit));
    format!("{median} ({min}–{max})")
}

/// A value with three digits that count, and its unit with the prefix that fits.
fn amount(value: f64, unit: &str) -> String {
    let (size, prefix) = match (unit, value.abs()) {
        ("×", _) => return format!("{value:.2}"),
        ("s", 1.0..) => (1.0, ""),
        ("s", 1e-3..) => (1e-3, "m"),
        ("s", 1e-6..) => (1e-6, "µ"),
        ("s", _) => (1e-9, "n"),
        (_, 1e9..) => (1e9, "G"),
        (_, 1e6..) => (1e6, "M"),
        // Small counts stay whole.
        (_, 1e4..) => (1e3, "k"),
        _ => (1.0, ""),
    };
    let scaled = value / size;
    let digits = match scaled.abs() {
        it if it >= 100.0 || it.fract() == 0.0 => 0,
        it if it >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{scaled:.digits$} {prefix}{unit}");
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_three_digits_and_a_prefix() {
        for (value, unit, expected) in [
            (0.001_234, "s", "1.23 ms"),
            (0.000_000_5, "s", "500 ns"),
            (12.34, "s", "12.3 s"),
            (9e6, "B", "9 MB"),
            (10_800.0, "B", "10.8 kB"),
            (615_000.0, "", "615 k"),
            (107.0, "", "107"),
            (4_321.5, "/s", "4322 /s"),
            (1.254, "×", "1.25"),
        ] {
            assert_eq!(amount(value, unit), expected);
        }
    }

    #[test]
    fn a_goal_is_met_by_the_median() {
        let (min, median, max) = (1.0, 2.0, 9.0);
        let row = |goal| {
            let row = Row::new("it", "B").ours(Spread { min, median, max });
            let row = row.against(Spread::exactly(4.0)).ratio_of_medians();
            row.goal(goal).is_met()
        };
        for (goal, expected) in [
            (Goal::State, None),
            (Goal::RatioAtMost(0.5), Some(true)),
            (Goal::RatioAtMost(0.4), Some(false)),
            (Goal::RatioAtLeast(0.5), Some(true)),
            (Goal::RatioAtLeast(0.6), Some(false)),
            (Goal::OursAtMost(2.0), Some(true)),
            (Goal::OursAtMost(1.0), Some(false)),
            (Goal::DifferenceAtMost(-2.0), Some(true)),
            (Goal::DifferenceAtMost(-3.0), Some(false)),
        ] {
            assert_eq!(row(goal.clone()), expected, "{goal:?}");
        }
    }

    #[test]
    fn what_was_not_measured_meets_no_goal() {
        for goal in [
            Goal::RatioAtMost(1.0),
            Goal::RatioAtLeast(1.0),
            Goal::OursAtMost(1.0),
        ] {
            assert_eq!(Row::new("it", "").goal(goal).is_met(), Some(false));
        }
    }

    #[test]
    fn a_row_shows_its_spread_its_goal_and_its_outcome() {
        let (min, median, max) = (0.001, 0.002, 0.003);
        let row = Row::new("time", "s").ours(Spread { min, median, max });
        let row = row.against(Spread::exactly(0.004)).ratio_of_medians();
        let skipped = Row::skipped("instructions", "valgrind is not installed");
        let rows = vec![row.goal(Goal::RatioAtMost(0.9)), skipped];
        let (id, name) = ("B0", "none");
        let table = markdown(&[Section { id, name, rows }], false);
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| B0 | time | 2 ms (1 ms–3 ms) | 4 ms | 0.50 | ratio ≤ 0.9 | met |",
                "| B0 | instructions | – | – | – | state | SKIPPED: valgrind is not installed |",
            ]
        );
    }
}
