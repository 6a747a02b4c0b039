//! L8: the checklist of the reference's first request, as a programme: one text-only create
//! of the cheapest model, its id saved before anything else, polled to its end. Every answer
//! is held to the spec and recorded, redacted, as a candidate for a fixture; what the
//! responses say about the open questions is printed.

mod redact;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use cometapi_client::{
    CallOptions, Client, Exchange, PredictionResponse, Transport, http_client, observe, types,
};
use cometapi_mock::{MockServer, Pace, Plan};
use serde_json::{Map, Value, json};

use self::redact::redacted;
use super::l3_requests::{KEY, runtime};
use super::{Options, Twist};
use contract_spec::oracle::{Oracle, faults, reference, short};
use contract_spec::report::Report;

const OWNER: &str = "black-forest-labs";
const MODEL: &str = "flux-schnell";
const COST: &str = "cost: one create of black-forest-labs/flux-schnell, one image of a quarter \
                    megapixel; nothing is sent again";

/// The lowest id that can be: nobody was ever given it.
const UNKNOWN_ID: &str = "00000000000000000000000000";

/// Whom the live layer calls, and how patiently.
#[derive(Clone, Debug)]
pub struct Live {
    target: Target,
    folder: PathBuf,
    pause: Duration,
    patience: Duration,
    /// The number of polls at most.
    polls: u32,
}

#[derive(Clone)]
enum Target {
    /// There is no key.
    Nobody,
    Service {
        base_url: String,
        key: String,
    },
    /// The mock, in this process.
    Rehearsal,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Service { .. } => "Service",
            Self::Rehearsal => "Rehearsal",
        })
    }
}

impl Live {
    pub(crate) fn from_env() -> Self {
        let read = |name| {
            env::var(name)
                .ok()
                .filter(|text: &String| !text.trim().is_empty())
        };
        let base_url = read("COMETAPI_BASE_URL")
            .unwrap_or_else(|| "https://api.cometapi.com/replicate/v1".to_owned());
        Self {
            target: match read("COMETAPI_KEY") {
                Some(key) => Target::Service { base_url, key },
                None => Target::Nobody,
            },
            folder: PathBuf::from("target/contract-live"),
            pause: Duration::from_secs(3),
            patience: Duration::from_secs(300),
            polls: u32::MAX,
        }
    }

    /// The same programme against the mock, its records in `folder`. What tests run.
    pub fn rehearsal(folder: impl Into<PathBuf>) -> Self {
        Self {
            target: Target::Rehearsal,
            folder: folder.into(),
            pause: Duration::ZERO,
            patience: Duration::from_secs(300),
            // The mock needs three; how long they take says nothing.
            polls: 10,
        }
    }
}

pub(super) fn run(options: &Options) -> anyhow::Result<Report> {
    let Some(live) = &options.live else {
        return Ok(Report::skipped(
            "it calls the service; ask with --live and COMETAPI_KEY",
        ));
    };
    let mut report = Report::default();
    runtime()?.block_on(async {
        let (_mock, base_url, key) = match &live.target {
            Target::Nobody => {
                report = Report::skipped("there is no key; set COMETAPI_KEY");
                return Ok(());
            }
            Target::Service { base_url, key } => (None, base_url.clone(), key.clone()),
            Target::Rehearsal => {
                let mock = rehearsal(options).await?;
                let base_url = mock.base_url().to_owned();
                (Some(mock), base_url, KEY.to_owned())
            }
        };
        let http = http_client();
        let client = Client::new_with_client(&base_url, http.build()?, Transport::new(&key)?);
        let oracle = Oracle::new(options.workspace.spec()?);
        let mut programme = Programme {
            live,
            client,
            oracle,
            key,
            report: &mut report,
            records: 0,
        };
        programme.run().await
    })?;
    Ok(report)
}

async fn rehearsal(options: &Options) -> anyhow::Result<MockServer> {
    let mock = MockServer::builder()
        .pace(Pace::polls(1, 1))
        .seed(7)
        .start()
        .await?;
    match &options.twist {
        Twist::Poll(fault) => mock.on_poll(Plan::of(fault.clone()).always()),
        Twist::Create(fault) => mock.on_create(Plan::of(fault.clone()).always()),
        _ => {}
    }
    Ok(mock)
}

struct Programme<'a> {
    live: &'a Live,
    client: Client,
    oracle: Oracle,
    key: String,
    report: &'a mut Report,
    records: usize,
}

