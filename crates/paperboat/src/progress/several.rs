//! Several predictions that one command waits for, on one live line.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Progress, Work, lock};
use crate::live::Live;

/// The live line of several predictions, until it is dropped.
pub(crate) struct Several {
    shared: Arc<Shared>,
    _live: Option<Live>,
}

/// How they stand.
pub(super) struct Shared {
    is_live: AtomicBool,
    inner: Mutex<Inner>,
    began: Instant,
}

struct Inner {
    total: usize,
    done: usize,
    /// The states of those that have not ended, by their labels.
    states: BTreeMap<String, String>,
}

impl Several {
    /// `total` predictions.
    pub(crate) fn begin(total: usize) -> Self {
        let shared = Arc::new(Shared {
            is_live: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                total,
                done: 0,
                states: BTreeMap::new(),
            }),
            began: Instant::now(),
        });
        let view = Arc::clone(&shared);
        let live = Live::show(move || view.line());
        shared.is_live.store(live.is_some(), Ordering::Relaxed);
        Self {
            shared,
            _live: live,
        }
    }

    /// How long they have been waited for.
    pub(crate) fn elapsed(&self) -> Duration {
        self.shared.began.elapsed()
    }

    /// The display of one of them.
    pub(crate) fn one(&self, label: &str) -> Progress {
        self.shared.set_state(label, "waiting");
        let work = Work::OneOfSeveral {
            label: label.to_owned(),
            all: Arc::clone(&self.shared),
        };
        Progress::new(work, "waiting")
    }
}

impl Shared {
    pub(super) fn is_live(&self) -> bool {
        self.is_live.load(Ordering::Relaxed)
    }

    pub(super) fn set_state(&self, label: &str, state: &str) {
        let mut inner = lock(&self.inner);
        inner.states.insert(label.to_owned(), state.to_owned());
    }

    pub(super) fn end(&self, label: &str) {
        let mut inner = lock(&self.inner);
        if inner.states.remove(label).is_some() {
            inner.done += 1;
        }
    }

    fn line(&self) -> String {
        let line = lock(&self.inner).line();
        format!("{line} {:.1} s", self.began.elapsed().as_secs_f64())
    }
}

impl Inner {
    fn line(&self) -> String {
        let line = format!("{}/{} done", self.done, self.total);
        counted(self.states.values()).fold(line, |line, part| format!("{line}, {part}"))
    }
}

/// How often each state is there: `2 processing`, `1 starting`.
pub(crate) fn counted<'s>(
    states: impl Iterator<Item = &'s String>,
) -> impl Iterator<Item = String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for state in states {
        *counts.entry(state).or_default() += 1;
    }
    let counts = counts.into_iter();
    counts.map(|(state, count)| format!("{count} {state}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_states() {
        let states = [("a", "starting"), ("b", "processing"), ("c", "starting")];
        let states = states.map(|(label, state)| (label.to_owned(), state.to_owned()));
        let mut inner = Inner {
            total: 4,
            done: 1,
            states: states.into(),
        };
        assert_eq!(inner.line(), "1/4 done, 1 processing, 2 starting");
        inner.states.clear();
        assert_eq!(inner.line(), "1/4 done");
    }
}
