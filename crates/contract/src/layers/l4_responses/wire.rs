//! One answer of our choice, through a socket and the wrapper.

use std::time::Duration;

use bytes::Bytes;
use cometapi::{Client, Error, Prediction};
use cometapi_mock::{Fault, MockServer, Pace};
use serde_json::{Value, json};

use crate::layers::l3_requests::{KEY, PATIENCE, client};
use contract_spec::report::Report;

/// A model that the mock has no rules for.
pub(super) const MODEL: &str = "somebody/something";

pub(super) const ID: &str = "zk7w2m9x4drm00ctb5q8v1n6he";

/// The two calls whose answers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Create,
    Get,
}

pub(super) struct Wire {
    pub(super) server: MockServer,
    client: Client,
    /// For answers that never come.
    hasty: Client,
}

const HASTE: Duration = Duration::from_millis(60);

/// What came of a call: what the wrapper gave, or that it panicked.
pub(super) type Came = Result<Result<Prediction, Error>, String>;

impl Wire {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let server = MockServer::builder()
            .pace(Pace::instant())
            .strict_headers()
            .seed(7)
            .start()
            .await?;
        let hasty = client(server.base_url(), HASTE)?;
        let client = client(server.base_url(), PATIENCE)?;
        Ok(Self {
            server,
            client,
            hasty,
        })
    }

    /// What the wrapper makes of `body`.
    pub(super) async fn answer(
        &self,
        call: Call,
        status: u16,
        media: &str,
        body: impl Into<Bytes>,
    ) -> Came {
        let body = body.into();
        let asked = asked(&body);
        let fault = Fault::Response {
            status,
            content_type: media.to_owned(),
            body,
        };
        match call {
            Call::Create => self.server.on_create(fault),
            Call::Get => self.server.on_poll(fault),
        }
        self.call(call, &asked).await
    }

    pub(super) async fn json(&self, call: Call, status: u16, body: &Value) -> Came {
        self.answer(call, status, "application/json", body.to_string())
            .await
    }

    pub(super) async fn call(&self, call: Call, id: &str) -> Came {
        Self::of(self.client.clone(), call, id).await
    }

    /// The same with next to no patience.
    pub(super) async fn call_hastily(&self, call: Call, id: &str) -> Came {
        Self::of(self.hasty.clone(), call, id).await
    }

    async fn of(client: Client, call: Call, id: &str) -> Came {
        let id = id.to_owned();
        // In a task of its own, whose panic is a value here.
        let task = tokio::spawn(async move {
            match call {
                Call::Create => client.predictions().create_model(MODEL, json!({})).await,
                Call::Get => client.predictions().get(id).await,
            }
        });
        task.await.map_err(|panic| panic.to_string())
    }

    pub(super) fn files(&self, prediction: &Prediction) -> usize {
        self.client.files(prediction).len()
    }
}

/// The id to ask for, so that `body` is of that prediction: its own where it can be sent.
fn asked(body: &[u8]) -> String {
    let json = serde_json::from_slice(body).unwrap_or(Value::Null);
    [&json["data"]["task_id"], &json["task_id"], &json["id"]]
        .into_iter()
        .find_map(|id| match id {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        })
        .filter(|id| is_usable(id))
        .unwrap_or_else(|| ID.to_owned())
}

/// Whether an id can be sent back to the service.
pub(super) fn is_usable(id: &str) -> bool {
    id.trim() == id && id.parse::<cometapi_client::PredictionId>().is_ok()
}

/// What every error must carry, wherever it is from. `sent` is the status and body, where
/// an answer came.
pub(super) fn whole(
    place: &str,
    error: &Error,
    call: Call,
    sent: Option<(u16, &[u8])>,
    report: &mut Report,
) {
    const KEPT: usize = 16 * 1024;
    let mut faults = Vec::new();
    if let Some((status, body)) = sent {
        if error.status() != Some(status) {
            faults.push(format!(
                "status {status} was lost, it says {:?}",
                error.status()
            ));
        }
        if error.request_id().is_none() {
            faults.push("the request id of the headers was lost".to_owned());
        }
        let kept = body.get(..KEPT).unwrap_or(body);
        if error.body() != Some(kept) {
            faults.push("the body was lost".to_owned());
        }
    }
    if call == Call::Get && error.prediction_id().is_none() {
        faults.push("the id that was asked for was lost".to_owned());
    }
    let doubt = error.kind() == cometapi::ErrorKind::MaybeAccepted;
    if error.may_have_been_accepted() != doubt {
        faults.push("its kind and `may_have_been_accepted` disagree".to_owned());
    }
    if call == Call::Get && doubt {
        faults.push("a read cannot have been accepted".to_owned());
    }
    if error.is_before_sending() {
        faults.push("it says that nothing was sent".to_owned());
    }
    if format!("{error} {error:?}").contains(KEY) {
        faults.push("it shows the key".to_owned());
    }
    if faults.is_empty() {
        report.pass("errors whole");
    }
    for fault in faults {
        report.fail(
            place,
            "error-incomplete",
            format!("{fault}; fix the wrapper's `response`"),
        );
    }
}

pub(super) fn panicked(place: &str, why: &str, report: &mut Report) {
    report.fail(
        place,
        "panic",
        format!("{why}; no answer may do that, fix what panics"),
    );
}
