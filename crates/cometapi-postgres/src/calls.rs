//! What each call of a ledger is, and how it is committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cometapi::{BoxFuture, Durations};
use cometapi_batch::columns::now;
use cometapi_batch::{
    BatchEntry, Begun, Claimed, Cost, Entry, Filter, Intent, Job, Ledger, LedgerFuture, LoadId,
    Loader, Mark, Outcome, Tally, Usd, Want, WorkerId,
};

use crate::claim::{Claim, Refusal};
use crate::columns::token;
use crate::lane::{LaneHandle, Touch};
use crate::ledger::PostgresLedger;
use crate::loader::PostgresLoader;
use crate::mark::{Record, is_durable, is_one_statement};
use crate::session::Session;
use crate::{costs, durations, list, names, pause, prune, stage, worker};

impl Ledger for PostgresLedger {
    fn register(&self, service: String) -> LedgerFuture<WorkerId> {
        let life = Arc::clone(&self.0.life);
        // Durable, so that a number is never given out twice.
        self.main(|lane| {
            lane.ask(Touch::Money, async move |session: &Session, _| {
                let process = life.process().await?;
                let worker = worker::register(session, process, &service).await?;
                life.register(worker, process).await
            })
        })
    }

    fn retire(&self, worker: WorkerId) -> LedgerFuture<()> {
        let life = Arc::clone(&self.0.life);
        // What was asked for before must be done before, in every lane.
        let flushed: Vec<_> = self
            .0
            .lanes()
            .iter()
            .flatten()
            .skip(1)
            .map(LaneHandle::flush)
            .collect();
        let flushed = tokio::sync::Mutex::new(flushed);
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, _| {
                for flushed in flushed.lock().await.drain(..) {
                    // A lane that has ended has done everything.
                    _ = flushed.await;
                }
                worker::retire(session, worker).await?;
                life.retired(worker);
                Ok(())
            })
        })
    }

    fn loader(&self) -> Box<dyn Loader> {
        // Chance, because all processes share the table; from 0 on, as databases count.
        let id = LoadId(fastrand::i64(0..));
        let life = Arc::clone(&self.0.life);
        let begun = self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                stage::begin(session, life.process().await?, id).await
            })
        });
        // If it fails, adding rows fails.
        drop(begun);
        match self.0.lanes().as_deref() {
            Some([lane, ..]) => Box::new(PostgresLoader::new(lane.clone(), id)),
            _ => Box::new(PostgresLoader::new(LaneHandle::closed(), id)),
        }
    }

    fn claim(&self, worker: WorkerId, want: Want) -> LedgerFuture<Claimed> {
        let (life, token) = (Arc::clone(&self.0.life), token());
        self.main(|lane| {
            lane.ask_while_wanted(Touch::Transaction, async move |session: &Session, again| {
                life.check(worker)?;
                let claim = Claim {
                    worker,
                    token,
                    again,
                };
                claim.claim(session, want).await
            })
        })
    }

    fn notified(&self) -> BoxFuture<()> {
        Box::pin(self.0.life.notified())
    }

    fn pause(&self, service: String, pause: Duration) -> LedgerFuture<()> {
        // Like what is recorded, it waits for no claim.
        self.of(0, |lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                pause::pause(session, &service, pause).await
            })
        })
    }

    fn begin(&self, worker: WorkerId, intent: Intent) -> LedgerFuture<Begun> {
        let (life, token) = (Arc::clone(&self.0.life), token());
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, again| {
                life.check(worker)?;
                let claim = Claim {
                    worker,
                    token,
                    again,
                };
                claim.begin(session, &intent).await
            })
        })
    }

    fn adopt(&self, worker: WorkerId, id: String) -> LedgerFuture<Option<Job>> {
        let (life, token) = (Arc::clone(&self.0.life), token());
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, again| {
                life.check(worker)?;
                let claim = Claim {
                    worker,
                    token,
                    again,
                };
                claim.adopt(session, &id).await
            })
        })
    }

    fn record(&self, worker: WorkerId, seq: u64, mark: Mark) -> LedgerFuture<()> {
        let (life, at) = (Arc::clone(&self.0.life), now());
        let touch = if is_durable(&mark) {
            Touch::Money
        } else if is_one_statement(&mark) {
            Touch::Statements
        } else {
            Touch::Transaction
        };
        self.of(seq, |lane| {
            lane.ask(touch, async move |session: &Session, again| {
                let record = Record {
                    worker,
                    seq,
                    mark: &mark,
                    at,
                    again,
                };
                if matches!(mark, Mark::Sending)
                    && let Err(lost) = life.check(worker)
                {
                    if again {
                        record.take_back(session).await?;
                    }
                    return Err(lost);
                }
                record.run(session).await
            })
        })
    }

    fn refuse_model(
        &self,
        load: LoadId,
        model: String,
        outcome: Outcome,
        most: u32,
    ) -> LedgerFuture<Vec<Job>> {
        let refusal = Refusal {
            load,
            model,
            outcome,
            most,
            token: token(),
            at: now(),
        };
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, again| {
                refusal.run(session, again).await
            })
        })
    }

    fn reserve(
        &self,
        worker: WorkerId,
        seq: u64,
        position: u64,
        names: Vec<String>,
    ) -> LedgerFuture<Option<String>> {
        // Durable: a file that is written under a name that the server forgets could be overwritten.
        self.of(seq, |lane| {
            lane.ask(Touch::Money, async move |session: &Session, _| {
                names::reserve(session, worker, seq, position, &names).await
            })
        })
    }

    fn tally(&self, load: LoadId) -> LedgerFuture<Tally> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                stage::tally(session, load).await
            })
        })
    }

    fn batches(&self) -> LedgerFuture<Vec<BatchEntry>> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async |session: &Session, _| {
                list::batches(session).await
            })
        })
    }

    fn list(&self, filter: Filter) -> LedgerFuture<Vec<Entry>> {
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, _| {
                // A create request of a process that ended is unresolved from then on, and a list must
                // show this before the next run writes.
                worker::release_dead(session).await?;
                list::list(session, &filter).await
            })
        })
    }

    fn costs(&self, filter: Filter) -> LedgerFuture<BTreeMap<String, Cost>> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                costs::costs(session, &filter).await
            })
        })
    }

    fn charge(&self, service: String, charges: Vec<(String, Usd)>) -> LedgerFuture<u64> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                costs::charge(session, &service, &charges).await
            })
        })
    }

    fn durations(&self, service: String) -> LedgerFuture<BTreeMap<String, Durations>> {
        self.main(|lane| {
            lane.ask(Touch::Statements, async move |session: &Session, _| {
                durations::read(session, &service).await
            })
        })
    }

    fn prune(&self, before: SystemTime) -> LedgerFuture<u64> {
        self.main(|lane| {
            lane.ask(Touch::Transaction, async move |session: &Session, _| {
                prune::prune(session, before).await
            })
        })
    }
}
