//! What a run knows of how long its models take.

use std::collections::BTreeMap;
use std::sync::Mutex;

use cometapi::{Durations, PollSchedule, Prediction};

use crate::ledger::Ledger;
use crate::lock::lock;

/// The durations of past predictions by model, those of this run included.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<BTreeMap<String, Model>>);

#[derive(Debug, Default)]
struct Model {
    durations: Durations,
    schedule: Option<PollSchedule>,
    /// How many durations the schedule does not know.
    new: usize,
}

impl History {
    /// Reads what the ledger knows of the models at `service`. Nothing, if it cannot be read: it only
    /// decides when to poll.
    pub(crate) async fn read(ledger: &dyn Ledger, service: &str) -> Self {
        let known = ledger.durations(service.to_owned()).await;
        let models = known
            .unwrap_or_default()
            .into_iter()
            .map(|(name, durations)| {
                let model = Model {
                    durations,
                    ..Model::default()
                };
                (name, model)
            });
        Self(Mutex::new(models.collect()))
    }

    /// When to poll a prediction of `model`; `None` if nothing is known.
    pub(crate) fn schedule(&self, model: &str) -> Option<PollSchedule> {
        let mut models = lock(&self.0);
        let model = models.get_mut(model)?;
        if model.schedule.is_none() || model.is_outdated() {
            model.schedule = model.durations.schedule();
            model.new = 0;
        }
        model.schedule.clone()
    }

    /// Notes that a prediction of `model` has succeeded.
    pub(crate) fn record(&self, model: &str, prediction: &Prediction) {
        let Some(took) = prediction.duration() else {
            return;
        };
        let mut models = lock(&self.0);
        let model = models.entry(model.to_owned()).or_default();
        model.durations.record(took);
        model.new += 1;
    }
}

impl Model {
    /// Whether an eighth of the durations is new: one more changes little and is not worth a new schedule.
    fn is_outdated(&self) -> bool {
        8 * self.new >= self.durations.len()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::SqliteLedger;

    fn prediction(seconds: u32) -> Prediction {
        let json = json!({
            "id": "p", "status": "succeeded", "created_at": "2026-03-20T08:15:00Z",
            "completed_at": format!("2026-03-20T08:15:{seconds:02}Z"),
        });
        serde_json::from_value(json).unwrap()
    }

    #[tokio::test]
    async fn a_schedule_follows_the_durations_of_its_model() {
        let ledger = SqliteLedger::in_memory().unwrap();
        let history = History::read(&ledger, "s").await;
        assert_eq!(history.schedule("a/b"), None);
        history.record("a/b", &prediction(3));
        let first = history.schedule("a/b").unwrap();
        assert_eq!(history.schedule("a/b").as_ref(), Some(&first));
        history.record("a/b", &prediction(9));
        assert_ne!(history.schedule("a/b").unwrap(), first);
        assert_eq!(history.schedule("a/c"), None);
    }

    /// Else each of ten thousand rows would have a table of its own.
    #[tokio::test]
    async fn a_schedule_is_shared_until_an_eighth_of_the_durations_is_new() {
        let history = History::default();
        for _ in 0..Durations::CAPACITY {
            history.record("a/b", &prediction(3));
        }
        let first = history.schedule("a/b").unwrap();
        for _ in 0..7 {
            history.record("a/b", &prediction(50));
            assert_eq!(history.schedule("a/b").as_ref(), Some(&first));
        }
        history.record("a/b", &prediction(50));
        assert_ne!(history.schedule("a/b").unwrap(), first);
    }
}
