//! A process with one worker, and what the rules do with it.

use std::path::Path;

use cometapi::{ErrorKind as Kind, ModelRef};
use serde_json::{Map, Value};

use crate::conformance::check::{Checked, Mismatch, exactly, same};
use crate::conformance::harness::{Harness, Process};
use crate::ledger::{
    Begun, Claimed, Entry, Filter, Intent, Job, Ledger, LedgerFuture, LoadId, Loaded, Loader, Mark,
    NewRow, Outcome, Plan, State, Tally, Want, WorkerId,
};

/// The service at which everything happens.
pub(super) const SERVICE: &str = "https://service.example";

/// Another one.
pub(super) const ELSEWHERE: &str = "https://elsewhere.example";

pub(super) struct Peer {
    process: Box<dyn Process>,
    pub(super) worker: WorkerId,
}

impl Peer {
    pub(super) async fn start(harness: &dyn Harness) -> Checked<Self> {
        Self::start_at(harness, SERVICE).await
    }

    pub(super) async fn start_at(harness: &dyn Harness, service: &str) -> Checked<Self> {
        let process = harness.open().await?;
        let worker = process.ledger().register(service.to_owned()).await?;
        Ok(Self { process, worker })
    }

    pub(super) fn ledger(&self) -> &dyn Ledger {
        self.process.ledger()
    }

    pub(super) async fn kill(self) {
        self.process.kill().await;
    }

    pub(super) async fn retire(&self) -> Checked {
        Ok(self.ledger().retire(self.worker).await?)
    }

    /// Registers another worker, for one that was retired.
    pub(super) async fn renew(&mut self) -> Checked {
        self.worker = self.ledger().register(SERVICE.to_owned()).await?;
        Ok(())
    }

    /// Begins a prediction without a key, which is not sent yet.
    pub(super) async fn begin(&self, prompt: &str) -> Checked<Job> {
        to_send(self.ledger().begin(self.worker, intent(prompt)?).await?)
    }

    /// Sends a prediction without a key.
    pub(super) async fn send(&self, prompt: &str) -> Checked<Job> {
        let job = self.begin(prompt).await?;
        self.mark(job.seq, Mark::Sending).await?;
        Ok(job)
    }

    /// Sends the prediction of a key.
    pub(super) async fn send_key(&self, key: &str, prompt: &str) -> Checked<Job> {
        let job = to_send(self.begin_key(key, prompt)?.await?)?;
        self.mark(job.seq, Mark::Sending).await?;
        Ok(job)
    }

    /// Begins the prediction of a key.
    pub(super) fn begin_key(&self, key: &str, prompt: &str) -> Checked<LedgerFuture<Begun>> {
        let intent = intent(prompt)?.with_key(key);
        Ok(self.ledger().begin(self.worker, intent))
    }

    pub(super) fn mark(&self, seq: u64, mark: Mark) -> LedgerFuture<()> {
        self.ledger().record(self.worker, seq, mark)
    }

    pub(super) async fn record(
        &self,
        seq: u64,
        marks: impl IntoIterator<Item = Mark> + Send,
    ) -> Checked {
        let marks: Vec<Mark> = marks.into_iter().collect();
        for mark in marks {
            self.mark(seq, mark).await?;
        }
        Ok(())
    }

    /// Loads rows with a new loader.
    pub(super) async fn load(
        &self,
        rows: Vec<NewRow>,
        plan: Plan,
    ) -> Checked<(Box<dyn Loader>, Loaded)> {
        let loader = self.ledger().loader();
        same("repeated rows", loader.add(rows).await?, [])?;
        let report = loader.load(plan).await?;
        Ok((loader, report))
    }

    pub(super) async fn claim(&self, load: LoadId, most: u32) -> Checked<Claimed> {
        let want = Want::new(Some(load), most, most);
        Ok(self.ledger().claim(self.worker, want).await?)
    }

    /// Claims one row, which must be there.
    pub(super) async fn claim_one(&self, load: LoadId) -> Checked<Job> {
        let [job] = exactly("row to claim", self.claim(load, 1).await?.jobs)?;
        Ok(job)
    }

    pub(super) async fn tally(&self, load: LoadId) -> Checked<Tally> {
        Ok(self.ledger().tally(load).await?)
    }

    /// Everything that is recorded, newest first.
    pub(super) async fn all(&self) -> Checked<Vec<Entry>> {
        let filter = Filter {
            limit: 10_000,
            ..Filter::default()
        };
        Ok(self.ledger().list(filter).await?)
    }

    pub(super) async fn entry(&self, seq: u64) -> Checked<Entry> {
        let mut all = self.all().await?;
        all.retain(|entry| entry.seq == seq);
        let [entry] = exactly("entry of the number", all)?;
        Ok(entry)
    }

    /// Checks where a prediction stands, and whether it is held.
    pub(super) async fn stands(&self, seq: u64, state: State, held: bool) -> Checked {
        let entry = self.entry(seq).await?;
        same(
            "state and whether it is held:",
            (entry.state, entry.held),
            (state, held),
        )
    }
}

pub(super) fn model(name: &str) -> Checked<ModelRef> {
    name.parse().map_err(|e| Mismatch::new("a model", e))
}

pub(super) fn input(prompt: &str) -> Map<String, Value> {
    Map::from_iter([("prompt".to_owned(), prompt.into())])
}

/// The canonical JSON of [`input`].
pub(super) fn json(prompt: &str) -> String {
    Value::from(input(prompt)).to_string()
}

pub(super) fn intent(prompt: &str) -> Checked<Intent> {
    Ok(Intent::new(&model("a/b")?, &input(prompt)))
}

pub(super) fn row(line: u64, id: Option<&str>, prompt: &str) -> Checked<NewRow> {
    let id = id.map(str::to_owned);
    Ok(NewRow::new(line, id, &model("a/b")?, &input(prompt)))
}

/// Rows without ids, from line 1.
pub(super) fn rows(prompts: &[&str]) -> Checked<Vec<NewRow>> {
    let numbered = (1..).zip(prompts);
    numbered
        .map(|(line, prompt)| row(line, None, prompt))
        .collect()
}

/// A batch in the folder of the harness.
pub(super) fn plan(harness: &dyn Harness) -> Plan {
    plan_in(&harness.folder())
}

pub(super) fn plan_in(folder: &Path) -> Plan {
    Plan::new("batch", folder, SERVICE)
}

pub(super) fn created(id: &str) -> Mark {
    Mark::Created {
        id: id.to_owned(),
        request_id: None,
    }
}

pub(super) fn seen(status: &str) -> Mark {
    Mark::Seen {
        status: status.to_owned(),
        fetching: false,
        took: None,
    }
}

pub(super) fn failed(kind: Kind) -> Mark {
    Mark::Ended(Outcome::failed(kind, "why"))
}

pub(super) fn to_send(begun: Begun) -> Checked<Job> {
    match begun {
        Begun::Send(job) => Ok(job),
        other => Err(unlike("Begun::Send", &other)),
    }
}

pub(super) fn unlike(expected: &str, found: &Begun) -> Mismatch {
    Mismatch::new(expected, format!("{found:?}"))
}
