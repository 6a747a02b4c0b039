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

impl Call {
    pub(super) const ALL: [Self; 2] = [Self::Create, Self::Get];
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
    named(body)
        .filter(|id| is_usable(id))
        .unwrap_or_else(|| ID.to_owned())
}

/// The id of the prediction that `body` is about, which may break off after it.
fn named(body: &[u8]) -> Option<String> {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        let text = std::str::from_utf8(body).ok()?;
        let (_, rest) = text.split_once("\"id\":\"")?;
        return rest.split_once('"').map(|(id, _)| id.to_owned());
    };
    [&json["data"]["task_id"], &json["task_id"], &json["id"]]
        .into_iter()
        .find_map(|id| match id {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        })
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
    let doubt = error.kind() == cometapi::ErrorKind::MaybeAccepted;
    // What is wrong, in short and in full.
    let mut faults = Vec::new();
    if let Some((status, body)) = sent {
        if error.status() != Some(status) {
            let is = error.status();
            faults.push((
                "status",
                format!("status {status} was lost, it says {is:?}"),
            ));
        }
        if error.request_id().is_none() {
            let fault = "the request id of the headers was lost";
            faults.push(("request id", fault.to_owned()));
        }
        let kept = body.get(..KEPT).unwrap_or(body);
        if error.body() != Some(kept) {
            faults.push(("body", "the body was lost".to_owned()));
        }
        let id = match call {
            Call::Get => Some(asked(body)),
            // What was accepted must be found again.
            Call::Create if doubt => named(body).filter(|id| is_usable(id)),
            Call::Create => None,
        };
        let is = error.prediction_id();
        if let Some(id) = id
            && is != Some(&*id)
        {
            faults.push(("id", format!("the id {id:?} was lost, it says {is:?}")));
        }
    } else if call == Call::Get && error.prediction_id().is_none() {
        faults.push(("id", "the id that was asked for was lost".to_owned()));
    }
    if error.may_have_been_accepted() != doubt {
        let fault = "its kind and `may_have_been_accepted` disagree";
        faults.push(("doubt", fault.to_owned()));
    }
    if call == Call::Get && doubt {
        faults.push(("doubt", "a read cannot have been accepted".to_owned()));
    }
    if error.is_before_sending() {
        faults.push(("sending", "it says that nothing was sent".to_owned()));
    }
    if format!("{error} {error:?}").contains(KEY) {
        faults.push(("key", "it shows the key".to_owned()));
    }
    if faults.is_empty() {
        report.pass("errors whole");
    }
    for (what, fault) in faults {
        report.fail_by(
            format!("{call:?} {what}"),
            place,
            "error-incomplete",
            format!("{fault}; fix the wrapper's `response`"),
        );
    }
}

pub(super) fn panicked(place: &str, why: &str, report: &mut Report) {
    report.fail_by(
        why,
        place,
        "panic",
        format!("{why}; no answer may do that, fix what panics"),
    );
}
