//! Ledgers that are wrong on purpose: each is found at the rules that it breaks, and at no other.

use std::collections::{BTreeMap, HashMap};
use std::future::ready;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use cometapi::{BoxFuture, Durations};
use cometapi_account::Usd;
use tempfile::TempDir;
use tokio::time::{Instant, advance};

use super::super::writer::Touch;
use super::super::{claim, mark, names};
use crate::SqliteLedger;
use crate::conformance::{Harness, Process, rules};
use crate::ledger::{
    BatchEntry, Begun, Claimed, Cost, Entry, Filter, Intent, Job, Ledger, LedgerFuture, LoadId,
    Loaded, Loader, Mark, NewRow, Outcome, Plan, Repeated, Tally, Want, WorkerId,
};

/// What a ledger does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// A worker that was silent for a minute is taken for ended.
    Lease,
    /// A claim reads what is free in one transaction, and takes it in another.
    ClaimWithoutComparison,
    /// A mark is recorded whichever worker holds the prediction.
    RecordWithoutComparison,
    /// An id is recorded with the next call of its process.
    LateId,
    /// A claim compares the limit with the price of each row alone.
    LimitOfEachRow,
    /// A claim does not look at what is in flight.
    NoLimitInFlight,
    /// A name is returned without looking who has it.
    NameOfAnyFile,
    /// A name is reserved whichever worker holds the prediction.
    ReserveWithoutComparison,
    /// Names are compared to the letter.
    ReserveToTheLetter,
    /// Labels, the names of a batch and updates are not recorded.
    NoUpdate,
    /// A pause is not recorded.
    NoPause,
    /// A single prediction's folder is not recorded.
    NoFolder,
    /// A list looks neither at the load, nor at the file, nor at the number that it begins after.
    WholeList,
    /// An end is recorded with its time, whatever was recorded before.
    EachEnd,
}

const FAULTS: [(Fault, &[&str]); 15] = [
    (Fault::None, &[]),
    (Fault::Lease, &["a_silent_worker_keeps_what_it_holds"]),
    (
        Fault::ClaimWithoutComparison,
        &[
            "no_prediction_is_held_by_two_workers",
            "workers_do_not_have_too_many_in_flight_together",
            "workers_do_not_exceed_the_limit_together",
        ],
    ),
    (
        Fault::RecordWithoutComparison,
        &[
            "record_compares_the_worker",
            "late_marks_are_refused",
            "no_end_is_overwritten",
            "only_a_doubt_is_settled_as_not_created",
        ],
    ),
    (
        Fault::LateId,
        &[
            "a_result_is_seen_by_others_at_once",
            "a_result_survives_the_process",
        ],
    ),
    (
        Fault::LimitOfEachRow,
        &[
            "workers_do_not_exceed_the_limit_together",
            "what_does_not_fit_is_passed_over",
            "what_was_not_charged_makes_room",
            "what_was_spent_counts_in_later_runs",
            "a_row_without_a_price_is_not_claimed_within_a_limit",
            "a_charge_counts_more_than_the_price",
        ],
    ),
    (
        Fault::NoLimitInFlight,
        &[
            "workers_do_not_have_too_many_in_flight_together",
            "what_is_not_at_the_service_is_not_in_flight",
            "what_has_an_id_is_taken_beyond_what_may_be_in_flight",
        ],
    ),
    (
        Fault::NameOfAnyFile,
        &[
            "a_name_is_of_one_file_of_a_batch",
            "a_reserved_name_stays",
            "only_the_worker_of_a_prediction_reserves_its_names",
            "a_row_that_was_not_created_gives_its_names_back",
        ],
    ),
    (
        Fault::ReserveWithoutComparison,
        &["only_the_worker_of_a_prediction_reserves_its_names"],
    ),
    (
        Fault::ReserveToTheLetter,
        &["a_name_is_of_one_file_of_a_batch"],
    ),
    (
        Fault::NoUpdate,
        &[
            "the_labels_of_the_latest_load_count",
            "an_update_creates_changed_rows_anew",
            "an_update_leaves_what_runs_until_its_end",
            "the_latest_names_of_a_batch_count",
        ],
    ),
    (
        Fault::NoPause,
        &["a_pause_is_kept_by_every_process_at_the_service"],
    ),
    (
        Fault::NoFolder,
        &["where_the_files_of_a_single_prediction_go_is_kept"],
    ),
    (
        Fault::WholeList,
        &[
            "lists_after_a_number_are_paged_oldest_first",
            "a_list_of_a_load_has_its_rows",
            "a_file_leads_to_its_prediction",
        ],
    ),
    (Fault::EachEnd, &["the_end_of_a_success_stays"]),
];

#[tokio::test(start_paused = true)]
async fn each_fault_is_found_at_the_rules_that_it_breaks() {
    for (fault, expected) in FAULTS {
        let mut violations = Vec::new();
        for rule in rules() {
            violations.extend(rule.check(&InMemory::new(fault)).await.err());
        }
        let violated: Vec<_> = violations.iter().map(|it| it.rule().name()).collect();
        assert_eq!(violated, expected, "{fault:?}: {violations:#?}");
    }
}

