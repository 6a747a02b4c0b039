//! Our side of the comparisons with [`bare`](crate::bare).

use std::time::Duration;

use cometapi::{Client, PollPace, WaitPolicy};

use crate::bare::KEY;

/// The model of every run.
pub(crate) const MODEL: &str = "black-forest-labs/flux-schnell";

/// A client of the static server. Its key is as long as a real one, because responses are searched
/// for it.
pub(crate) fn client(base_url: &str, wait: WaitPolicy) -> Result<Client, cometapi::Error> {
    let builder = Client::builder().key(KEY).base_url(base_url);
    builder.wait_policy(wait).build()
}

/// Polls every `pause`.
pub(crate) fn every(pause: Duration) -> WaitPolicy {
    let mut policy = WaitPolicy::default();
    policy.pace = PollPace::every(pause);
    policy
}

/// The input of every run.
pub(crate) fn input() -> serde_json::Value {
    serde_json::json!({
        "prompt": "A paper boat floating on calm water at sunrise.",
        "aspect_ratio": "1:1",
    })
}
