//! Sixty requests in doubt: which are settled, which are offered to a person, which are left.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use cometapi::Client;
use cometapi_account::Account;
use cometapi_batch::{
    Candidate, Entry, Filter, Finding, Ledger, Once, OnceRun, Resolution, Resolve, SqliteLedger,
    State,
};
use cometapi_mock::{AccountEndpoint, Fault, MockServer, Pace, Plan};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::setup::{client, quick};

const MODEL: &str = "acme/painter";
const OTHER_MODEL: &str = "acme/film";

/// Classes of doubts: how many of each, and what is found of them.
const TABLE: &str = "
lost, accepted                     12  adopted
killed between send and answer      8  adopted
given up, accepted                  6  adopted
lost, not accepted                  8  absent
killed before the send              4  absent
twins, both accepted                4  candidates
twins, one accepted                 4  candidates
twins, none accepted                4  absent
accepted, and so was another's      2  candidates
accepted, input removed             4  candidates
not accepted, nothing sent after    4  unproven";

/// The mock, the ledger, and of each doubt its class and its true id.
struct Scene {
    server: MockServer,
    client: Client,
    ledger: Arc<SqliteLedger>,
    base: TempDir,
    classes: Vec<(&'static str, String)>,
}

impl Scene {
    async fn new() -> Self {
        let server = MockServer::builder()
            .pace(Pace::instant())
            .strict_headers()
            .verify_on_drop()
            .start()
            .await
            .unwrap();
        let base = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(base.path().join("ledger.sqlite3")).unwrap();
        Self {
            client: client(server.base_url()),
            server,
            ledger: Arc::new(ledger),
            base,
            classes: Vec::new(),
        }
    }

    fn run(&self, prompt: &str) -> OnceRun {
        // Tasks without their input would be candidates for every request of their model.
        let model = if prompt.starts_with("removed") {
            OTHER_MODEL
        } else {
            MODEL
        };
        Once::new(&self.client, self.ledger.clone())
            .create_policy(quick())
            .run(model, json!({"prompt": prompt}))
    }

    /// A prediction that nothing happens to.
    async fn known(&self, prompt: &str) {
        self.run(prompt).await.unwrap();
    }

    /// Requests of this class, one for each prompt, which meet this fault.
    async fn lost(&mut self, class: &'static str, prompts: &[String], fault: Plan<Fault>) {
        for prompt in prompts {
            self.server.on_create(fault.clone());
            let error = self.run(prompt).await.unwrap_err();
            assert!(error.prediction_id().is_none(), "{error}");
            self.classes.push((class, prompt.clone()));
        }
    }

    /// Requests that the caller gives up once the service has them.
    async fn given_up(&mut self, class: &'static str, prompts: &[String]) {
        for prompt in prompts {
            self.server.on_create(Plan::of(Fault::Hang).after_accept());
            let requests = self.server.requests().len() as u64;
            let mut run = Box::pin(self.run(prompt).into_future());
            tokio::select! {
                ended = &mut run => panic!("{ended:?}"),
                () = self.server.wait_for_requests(requests + 1) => {}
            }
            drop(run);
            self.classes.push((class, prompt.clone()));
        }
    }

    /// Requests of a process that is killed when the service has them all. They have the keys from 0 on.
    async fn killed_in_flight(&mut self, class: &'static str, count: usize) {
        let creates = self.server.create_requests();
        let silent = Plan::of(Fault::Hang).after_accept();
        self.server
            .on_create(silent.times(u32::try_from(count).unwrap()));
        let mut worker = self.worker(count, None).await;
        let mut requests = self.server.requests().len() as u64;
        while self.server.create_requests() < creates + count {
            requests += 1;
            self.server.wait_for_requests(requests).await;
        }
        worker.kill().await.unwrap();
        let keys = (0..count).map(integration::keys::prompt);
        self.classes.extend(keys.map(|prompt| (class, prompt)));
    }

    /// The request of a process that is killed when it is recorded as being sent, and before it is. It has
    /// the key of this number, the first that is not in use.
    async fn killed_before_the_send(&mut self, class: &'static str, key: usize) {
        let mut worker = self.worker(key + 1, Some("sending")).await;
        let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines();
        while !lines
            .next_line()
            .await
            .unwrap()
            .unwrap()
            .starts_with("parked")
        {}
        worker.kill().await.unwrap();
        self.classes.push((class, integration::keys::prompt(key)));
    }

    async fn worker(&self, keys: usize, park_at: Option<&str>) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_once-worker"));
        command
            .arg(self.server.base_url())
            .arg(self.base.path().join("ledger.sqlite3"))
            .args(["1".to_owned(), keys.to_string(), keys.to_string()])
            .args(park_at)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"go\n").await.unwrap();
        child
    }

    async fn unresolved(&self) -> Vec<Entry> {
        let mut filter = Filter::default();
        filter.states = vec![State::Unresolved];
        filter.limit = 1000;
        let mut found = self.ledger.list(filter).await.unwrap();
        found.reverse();
        found
    }

    async fn resolved(&self) -> Vec<Resolution> {
        let account = Account::builder()
            .client(&self.client)
            .root(self.server.origin());
        let account = account.access_token("account-token").build().unwrap();
        let resolve = Resolve::new(&self.client, self.ledger.clone(), &account);
        resolve.run().await.unwrap()
    }

    /// The ids that the service gave to the requests with this prompt, others' included.
    fn ids(&self, prompt: &str) -> Vec<String> {
        let made = self.server.predictions().into_iter();
        made.filter(|it| it.input["prompt"] == prompt)
            .map(|it| it.id)
            .collect()
    }
}

