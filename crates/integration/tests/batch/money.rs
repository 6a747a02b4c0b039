//! The cost of a batch: never above its limit, through any kill, and in the end what was charged.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use cometapi::Client;
use cometapi_account::Account;
use cometapi_batch::{
    Cost, Entry, Filter, Finding, Finish, Ledger, Once, Resolve, SqliteLedger, State, Usd,
    record_charges,
};
use cometapi_mock::{Ending, Fault, MockServer, Pace, Plan};
use serde_json::json;
use tempfile::TempDir;

use crate::setup::{Stage, client};

const ROWS: usize = 300;
const CONCURRENCY: usize = 32;
const KILLS: usize = 20;

/// How many of them, the first, are in the middle of a request that never gets a response.
const SILENT_KILLS: usize = 4;

/// The models with their prices. All rows together cost 31 dollars.
const MODELS: [(&str, &str); 3] = [
    ("acme/sketch", "0.01"),
    ("acme/painter", "0.05"),
    ("acme/film", "0.25"),
];
const LIMIT: &str = "27.89";

/// Where a row is when its process is killed.
const POINTS: [&str; 6] = [
    "before-send",
    "sending",
    "answered",
    "id-committed",
    "state",
    "ended",
];

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

/// A mock with prices, whose predictions fail now and then, and rows of all models.
async fn stage() -> Stage {
    let mut builder = MockServer::builder()
        .pace(Pace::polls(0, 1))
        .seed(7)
        .strict_headers()
        .verify_on_drop();
    for (model, price) in MODELS {
        builder = builder.price(model, price);
    }
    let server = builder.start().await.unwrap();
    server.on_end(Plan::of(Ending::nsfw()).share(0.1));
    let base = tempfile::tempdir().unwrap();
    let rows = rows(&base);
    Stage {
        server,
        base,
        rows,
        database: None,
    }
}

fn rows(base: &TempDir) -> PathBuf {
    let path = base.path().join("rows.jsonl");
    let mut file = std::fs::File::create(&path).unwrap();
    for n in 0..ROWS {
        let model = MODELS[n % MODELS.len()].0;
        writeln!(
            file,
            r#"{{"id": "{n}", "model": "{model}", "prompt": "image {n}", "aspect_ratio": "custom", "width": 256, "height": 256}}"#
        )
        .unwrap();
    }
    path
}

fn account(client: &Client, server: &MockServer) -> Account {
    let account = Account::builder().client(client).root(server.origin());
    account.access_token("account-token").build().unwrap()
}

async fn total(ledger: &dyn Ledger) -> Cost {
    let costs = ledger.costs(Filter::default()).await.unwrap();
    let costs = costs.into_values();
    costs.fold(Cost::default(), Cost::with)
}