const LEASE: Duration = Duration::from_secs(60);

type LastCalls = Arc<Mutex<HashMap<WorkerId, Instant>>>;

struct InMemory {
    fault: Fault,
    ledger: SqliteLedger,
    last_calls: LastCalls,
    folder: TempDir,
}

impl InMemory {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            ledger: SqliteLedger::in_memory().unwrap(),
            last_calls: LastCalls::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }
}

impl Harness for InMemory {
    fn open(&self) -> LedgerFuture<Box<dyn Process>> {
        let opened = Opened(Arc::new(Wrong {
            fault: self.fault,
            ledger: self.ledger.clone(),
            last_calls: Arc::clone(&self.last_calls),
            workers: Arc::default(),
            late: Mutex::default(),
        }));
        Box::pin(async { Ok(Box::new(opened) as _) })
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn pass_time(&self, time: Duration) -> BoxFuture<()> {
        Box::pin(advance(time))
    }
}

struct Opened(Arc<Wrong>);

impl Process for Opened {
    fn ledger(&self) -> &dyn Ledger {
        &*self.0
    }

    /// Without a lock that ends with the process, retiring its workers stands for its end.
    fn kill(self: Box<Self>) -> BoxFuture<()> {
        Box::pin(async move {
            let workers = self.0.workers.lock().unwrap().clone();
            for worker in workers {
                self.0.ledger.retire(worker).await.unwrap();
            }
        })
    }
}

/// One process's way to the ledger in memory, which all share.
#[derive(Debug)]
struct Wrong {
    fault: Fault,
    ledger: SqliteLedger,
    last_calls: LastCalls,
    /// Those of this process.
    workers: Arc<Mutex<Vec<WorkerId>>>,
    late: Mutex<Vec<(WorkerId, u64, Mark)>>,
}

impl Wrong {
    /// The ledger, for the next call of this process.
    fn next(&self) -> &SqliteLedger {
        for (worker, seq, mark) in self.late.lock().unwrap().drain(..) {
            drop(self.ledger.record(worker, seq, mark));
        }
        &self.ledger
    }

    /// The same for a call of `worker`.
    fn next_of(&self, worker: WorkerId) -> &SqliteLedger {
        let mut last_calls = self.last_calls.lock().unwrap();
        last_calls.insert(worker, Instant::now());
        self.next()
    }

    /// The same for a call that takes predictions.
    fn next_to_take(&self, worker: WorkerId) -> &SqliteLedger {
        let ledger = self.next_of(worker);
        if self.fault == Fault::Lease {
            for (worker, last_call) in &*self.last_calls.lock().unwrap() {
                if last_call.elapsed() > LEASE {
                    drop(ledger.retire(*worker));
                }
            }
        }
        ledger
    }
}

/// A loader that does not record what may be another in each load.
#[derive(Debug)]
struct NoUpdate(Box<dyn Loader>);

impl Loader for NoUpdate {
    fn id(&self) -> LoadId {
        self.0.id()
    }

    fn add(&self, mut rows: Vec<NewRow>) -> LedgerFuture<Vec<Repeated>> {
        for row in &mut rows {
            row.labels = None;
        }
        self.0.add(rows)
    }

    fn load(&self, mut plan: Plan) -> LedgerFuture<Loaded> {
        (plan.update, plan.names) = (false, None);
        self.0.load(plan)
    }
}

impl Ledger for Wrong {
    fn register(&self, service: String) -> LedgerFuture<WorkerId> {
        let registered = self.next().register(service);
        let (workers, last_calls) = (Arc::clone(&self.workers), Arc::clone(&self.last_calls));
        Box::pin(async move {
            let worker = registered.await?;
            workers.lock().unwrap().push(worker);
            last_calls.lock().unwrap().insert(worker, Instant::now());
            Ok(worker)
        })
    }

    fn retire(&self, worker: WorkerId) -> LedgerFuture<()> {
        self.next().retire(worker)
    }

    fn loader(&self) -> Box<dyn Loader> {
        let loader = self.next().loader();
        match self.fault {
            Fault::NoUpdate => Box::new(NoUpdate(loader)),
            _ => loader,
        }
    }

    fn claim(&self, worker: WorkerId, want: Want) -> LedgerFuture<Claimed> {
        let ledger = self.next_to_take(worker).clone();
        if self.fault == Fault::LimitOfEachRow {
            return ledger.claim(worker, want.within(None));
        }
        if self.fault == Fault::NoLimitInFlight {
            return ledger.claim(worker, want.beside(None));
        }
        if self.fault != Fault::ClaimWithoutComparison {
            return ledger.claim(worker, want);
        }
        let free = ledger.writer.ask(Touch::Ledger, move |writer| {
            writer.conn.execute_batch("SAVEPOINT free")?;
            let claimed = claim::claim(writer, worker, want);
            writer
                .conn
                .execute_batch("ROLLBACK TO free; RELEASE free")?;
            claimed
        });
        Box::pin(async move {
            let claimed = free.await?;
            let seqs: Vec<u64> = claimed.jobs.iter().map(|job| job.seq).collect();
            let taken = ledger.writer.ask(Touch::Ledger, move |writer| {
                for seq in seqs {
                    let sql = "UPDATE prediction SET worker = ? WHERE seq = ?";
                    writer.conn.execute(sql, [worker.0, seq.cast_signed()])?;
                }
                Ok(())
            });
            taken.await?;
            Ok(claimed)
        })
    }

