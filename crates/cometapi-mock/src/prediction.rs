//! One prediction and its timeline.

use std::time::Duration;

use serde_json::{Value, json};

use crate::account::charges::ChargeAt;
use crate::account::task::TaskRow;
use crate::clock::{Clock, rfc3339, unix_seconds};
use crate::fault::Fault;
use crate::ids;
use crate::input::ImageRequest;
use crate::pace::{Ending, Pace, Phase, Script, Step};
use crate::spec::Output;
use crate::wire::{Metrics, TaskRecord, Urls, View};

/// How a prediction proceeds.
#[derive(Debug, Clone)]
pub(crate) enum Timeline {
    Paced(Pace, Ending),
    Scripted(Script),
}

#[derive(Debug)]
pub(crate) struct Prediction {
    pub(crate) id: String,
    pub(crate) model: String,
    /// As sent, its keys sorted.
    pub(crate) input: Value,
    pub(crate) image: ImageRequest,
    /// The one of the request, or the one chosen.
    pub(crate) seed: u64,
    pub(crate) timeline: Timeline,
    /// All times are since the server's start.
    pub(crate) created: Duration,
    pub(crate) polls: u32,
    /// When a poll first saw it run, and end, where no clock says so.
    pub(crate) seen_running: Option<Duration>,
    pub(crate) seen_ended: Option<Duration>,
    pub(crate) seen_success: Option<Duration>,
    /// When a poll first saw it fail, where no clock says so.
    pub(crate) seen_failure: Option<Duration>,
    /// What it was charged, in units of quota.
    pub(crate) quota: u64,
    pub(crate) charge: ChargeAt,
    /// Whether that is refunded when it fails.
    pub(crate) is_refundable: bool,
    /// Set when its data has been removed on purpose.
    pub(crate) removed: bool,
}

/// The time and place at which a prediction is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClockView<'s> {
    pub(crate) clock: &'s Clock,
    pub(crate) now: Duration,
    /// How long data is kept after the end.
    pub(crate) retention: Duration,
    pub(crate) files_origin: &'s str,
}

/// The state at one moment.
struct State {
    word: String,
    phase: Phase,
    ending: Ending,
}

impl Prediction {
    /// Returns it as the response to the create request has it: nothing has happened yet.
    pub(crate) fn at_create(&self, clock_view: ClockView<'_>) -> View {
        let state = State {
            word: "starting".to_owned(),
            phase: Phase::Starting,
            ending: Ending::Succeeded,
        };
        self.view(&state, clock_view)
    }

    /// Carries out a poll. A script may have a fault instead of a response.
    pub(crate) fn poll(&mut self, clock_view: ClockView<'_>) -> (View, Option<Fault>) {
        let earlier = self.polls;
        self.polls = self.polls.saturating_add(1);
        let fault = match &self.timeline {
            Timeline::Scripted(script) => match script.step(earlier) {
                Step::Fault(fault) => Some(fault),
                _ => None,
            },
            Timeline::Paced(..) => None,
        };
        let state = self.state(earlier, clock_view);
        if state.phase != Phase::Starting && state.word != "aborted" {
            self.seen_running.get_or_insert(clock_view.now);
        }
        if state.phase == Phase::Ended {
            self.seen_ended.get_or_insert(clock_view.now);
            if state.ending == Ending::Succeeded {
                self.seen_success.get_or_insert(clock_view.now);
            }
            if state.ending.is_failure() && !self.by_clock() {
                self.seen_failure.get_or_insert(clock_view.now);
            }
        }
        (self.view(&state, clock_view), fault)
    }

    /// Whether its files can be had now: it has succeeded, a poll has said so (unless a
    /// clock does), and they have not been removed since.
    pub(crate) fn has_files(&self, clock_view: ClockView<'_>) -> bool {
        let (succeeded, ended) = if self.by_clock() {
            let state = self.state(self.polls, clock_view);
            let (_, ended) = self.times(&state);
            (state.ending == Ending::Succeeded, ended)
        } else {
            (true, self.seen_success)
        };
        succeeded && ended.is_some_and(|ended| self.keeps_data(ended, clock_view))
    }