async fn unresolved(ledger: &dyn Ledger) -> Vec<Entry> {
    let mut filter = Filter::default();
    filter.states = vec![State::Unresolved];
    filter.limit = 1000;
    ledger.list(filter).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_holds_through_twenty_kills_and_the_sum_is_what_was_charged() {
    let stage = stage().await;
    // Of a model that costs nothing: one before and one after all others prove what is not listed.
    probe(&stage).await;
    let prices = MODELS
        .map(|(model, price)| format!("{model}={price}"))
        .join(",");
    let variables = [("BATCH_MAX_COST", LIMIT), ("BATCH_PRICES", &prices)];
    let mut rng = fastrand::Rng::with_seed(19);
    for kill in 0..KILLS {
        // However far a worker runs ahead of this test, the last one finds something to create.
        let limit = if kill % 5 == 0 { CONCURRENCY } else { 7 };
        let limit = limit.to_string();
        let variables = [&variables[..], &[("BATCH_LIMIT", limit.as_str())]].concat();
        if kill < SILENT_KILLS {
            // It dies while a request is accepted whose response never comes.
            let creates = stage.server.create_requests();
            stage.server.on_create(Plan::of(Fault::Hang).after_accept());
            let worker = stage.worker_with(CONCURRENCY, None, &variables);
            let mut requests = stage.server.requests().len() as u64;
            while stage.server.create_requests() == creates {
                requests += 1;
                stage.server.wait_for_requests(requests).await;
            }
            worker.kill(None).await;
        } else {
            let point = POINTS[kill % POINTS.len()];
            let park_at = Some((point, rng.u64(1..=3)));
            let mut worker = stage.worker_with(CONCURRENCY, park_at, &variables);
            // A row that is parked keeps the process from ending before it is killed.
            assert!(worker.until("parked").await, "kill {kill} at {point}");
            worker.kill(None).await;
        }
        assert_below(&stage);
    }
    stage.server.clear_plans();
    let mut last = stage.worker_with(CONCURRENCY, None, &variables);
    assert!(last.until("done").await);
    assert!(last.child.wait().await.unwrap().success());
    assert_below(&stage);

    let ledger = Arc::new(SqliteLedger::open(stage.ledger()).unwrap());
    let left: Vec<Entry> = stage.entries().await;
    let left = left.iter().filter(|entry| entry.state == State::Planned);
    let spent = total(&*ledger).await.total();
    let mut models = left.map(|entry| entry.model.as_str()).peekable();
    assert!(models.peek().is_some(), "the limit leaves rows");
    for model in models {
        let (_, price) = MODELS.iter().find(|(name, _)| *name == model).unwrap();
        assert!(
            spent.plus(usd(price)) > Some(usd(LIMIT)),
            "{model} fits into {spent}"
        );
    }

    settle(&stage, &ledger).await;
    let client = client(stage.server.base_url());
    let account = account(&client, &stage.server);
    let costs = ledger.costs(Filter::default()).await.unwrap();
    record_charges(&*ledger, &account, stage.server.base_url(), &costs)
        .await
        .unwrap();
    let total = total(&*ledger).await;
    let charged = i64::try_from(stage.server.charged()).unwrap();
    assert_eq!(total.total(), Usd::from_quota(charged));
    assert_eq!(total.expected, Usd::ZERO);
    // The service has no price for the probes and says 0 of them, which is no charge.
    let costs = ledger.costs(Filter::default()).await.unwrap();
    for (model, _) in MODELS {
        assert_eq!(costs[model].unknown, 0, "{model}");
    }
    assert_below(&stage);
}

/// The service has never charged more than the limit, at any moment.
fn assert_below(stage: &Stage) {
    let max = i64::try_from(stage.server.max_charged()).unwrap();
    assert!(Usd::from_quota(max) <= usd(LIMIT), "{max} units");
}

async fn probe(stage: &Stage) {
    let client = client(stage.server.base_url());
    let ledger = Arc::new(SqliteLedger::open(stage.ledger()).unwrap());
    let once = Once::new(&client, ledger);
    // However it ends.
    let _ = once.run("acme/probe", json!({"prompt": "probe"})).await;
}

/// Finds out what became of the unresolved rows, as a person does with `paperboat resolve`.
async fn settle(stage: &Stage, ledger: &Arc<SqliteLedger>) {
    let client = client(stage.server.base_url());
    let account = account(&client, &stage.server);
    probe(stage).await;
    assert!(
        !unresolved(&**ledger).await.is_empty(),
        "kills leave doubts"
    );
    let resolve = Resolve::new(&client, ledger.clone(), &account);
    for resolution in resolve.run().await.unwrap() {
        match resolution.finding {
            Finding::Adopted(_) => {}
            Finding::Absent { .. } => resolve.not_created(resolution.entry.seq).await.unwrap(),
            other => panic!("{other:?}: {:?}", resolution.entry),
        }
    }
    assert!(unresolved(&**ledger).await.is_empty());
    let finish = Finish::new(&client, ledger.clone(), stage.folder());
    finish.run().await.unwrap();
}