impl Programme<'_> {
    async fn run(&mut self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.live.folder)
            .with_context(|| format!("{} cannot be made", self.live.folder.display()))?;
        self.report.note(COST);
        self.unknown_id().await?;
        if let Some(id) = self.create().await? {
            self.poll(&id).await?;
        }
        self.report.note(
            "not settled by this: whether a refused input is 422, a task error or the gateway's \
             own shape; refunds; how long a task can be read; cancel and Prefer",
        );
        Ok(())
    }

    /// Open question 9: what an id that does not exist gives.
    async fn unknown_id(&mut self) -> anyhow::Result<()> {
        let id = UNKNOWN_ID.parse()?;
        let (_, exchange) = observe(CallOptions::default(), self.client.get_prediction(&id)).await;
        let Some(exchange) = exchange else {
            self.report.fail(
                "get of an unknown id",
                "no-answer",
                "look at the network, try again",
            );
            return Ok(());
        };
        let said = short(&String::from_utf8_lossy(&exchange.body));
        self.report.note(format!(
            "an unknown id gives {} {}",
            exchange.status,
            redact::text(&said, &self.key)
        ));
        self.held_to_spec("get-unknown", &exchange)
    }

    async fn create(&mut self) -> anyhow::Result<Option<String>> {
        let fields = json!({
            "prompt": "a paper boat floating on calm water at sunrise",
            "aspect_ratio": "1:1",
            "megapixels": "0.25",
            "num_outputs": 1,
            "output_format": "webp",
        });
        let input: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
        let body = types::CreatePredictionRequest { input };
        let (owner, model) = (OWNER.parse()?, MODEL.parse()?);
        let options = CallOptions::with_timeout(Duration::from_secs(120));
        let (result, exchange) = observe(
            options,
            self.client.create_prediction(&owner, &model, &body),
        )
        .await;
        let id = result
            .ok()
            .and_then(|answer| answer.id().map(str::to_owned));
        if let Some(id) = &id {
            // Before anything else: it has been paid for.
            let path = self.live.folder.join("last-id");
            fs::write(&path, id)
                .with_context(|| format!("id {id} cannot be saved in {}", path.display()))?;
            self.report.pass("id saved");
        }
        let Some(exchange) = exchange else {
            self.report.fail(
                "create",
                "no-answer",
                "it may have been accepted; look at the account's task list",
            );
            return Ok(None);
        };
        self.report
            .note(format!("a create is answered with {}", exchange.status));
        self.held_to_spec("create", &exchange)?;
        if id.is_none() {
            self.report.fail(
                "create",
                "no-id",
                format!(
                    "{} {}; look at key, quota and base url",
                    exchange.status,
                    redact::text(&short(&String::from_utf8_lossy(&exchange.body)), &self.key)
                ),
            );
        }
        Ok(id)
    }

    /// Open questions 1 and 7: wrapped or bare, and whether it says when to come back.
    async fn poll(&mut self, id: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        let parameter = id.parse()?;
        let (mut wrapped, mut bare, mut sent_retry_after) = (0, 0, false);
        let mut last = String::new();
        for _ in 0..self.live.polls {
            if began.elapsed() >= self.live.patience {
                break;
            }
            let options = CallOptions::with_timeout(Duration::from_secs(90));
            let (result, exchange) = observe(options, self.client.get_prediction(&parameter)).await;
            let Some(exchange) = exchange else {
                tokio::time::sleep(self.live.pause).await;
                continue;
            };
            sent_retry_after |= exchange.headers.contains_key("retry-after");
            let answer = result.ok().map(cometapi_client::ResponseValue::into_inner);
            let is_wrapped = answer
                .as_ref()
                .is_some_and(|answer| answer.task().is_some());
            let seen = answer.and_then(PredictionResponse::into_prediction);
            let state = seen
                .as_ref()
                .map(|(prediction, _)| prediction.status.to_string());
            let state = state.unwrap_or_else(|| exchange.status.to_string());
            if state != last {
                self.held_to_spec(&format!("get-{state}"), &exchange)?;
                last = state;
            }
            if is_wrapped {
                wrapped += 1;
            } else {
                bare += 1;
            }
            if let Some((prediction, _)) = seen.filter(|(one, _)| one.status.is_terminal()) {
                self.ended(&prediction, began.elapsed());
                self.report.note(format!(
                    "of the polls {wrapped} were wrapped and {bare} bare; Retry-After was {}",
                    if sent_retry_after { "sent" } else { "not sent" }
                ));
                return Ok(());
            }
            tokio::time::sleep(self.live.pause).await;
        }
        self.report.fail(
            format!("prediction {id}"),
            "not-ended",
            format!("it was {last} to the end of the patience; poll it again by its id"),
        );
        Ok(())
    }

    fn ended(&mut self, prediction: &types::Prediction, after: Duration) {
        let word = prediction.status.as_str();
        if word == "succeeded" && prediction.output.is_some() {
            self.report
                .note(format!("it succeeded after {:.1} s", after.as_secs_f64()));
            self.report.pass("run to its end");
        } else {
            self.report.fail(
                format!("prediction {}", prediction.id),
                "not-succeeded",
                format!("it ended {word} with error {:?}", prediction.error),
            );
        }
    }

    /// Judges an answer by the spec, and writes it down without what is private.
    fn held_to_spec(&mut self, name: &str, exchange: &Exchange) -> anyhow::Result<()> {
        self.records += 1;
        let place = format!("answer {name} ({})", exchange.status);
        let Ok(json) = serde_json::from_slice::<Value>(&exchange.body) else {
            if !exchange.status.is_success() {
                // Pages and empty bodies are known beside an error status.
                self.report.pass("answers");
                return Ok(());
            }
            self.report.fail(
                &place,
                "not-json",
                "a success must be JSON; look at the base url",
            );
            return Ok(());
        };
        let component = if exchange.status.is_success() {
            "PredictionResponse"
        } else {
            "AnyError"
        };
        let faults = faults(&self.oracle.validator(&reference(component))?, &json);
        for fault in &faults {
            self.report.fail(
                &place,
                "answer-against-spec",
                format!("{fault}; the service has answered so, fix the schema {component}"),
            );
        }
        if faults.is_empty() {
            self.report.pass("answers");
        }
        // The name may hold a word of the service's.
        let plain = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_");
        let path = self
            .live
            .folder
            .join(format!("{:02}-{plain}.json", self.records));
        let text = serde_json::to_string_pretty(&redacted(&json, &self.key))?;
        fs::write(&path, text + "\n")
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}