fn prompts(class: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{class} {n}")).collect()
}

/// Each prompt twice.
fn twins(class: &str, pairs: usize) -> Vec<String> {
    prompts(class, pairs)
        .into_iter()
        .flat_map(|it| [it.clone(), it])
        .collect()
}

fn word(finding: &Finding) -> &'static str {
    match finding {
        Finding::Adopted(_) => "adopted",
        Finding::Candidates(_) => "candidates",
        Finding::Absent { .. } => "absent",
        Finding::Unproven => "unproven",
        _ => "settled",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_doubts_are_settled_offered_or_left_and_none_wrongly() {
    let mut scene = Scene::new().await;
    let accepted = || Plan::of(Fault::Reset).after_accept();
    let refused = || Plan::of(Fault::Reset);
    scene.known("before").await;
    scene
        .killed_in_flight("killed between send and answer", 8)
        .await;
    for key in 8..12 {
        scene
            .killed_before_the_send("killed before the send", key)
            .await;
    }
    // That their processes are dead is noticed here: they are given up from now on.
    scene.unresolved().await;
    scene
        .lost("lost, accepted", &prompts("lost", 12), accepted())
        .await;
    scene
        .given_up("given up, accepted", &prompts("given up", 6))
        .await;
    scene
        .lost("lost, not accepted", &prompts("refused", 8), refused())
        .await;
    let both = twins("both", 2);
    scene.lost("twins, both accepted", &both, accepted()).await;
    for pair in twins("one", 2).chunks(2) {
        scene
            .lost("twins, one accepted", &pair[..1], accepted())
            .await;
        scene
            .lost("twins, one accepted", &pair[1..], refused())
            .await;
    }
    scene
        .lost("twins, none accepted", &twins("none", 2), refused())
        .await;
    let foreign = prompts("foreign", 2);
    scene
        .lost("accepted, and so was another's", &foreign, accepted())
        .await;
    for prompt in &foreign {
        // Another program of the account, which asks for the same.
        let input = json!({"prompt": prompt});
        scene
            .client
            .predictions()
            .create_model(MODEL, input)
            .await
            .unwrap();
    }
    let removed = prompts("removed", 4);
    scene
        .lost("accepted, input removed", &removed, accepted())
        .await;
    for prompt in &removed {
        assert!(scene.server.remove_data(&scene.ids(prompt)[0]));
    }
    scene.known("after").await;
    let late = prompts("late", 4);
    scene
        .lost("not accepted, nothing sent after", &late, refused())
        .await;

    let doubts = scene.unresolved().await;
    let found = scene.resolved().await;
    assert_eq!(found.len(), doubts.len());
    let mut table: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for resolution in &found {
        let input: Value = serde_json::from_str(&resolution.entry.input).unwrap();
        let prompt = input["prompt"].as_str().unwrap();
        let (class, _) = scene.classes.iter().find(|(_, it)| it == prompt).unwrap();
        let row = table.entry(class).or_default();
        *row.entry(word(&resolution.finding)).or_default() += 1;
        let ids = scene.ids(prompt);
        let is_one_of = |it: &Candidate| ids.contains(&it.task.id);
        match &resolution.finding {
            Finding::Adopted(it) => assert!(is_one_of(it) && ids.len() == 1, "{prompt}: {it:?}"),
            // What is offered has the true one, if there is one.
            Finding::Candidates(all) => {
                assert!(ids.is_empty() || all.iter().any(is_one_of), "{prompt}");
            }
            Finding::Absent { .. } => assert_eq!(ids, [""; 0], "{prompt} was created"),
            _ => {}
        }
    }
    let rows = TABLE.trim().lines().map(|row| {
        let (class, rest) = row.split_at(35);
        let (count, word) = rest.trim().split_once("  ").unwrap();
        (
            class.trim(),
            BTreeMap::from([(word, count.parse::<usize>().unwrap())]),
        )
    });
    assert_eq!(table, rows.collect());
    // Adopted ones run; all others stand as they stood.
    let left = scene.unresolved().await;
    assert_eq!(left.len(), doubts.len() - 26);
}

/// How the service may list and show a request that was accepted, between two that are known, and what is found
/// of it: never that it was not created.
const FORMS: &str = r#"
as it was sent                     adopted     {}
name without the owner             adopted     {"model_name": "painter"}
name with a version                adopted     {"model_name": "acme/painter:5599ed30"}
name in another letter case        adopted     {"model_name": "Acme/Painter"}
name with another separator        adopted     {"model_name": "acme_painter"}
no name                            adopted     {"model_name": null}
time that cannot be read           candidates  {"submit_time": "soon"}
no time                            candidates  {"submit_time": 0}
another platform                   candidates  {"platform": "47"}
no platform                        adopted     {"platform": null}
half of a surrogate pair           adopted     {"fail_reason": "ODD"}
half of a surrogate pair in a name candidates  {"model_name": "ODD", "platform": "ODD"}
no id                              unproven    {"task_id": null}
prompt trimmed                     candidates  {"prompt": "https://x.example/boat.png"}
address of the service's own       candidates  {"prompt": "https://files.example/1.png"}
file shown by its address          candidates  {"prompt": "data:image/png;base64,AA"}
input in other words               candidates  {"prompt": "a boat at sea", "sent": "a boat"}
"#;

/// A row of the list of tasks with these fields changed.
fn listed(id: &str, changes: &Value) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut row = json!({
        "task_id": id,
        "platform": "replicate",
        "model_name": MODEL,
        "status": "SUCCESS",
        "submit_time": now.as_secs(),
    });
    for (name, value) in changes.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_request_is_found_in_whatever_form_it_is_listed() {
    for form in FORMS.trim().lines() {
        let (form, rest) = form.split_at(35);
        let (expected, changes) = rest.split_once("  ").unwrap();
        let changes: Value = serde_json::from_str(changes).unwrap();
        let mut scene = Scene::new().await;
        scene.known("before").await;
        let sent = changes["sent"].as_str();
        let sent = sent.unwrap_or(" https://x.example/boat.png\n").to_owned();
        let accepted = Plan::of(Fault::Reset).after_accept();
        scene
            .lost("lost", std::slice::from_ref(&sent), accepted)
            .await;
        scene.known("after").await;

        let id = scene.ids(&sent)[0].clone();
        if let Some(prompt) = changes.get("prompt") {
            let shown = json!({
                "id": id, "model": MODEL, "status": "starting", "input": {"prompt": prompt},
            });
            let shown = Plan::of(Fault::json(200, &shown)).id(&id);
            scene.server.on_poll(shown);
        }
        let rows = scene
            .server
            .predictions()
            .into_iter()
            .map(|it| match it.id {
                it if it == id => listed(&it, &changes),
                it => listed(&it, &json!({})),
            });
        let body =
            json!({"success": true, "data": {"page_size": 100, "items": rows.collect::<Vec<_>>()}});
        let body = body.to_string().replace("ODD", "\\ud83d");
        let tasks = Fault::Response {
            status: 200,
            content_type: "application/json".to_owned(),
            body: body.into(),
        };
        scene.server.on_account(AccountEndpoint::Tasks, tasks);
        let found = scene.resolved().await;
        assert_eq!(found.len(), 1, "{form}");
        let finding = &found[0].finding;
        assert_eq!(word(finding), expected.trim(), "{form}: {finding:?}");
        match finding {
            Finding::Adopted(it) => assert_eq!(it.task.id, id, "{form}"),
            Finding::Candidates(all) => assert_eq!(all[0].task.id, id, "{form}"),
            _ => {}
        }
    }
}

/// The ledger has a prediction, or another doubt, by another address of the same service.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_belongs_to_one_prediction_by_whatever_address() {
    for (is_known, expected) in [(true, "unproven"), (false, "candidates")] {
        let mut scene = Scene::new().await;
        let here = scene.client.clone();
        scene.client = client(&scene.server.base_url().replace("127.0.0.1", "localhost"));
        if is_known {
            scene.known("boat").await;
        } else {
            let accepted = Plan::of(Fault::Reset).after_accept();
            scene.lost("lost", &["boat".to_owned()], accepted).await;
        }
        scene.client = here;
        let refused = Plan::of(Fault::Reset);
        scene.lost("refused", &["boat".to_owned()], refused).await;
        let found = scene.resolved().await;
        assert_eq!(found.len(), 1);
        assert_eq!(word(&found[0].finding), expected);
    }
}

/// A prediction that this ledger is sending at the time has the input, too: the task may be its.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_keeps_its_task_from_being_taken() {
    let scene = Scene::new().await;
    scene.server.on_create(Fault::Reset);
    scene.run("boat").await.unwrap_err();
    scene.server.on_create(Plan::of(Fault::Hang).after_accept());
    let requests = scene.server.requests().len() as u64;
    let mut run = Box::pin(scene.run("boat").into_future());
    tokio::select! {
        ended = &mut run => panic!("{ended:?}"),
        () = scene.server.wait_for_requests(requests + 1) => {}
    }
    let found = tokio::select! {
        ended = &mut run => panic!("{ended:?}"),
        found = scene.resolved() => found,
    };
    assert_eq!(found.len(), 1);
    let Finding::Candidates(candidates) = &found[0].finding else {
        panic!("{:?}", found[0].finding)
    };
    assert_eq!(candidates[0].task.id, scene.ids("boat")[0]);
}