    fn begin(&self, worker: WorkerId, mut intent: Intent) -> LedgerFuture<Begun> {
        if self.fault == Fault::NoFolder {
            intent = intent.saved_in(None, None);
        }
        self.next_to_take(worker).begin(worker, intent)
    }

    fn adopt(&self, worker: WorkerId, id: String) -> LedgerFuture<Option<Job>> {
        self.next_to_take(worker).adopt(worker, id)
    }

    fn record(&self, worker: WorkerId, seq: u64, mark: Mark) -> LedgerFuture<()> {
        let ledger = self.next_of(worker);
        match (self.fault, &mark) {
            (Fault::RecordWithoutComparison, _) => {
                ledger.writer.ask(Touch::Ledger, move |writer| {
                    let changed = writer.conn.query_row(
                        "UPDATE prediction SET worker = ifnull(worker, ?) WHERE seq = ?
                     RETURNING worker",
                        [worker.0, seq.cast_signed()],
                        |row| row.get(0),
                    );
                    mark::record(writer, WorkerId(changed?), seq, &mark)
                })
            }
            (Fault::EachEnd, Mark::Ended(_)) => ledger.writer.ask(Touch::Ledger, move |writer| {
                let sql = "UPDATE prediction SET ended_at = NULL WHERE seq = ? AND worker = ?";
                writer.conn.execute(sql, [seq.cast_signed(), worker.0])?;
                mark::record(writer, worker, seq, &mark)
            }),
            (Fault::LateId, Mark::Created { .. }) => {
                let late = (worker, seq, mark.clone());
                self.late.lock().unwrap().push(late);
                // What would be refused is refused at once.
                ledger.writer.ask(Touch::Ledger, move |writer| {
                    writer.conn.execute_batch("SAVEPOINT tried")?;
                    let recorded = mark::record(writer, worker, seq, &mark);
                    writer
                        .conn
                        .execute_batch("ROLLBACK TO tried; RELEASE tried")?;
                    recorded
                })
            }
            _ => ledger.record(worker, seq, mark),
        }
    }

    fn reserve(
        &self,
        worker: WorkerId,
        seq: u64,
        position: u64,
        names: Vec<String>,
    ) -> LedgerFuture<Option<String>> {
        let ledger = self.next_of(worker);
        match self.fault {
            Fault::NameOfAnyFile => Box::pin(ready(Ok(names.into_iter().next()))),
            Fault::ReserveWithoutComparison => ledger.writer.ask(Touch::Ledger, move |writer| {
                let worker: Option<i64> = writer.conn.query_row(
                    "SELECT worker FROM prediction WHERE seq = ?",
                    [seq.cast_signed()],
                    |row| row.get(0),
                )?;
                match worker {
                    Some(worker) => {
                        names::reserve(&writer.conn, WorkerId(worker), seq, position, names)
                    }
                    None => Ok(names.into_iter().next()),
                }
            }),
            Fault::ReserveToTheLetter => ledger.writer.ask(Touch::Ledger, move |writer| {
                let reserved = names::reserve(&writer.conn, worker, seq, position, names)?;
                writer.conn.execute("UPDATE name SET folded = name", [])?;
                Ok(reserved)
            }),
            _ => ledger.reserve(worker, seq, position, names),
        }
    }

    fn refuse_model(
        &self,
        load: LoadId,
        model: String,
        outcome: Outcome,
        most: u32,
    ) -> LedgerFuture<Vec<Job>> {
        self.next().refuse_model(load, model, outcome, most)
    }

    fn tally(&self, load: LoadId) -> LedgerFuture<Tally> {
        self.next().tally(load)
    }

    fn batches(&self) -> LedgerFuture<Vec<BatchEntry>> {
        self.next().batches()
    }

    fn list(&self, mut filter: Filter) -> LedgerFuture<Vec<Entry>> {
        if self.fault == Fault::WholeList {
            (filter.load, filter.file, filter.after) = (None, None, None);
        }
        self.next().list(filter)
    }

    fn costs(&self, filter: Filter) -> LedgerFuture<BTreeMap<String, Cost>> {
        self.next().costs(filter)
    }

    fn charge(&self, service: String, charges: Vec<(String, Usd)>) -> LedgerFuture<u64> {
        self.next().charge(service, charges)
    }

    fn durations(&self, service: String) -> LedgerFuture<BTreeMap<String, Durations>> {
        self.next().durations(service)
    }

    fn pause(&self, service: String, pause: Duration) -> LedgerFuture<()> {
        if self.fault == Fault::NoPause {
            return Box::pin(ready(Ok(())));
        }
        self.next().pause(service, pause)
    }

    fn prune(&self, before: SystemTime) -> LedgerFuture<u64> {
        self.next().prune(before)
    }
}