    /// The status word of now, without counting as a poll.
    pub(crate) fn status(&self, clock_view: ClockView<'_>) -> String {
        self.current(clock_view).word
    }

    /// Returns the prediction as the account's list of tasks has it, without counting as a poll.
    pub(crate) fn task(&self, clock_view: ClockView<'_>) -> TaskRow<'_> {
        let state = self.current(clock_view);
        TaskRow {
            id: &self.id,
            model: &self.model,
            record: self.record(&state, clock_view),
            word: state.word,
        }
    }

    /// When it will fail by the clock, if it will.
    pub(crate) fn fails_at(&self) -> Option<Duration> {
        match &self.timeline {
            Timeline::Paced(pace, ending) if ending.is_failure() => {
                self.clocked(pace, ending).map(|(_, ended)| ended)
            }
            _ => None,
        }
    }

    /// The file name of the image with this index.
    pub(crate) fn file_name(&self, index: u32) -> String {
        let format = self.image.format.extension();
        match self.image.output {
            Output::Single => ids::single_file_name(&self.id, format),
            Output::List | Output::Text | Output::Json => format!("out-{index}.{format}"),
        }
    }

    /// The state as of now, or as of the last poll where polls set the pace.
    fn current(&self, clock_view: ClockView<'_>) -> State {
        if self.polls == 0 && !self.by_clock() {
            return State::new(Phase::Starting, Ending::Succeeded);
        }
        self.state(self.polls.saturating_sub(1), clock_view)
    }

    fn by_clock(&self) -> bool {
        matches!(self.timeline, Timeline::Paced(Pace::Clock { .. }, _))
    }

    fn state(&self, earlier_polls: u32, clock_view: ClockView<'_>) -> State {
        let age = clock_view.now.saturating_sub(self.created);
        match &self.timeline {
            Timeline::Paced(pace, ending) => {
                let phase = match (pace.phase(age, earlier_polls), ending) {
                    // It never ran.
                    (Phase::Processing, Ending::Aborted) => Phase::Ended,
                    (phase, _) => phase,
                };
                State::new(phase, ending.clone())
            }
            Timeline::Scripted(script) => match script.step(earlier_polls) {
                Step::Starting => State::new(Phase::Starting, Ending::Succeeded),
                Step::Processing | Step::Fault(_) => {
                    State::new(Phase::Processing, Ending::Succeeded)
                }
                Step::Word(word) => State {
                    word,
                    ..State::new(Phase::Processing, Ending::Succeeded)
                },
                Step::End(ending) => State::new(Phase::Ended, ending),
            },
        }
    }

    /// When it began to run and when it ended, as far as it has.
    fn times(&self, state: &State) -> (Option<Duration>, Option<Duration>) {
        let clocked = match &self.timeline {
            Timeline::Paced(pace, ending) => self.clocked(pace, ending),
            Timeline::Scripted(_) => None,
        };
        let (running, ended) = match clocked {
            Some((running, ended)) => (Some(running), Some(ended)),
            None => (self.seen_running, self.seen_ended),
        };
        match state.phase {
            Phase::Starting => (None, None),
            Phase::Processing => (running, None),
            Phase::Ended if state.ending == Ending::Aborted => (None, ended),
            Phase::Ended => (running, ended),
        }
    }

    /// When it begins to run and when it ends, where the clock says so.
    fn clocked(&self, pace: &Pace, ending: &Ending) -> Option<(Duration, Duration)> {
        let Pace::Clock {
            starting,
            processing,
        } = pace
        else {
            return None;
        };
        let running = self.created.saturating_add(*starting);
        let ended = match ending {
            Ending::Aborted => running,
            _ => running.saturating_add(*processing),
        };
        Some((running, ended))
    }

    /// The gateway's own record of it.
    fn record(&self, state: &State, clock_view: ClockView<'_>) -> TaskRecord {
        let (running, finished) = self.times(state);
        let seconds =
            |at: Option<Duration>| at.map_or(0, |at| unix_seconds(clock_view.clock.calendar(at)));
        let has_failed = state.phase == Phase::Ended && state.ending.is_failure();
        let is_refunded = self.is_refundable && (has_failed || self.seen_failure.is_some());
        TaskRecord {
            submitted: seconds(Some(self.created)),
            started: seconds(running),
            finished: seconds(finished),
            quota: if is_refunded { 0 } else { self.quota },
        }
    }

    fn is_removed(&self, state: &State, clock_view: ClockView<'_>) -> bool {
        let (_, ended) = self.times(state);
        state.phase == Phase::Ended
            && (state.ending == Ending::Removed
                || ended.is_some_and(|ended| !self.keeps_data(ended, clock_view)))
    }

    fn keeps_data(&self, ended: Duration, clock_view: ClockView<'_>) -> bool {
        !self.removed && clock_view.now < ended.saturating_add(clock_view.retention)
    }

    fn view(&self, state: &State, clock_view: ClockView<'_>) -> View {
        let ended = state.phase == Phase::Ended;
        let succeeded = ended && state.ending.word() == "succeeded";
        let removed = self.is_removed(state, clock_view);
        let (running, finished) = self.times(state);
        let calendar = |at: Duration| clock_view.clock.calendar(at);

        View {
            id: Some(self.id.clone()),
            model: self.model.clone(),
            version: "hidden",
            input: if removed {
                json!({})
            } else {
                self.input.clone()
            },
            logs: if removed {
                String::new()
            } else {
                self.logs(state)
            },
            output: match &state.ending {
                _ if !ended || removed => Value::Null,
                Ending::Succeeded => self.output(clock_view.files_origin),
                Ending::Output(value) => value.clone(),
                _ => Value::Null,
            },
            data_removed: removed,
            error: match &state.ending {
                Ending::Failed(error) if ended => Some(error.clone()),
                _ => None,
            },
            source: "api",
            status: state.word.clone(),
            created_at: rfc3339(calendar(self.created)),
            started_at: running.map(|at| rfc3339(calendar(at))),
            completed_at: finished.map(|at| rfc3339(calendar(at))),
            metrics: succeeded.then(|| Metrics {
                image_count: Some(self.image.count).filter(|count| *count > 0),
                predict_time: finished
                    .zip(running)
                    .map_or(0.0, |(end, start)| end.saturating_sub(start).as_secs_f64()),
            }),
            urls: Urls::of(&self.id),
            task: self.record(state, clock_view),
        }
    }

    fn logs(&self, state: &State) -> String {
        match (state.phase, &state.ending) {
            (Phase::Starting, _) | (_, Ending::Aborted) => String::new(),
            (Phase::Ended, Ending::Succeeded) if self.image.count > 0 => format!(
                "Using seed: {}\nGenerated {} image{}\n",
                self.seed,
                self.image.count,
                if self.image.count == 1 { "" } else { "s" }
            ),
            _ => format!("Using seed: {}\n", self.seed),
        }
    }

    /// A list of URLs, one by itself, tokens that repeat the prompt, or an object with it, as the model
    /// has it.
    fn output(&self, files_origin: &str) -> Value {
        let url = |index| {
            let name = self.file_name(index);
            Value::String(format!("{files_origin}/xezq/{}/{name}", self.id))
        };
        match self.image.output {
            Output::List => (0..self.image.count).map(url).collect(),
            Output::Single => url(0),
            Output::Text => {
                let text = format!("The mock was asked: {}", self.image.prompt);
                text.split_inclusive(' ').collect()
            }
            Output::Json => json!({"prompt": self.image.prompt, "seed": self.seed}),
        }
    }
}

impl State {
    fn new(phase: Phase, ending: Ending) -> Self {
        let word = match phase {
            Phase::Starting => "starting",
            Phase::Processing => "processing",
            Phase::Ended => ending.word(),
        };
        Self {
            word: word.to_owned(),
            phase,
            ending,
        }
    }
}

#[cfg(test)]
mod tests;
