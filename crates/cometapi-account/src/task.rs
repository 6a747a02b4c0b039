//! The tasks of an account: what was submitted, and what it cost.

use std::time::SystemTime;

use crate::money::Usd;

/// Something that an account submitted, as the service lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// Its id; on this route the prediction's (inferred).
    pub id: String,
    /// The model's name as the service has it, if it says one: `owner/name`, or the name alone.
    pub model: Option<String>,
    /// Its status as it came, such as `SUCCESS`.
    pub status: Option<String>,
    /// The platform, `replicate` on this route.
    pub platform: Option<String>,
    /// What it cost, if the service says so.
    pub charge: Option<Usd>,
    /// When it was submitted, to the second.
    pub submitted_at: Option<SystemTime>,
    /// When it ended, to the second.
    pub finished_at: Option<SystemTime>,
}

impl Task {
    /// A task with this id; everything else is unknown.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            model: None,
            status: None,
            platform: None,
            charge: None,
            submitted_at: None,
            finished_at: None,
        }
    }

    /// Whether it has ended, by its status: `SUCCESS` or `FAILURE`.
    pub fn has_ended(&self) -> bool {
        matches!(self.status.as_deref(), Some("SUCCESS" | "FAILURE"))
    }

    /// Whether it may be of `model`, `owner/name`: its name is that, or the part after the slash, or
    /// not known.
    pub fn may_be_of(&self, model: &str) -> bool {
        let Some(name) = &self.model else { return true };
        name == model || model.rsplit_once('/').is_some_and(|(_, part)| part == name)
    }
}

/// Which tasks to list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TaskFilter {
    /// Submitted at this time or later.
    pub since: Option<SystemTime>,
    /// Submitted at this time or earlier.
    pub until: Option<SystemTime>,
    /// Of this id.
    pub id: Option<String>,
}

impl TaskFilter {
    /// Those submitted from `since` to `until`.
    pub fn between(since: SystemTime, until: SystemTime) -> Self {
        Self {
            since: Some(since),
            until: Some(until),
            id: None,
        }
    }
}

/// The tasks that match a filter, in the order in which the service lists them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Tasks {
    /// The tasks, each once.
    pub tasks: Vec<Task>,
    /// Whether these are all: every page was read, and every row on it. Only then does absence mean
    /// anything.
    pub is_complete: bool,
}
