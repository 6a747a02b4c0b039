//! B4: polls, and the delay until an end is noticed, on a virtual clock.
//!
//! Every client sees the same runs. Ours asks [`cometapi::WaitPolicy::next_poll`], as a real wait does.

mod means;
mod runs;
mod simulation;

use crate::context::Context;
use crate::measure::Spread;
use crate::polling::means::Means;
use crate::polling::runs::{MIXES, Mix, Shape};
use crate::polling::simulation::{Client, Scale, means};
use crate::report::{Goal, Row};

/// What other clients do.
const FIXED: Client = Client::Every(0.5);

#[expect(clippy::unnecessary_wraps, reason = "a signature of all measures")]
pub(crate) fn rows(context: &Context) -> anyhow::Result<Vec<Row>> {
    let scale = context.scale(Scale::FULL, Scale::QUICK);
    let mut rows = Vec::new();
    for mix in MIXES {
        let known = Shape::KNOWN.map(|shape| (shape, 20));
        let few_and_many = [5, 100].map(|past| (Shape::LogNormal(0.1), past));
        for (shape, past) in known.into_iter().chain(few_and_many) {
            rows.push(with_history(mix, shape, past, scale));
        }
    }
    for mix in MIXES {
        rows.push(without_history(mix, scale));
    }
    for mix in MIXES {
        rows.push(without_structure(mix, scale));
    }
    for mix in MIXES {
        for other in [Client::Every(1.0), Client::Exponential] {
            rows.push(stated(mix, other, scale));
        }
    }
    Ok(rows)
}

fn with_history(mix: Mix, shape: Shape, past: usize, scale: Scale) -> Row {
    let ours = means(Client::Learning { past }, mix, shape, scale);
    let fixed = means(FIXED, mix, shape, scale);
    let what = format!("polls, {mix}, {shape}, {past} past runs");
    let limit = mix.goal_with_history();
    let goal = format!(
        "ratio ≤ {limit} (no client can do with less than {:.2}) and delay {:.3} < {:.3} s",
        mix.least_polls(shape, fixed.delay) / fixed.polls,
        ours.delay,
        fixed.delay
    );
    let is_met = ours.polls <= limit * fixed.polls && ours.delay < fixed.delay;
    row(what, ours, fixed).goal(Goal::Checked { goal, is_met })
}

fn without_history(mix: Mix, scale: Scale) -> Row {
    let shape = Shape::LogNormal(0.1);
    let ours = means(Client::Learning { past: 0 }, mix, shape, scale);
    let fixed = means(FIXED, mix, shape, scale);
    let goal = mix.goal_without_history();
    let is_met = goal.is_met(ours, fixed);
    row(format!("polls, {mix}, no history"), ours, fixed).goal(Goal::Checked {
        goal: goal.text(ours),
        is_met,
    })
}

/// Half of the polls cannot be reached here, whatever is known: see [`Mix::least_polls`].
fn without_structure(mix: Mix, scale: Scale) -> Row {
    let ours = means(Client::Learning { past: 100 }, mix, Shape::Uniform, scale);
    let fixed = means(FIXED, mix, Shape::Uniform, scale);
    let least = mix.least_polls(Shape::Uniform, fixed.delay) / fixed.polls;
    let what = format!(
        "polls, {mix}, {}, 100 past runs, delay {:.3} s, against {:.3} s (no client can do with less than {least:.2})",
        Shape::Uniform,
        ours.delay,
        fixed.delay
    );
    row(what, ours, fixed)
}

fn stated(mix: Mix, other: Client, scale: Scale) -> Row {
    let shape = Shape::LogNormal(0.1);
    let ours = means(Client::Learning { past: 20 }, mix, shape, scale);
    let other_means = means(other, mix, shape, scale);
    let what = format!(
        "polls, {mix}, 20 past runs, delay {:.3} s, against {other}, delay {:.3} s",
        ours.delay, other_means.delay
    );
    row(what, ours, other_means)
}

fn row(what: String, ours: Means, against: Means) -> Row {
    Row::new(what, "")
        .ours(Spread::exactly(ours.polls))
        .against(Spread::exactly(against.polls))
        .ratio_of_medians()
}
