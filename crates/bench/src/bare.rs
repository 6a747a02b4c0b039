//! The other side of most comparisons: reqwest without a wrapper.
//!
//! It does what a careful program would do by hand: it decodes all documented fields into a typed
//! struct, opens a new connection for each create request, and keeps those of its polls. It does
//! not classify errors, repeat polls that failed, or keep the response's bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// As long as a real one.
pub(crate) const KEY: &str = "sk-Zq7Pw3Lm9Xk2RtYb8Vc4Xq6HsJ0fGa1QeUo5RiKx3Mz7Bp9W";

/// How long a create request and a poll may take; also those of `cometapi`.
const CREATE_TIMEOUT: Duration = Duration::from_secs(120);
const POLL_TIMEOUT: Duration = Duration::from_secs(60);

/// A prediction with all documented fields.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "decoding them is what is measured")]
pub(crate) struct Prediction {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) model: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) input: Option<Value>,
    pub(crate) output: Option<Value>,
    pub(crate) error: Option<Value>,
    pub(crate) logs: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) data_removed: Option<bool>,
    pub(crate) created_at: Option<String>,
    pub(crate) started_at: Option<String>,
    pub(crate) completed_at: Option<String>,
    pub(crate) metrics: Option<BTreeMap<String, Value>>,
    pub(crate) urls: Option<BTreeMap<String, String>>,
}

impl Prediction {
    pub(crate) fn has_ended(&self) -> bool {
        !matches!(&*self.status, "starting" | "processing")
    }
}

/// Two clients of reqwest: one without a pool for create requests, and one for polls.
#[derive(Clone, Debug)]
pub(crate) struct Bare {
    create: reqwest::Client,
    poll: reqwest::Client,
    base_url: String,
}

impl Bare {
    pub(crate) fn new(base_url: &str) -> reqwest::Result<Self> {
        let builder = || reqwest::Client::builder().no_proxy();
        Ok(Self {
            create: builder()
                .timeout(CREATE_TIMEOUT)
                .pool_max_idle_per_host(0)
                .build()?,
            poll: builder().timeout(POLL_TIMEOUT).build()?,
            base_url: base_url.trim_end_matches('/').to_owned(),
        })
    }

    /// Sends a create request. `model` is `owner/name`.
    pub(crate) async fn create(&self, model: &str, input: &Value) -> reqwest::Result<Prediction> {
        let url = format!("{}/models/{model}/predictions", self.base_url);
        let body = serde_json::json!({ "input": input });
        let request = self.create.post(url).bearer_auth(KEY).json(&body);
        request.send().await?.error_for_status()?.json().await
    }

    /// Polls once.
    pub(crate) async fn get(&self, id: &str) -> reqwest::Result<Prediction> {
        let url = format!("{}/predictions/{id}", self.base_url);
        let request = self.poll.get(url).bearer_auth(KEY);
        request.send().await?.error_for_status()?.json().await
    }

    /// Runs a prediction to its end, without pauses between the polls.
    pub(crate) async fn run(&self, model: &str, input: &Value) -> reqwest::Result<Prediction> {
        let mut prediction = self.create(model, input).await?;
        while !prediction.has_ended() {
            prediction = self.get(&prediction.id).await?;
        }
        Ok(prediction)
    }

    /// Fetches a file into memory and returns its length.
    pub(crate) async fn file(&self, url: &str) -> reqwest::Result<usize> {
        Ok(self.poll.get(url).send().await?.bytes().await?.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Options, Server};

    #[tokio::test]
    async fn a_run_of_the_static_server_ends_with_the_last_poll() {
        let server = Server::in_process(Options::default()).await.unwrap();
        let bare = Bare::new(&server).unwrap();
        let input = serde_json::json!({"prompt": "a paper boat"});
        let created = bare.create("black-forest-labs/flux-schnell", &input);
        let created = created.await.unwrap();
        assert_eq!(created.status, "starting");
        let mut seen = Vec::new();
        for _ in 0..3 {
            let polled = bare.get(&created.id).await.unwrap();
            assert_eq!(polled.id, created.id);
            seen.push(polled.status);
        }
        assert_eq!(seen, ["processing", "processing", "succeeded"]);
        let done = bare.get(&created.id).await.unwrap();
        assert!(done.has_ended());
        let url = done.output.unwrap()[0].as_str().unwrap().to_owned();
        assert_eq!(bare.file(&url).await.unwrap(), 16 << 10);
    }
}
