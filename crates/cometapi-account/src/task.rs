//! The tasks of an account: what was submitted, and what it cost.

use std::time::SystemTime;

use cometapi_client::{Status, TaskStatus};

use crate::money::Usd;

/// The platform of the route for Replicate's models (observed in the vendor's client).
pub(crate) const PLATFORM: &str = "replicate";

/// The hexadecimal digits of a version of a model.
const VERSION: usize = 64;

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
    /// The platform, `replicate` on this route (observed).
    pub platform: Option<String>,
    /// What it cost, if the service says so. That it succeeded and cost nothing is taken for not known yet.
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

    /// Whether it has ended, by its status: `SUCCESS`, `FAILURE` or a word that means the same, in any letter
    /// case.
    pub fn has_ended(&self) -> bool {
        self.known_status().is_some_and(|it| it.is_terminal())
    }

    pub(crate) fn has_succeeded(&self) -> bool {
        self.known_status() == Some(Status::Succeeded)
    }

    /// Whether the service says that it is of another platform than this route's.
    pub fn is_elsewhere(&self) -> bool {
        let platform = self.platform.as_deref();
        platform.is_some_and(|it| !it.eq_ignore_ascii_case(PLATFORM))
    }

    fn known_status(&self) -> Option<Status> {
        let word = self.status.as_deref()?;
        Some(TaskStatus::from(word).to_status())
    }

    /// Whether it may be of `model`, `owner/name`: its name [may mean](is_name_of) that, or is not known.
    pub fn may_be_of(&self, model: &str) -> bool {
        let name = self.model.as_deref();
        name.is_none_or(|name| is_name_of(name, model))
    }
}

/// Whether `name`, as a service shows it, may mean `model`, `owner/name`.
///
/// The service may leave the owner out, add a version, or write a name in another way: only letters and digits
/// are compared, in any letter case. A version alone, or a name that is damaged, may be any model's.
///
/// ```
/// use cometapi_account::is_name_of;
///
/// let model = "black-forest-labs/flux-schnell";
/// assert!(is_name_of("FLUX_schnell:5599ed30", model));
/// assert!(!is_name_of("flux-dev", model));
/// ```
pub fn is_name_of(name: &str, model: &str) -> bool {
    let compared = |text: &str| -> String {
        let kept = text.chars().filter(|c| c.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    let shown = compared(name.split(':').next().unwrap_or(name));
    let own = model.rsplit('/').next().unwrap_or(model);
    let is_version = shown.len() == VERSION && shown.bytes().all(|it| it.is_ascii_hexdigit());
    shown.is_empty()
        || is_version
        || name.contains(char::REPLACEMENT_CHARACTER)
        || shown == compared(own)
        || shown.ends_with(&compared(model))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_may_be_named_in_several_ways() {
        let version = "5599ed30703defd1d160a25a63321b4dec97101d98b4674bcc56e41f62f35637";
        let of = |name: &str| is_name_of(name, "black-forest-labs/flux-1.1-pro");
        for name in [
            "black-forest-labs/flux-1.1-pro",
            "flux-1.1-pro",
            "black-forest-labs/flux-1.1-pro:abc",
            "flux-1.1-pro:latest",
            "Black-Forest-Labs/FLUX-1.1-Pro",
            "flux_1_1_pro",
            "flux-1-1-pro",
            "black-forest-labs_flux-1.1-pro",
            "replicate/black-forest-labs/flux-1.1-pro",
            "flux-1.1-\u{fffd}",
            version,
        ] {
            assert!(of(name), "{name}");
        }
        for name in ["flux-dev", "other/flux-1.1-pro", "flux-1.1-pro-ultra", "1"] {
            assert!(!of(name), "{name}");
        }
        assert!(Task::new("t").may_be_of("a/b"));
    }

    #[test]
    fn a_task_without_a_platform_is_not_elsewhere() {
        for (platform, elsewhere) in [
            (Some("replicate"), false),
            (Some("Replicate"), false),
            (Some("suno"), true),
            (Some("47"), true),
            (None, false),
        ] {
            let mut task = Task::new("t");
            task.platform = platform.map(str::to_owned);
            assert_eq!(task.is_elsewhere(), elsewhere, "{platform:?}");
        }
    }

    #[test]
    fn a_task_has_ended_by_any_word_for_it() {
        for (status, ended) in [
            ("SUCCESS", true),
            ("success", true),
            ("Succeeded", true),
            ("FAILURE", true),
            ("failed", true),
            ("canceled", true),
            ("IN_PROGRESS", false),
            ("UNKNOWN", false),
            ("", false),
        ] {
            let mut task = Task::new("t");
            task.status = Some(status.to_owned());
            assert_eq!(task.has_ended(), ended, "{status}");
        }
        assert!(!Task::new("t").has_ended());
    }
}
