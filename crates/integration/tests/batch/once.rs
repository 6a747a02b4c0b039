//! One prediction by its key: each way in which it may stand, on a real socket.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use cometapi::{Client, Error as ApiError, ErrorKind as Kind, Prediction};
use cometapi_batch::{
    Entry, ErrorKind, Filter, Finish, Ledger, Once, OnceError, OnceEvent, OnceRun, SqliteLedger,
    State,
};
use cometapi_mock::{Ending, Fault, Hold, Plan, Script, Step};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::engine::Bench;
use crate::setup::{Count, MODEL, QUICK, builder, client, quick, visible};

const KEY: &str = "order-4711/cover";
const SCHNELL: &str = "black-forest-labs/flux-schnell";

impl Bench {
    /// A prediction of [`KEY`].
    fn once(&self) -> Once {
        once(&self.client, Arc::clone(&self.ledger)).key(KEY)
    }

    /// The same from a handle of its own, as another process has it.
    fn elsewhere(&self) -> Once {
        let ledger = SqliteLedger::open(self.base.path().join("ledger")).unwrap();
        once(&self.client, Arc::new(ledger)).key(KEY)
    }

    /// What is recorded, oldest first.
    async fn entries(&self) -> Vec<Entry> {
        let mut entries = self.ledger.list(Filter::default()).await.unwrap();
        entries.reverse();
        entries
    }

    /// The only prediction that is recorded.
    async fn entry(&self) -> Entry {
        let mut entries = self.entries().await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries.remove(0)
    }

    /// Waits until no worker holds the only prediction: a run that is dropped asks its ledger for that,
    /// and another handle may read the file before it is done.
    async fn released(&self) {
        while self.entry().await.held {
            tokio::task::yield_now().await;
        }
    }

    fn requests(&self) -> usize {
        self.server.requests().len()
    }
}

fn once(client: &Client, ledger: Arc<dyn Ledger>) -> Once {
    Once::new(client, ledger).create_policy(quick())
}

fn input() -> Value {
    json!({"prompt": "a fox"})
}

fn fox(once: Once) -> OnceRun {
    once.run(MODEL, input())
}

#[track_caller]
fn service(end: Result<Prediction, OnceError>) -> ApiError {
    match end {
        Err(OnceError::Service(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn ledger<T: std::fmt::Debug>(end: Result<T, OnceError>) -> ErrorKind {
    match end {
        Err(OnceError::Ledger(error)) => error.kind(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unresolved(end: Result<Prediction, OnceError>) -> Entry {
    match end {
        Err(error @ OnceError::Unresolved(_)) if error.is_retryable() => panic!("{error:?}"),
        Err(OnceError::Unresolved(entry)) => *entry,
        other => panic!("{other:?}"),
    }
}

/// An observer that notes when the prediction was found to be another worker's.
fn elsewhere() -> (impl Fn(&OnceEvent<'_>) + Send + Sync + 'static, Arc<Notify>) {
    let (count, reached) = Count::to(1);
    let observer = move |event: &OnceEvent<'_>| {
        if matches!(event, OnceEvent::Elsewhere { .. }) {
            count.count();
        }
    };
    (observer, reached)
}

/// Awaits `future` for this many polls at most.
async fn at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // The last is not waited for.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn a_success_is_returned_without_a_request_whatever_its_output() {
    let outputs = [
        None,
        Some(json!("a red fox")),
        Some(json!(["A ", "red ", "fox"])),
        Some(json!({"safe": true, "scores": [0.25, 1e300]})),
        Some(json!(null)),
    ];
    for output in outputs {
        let bench = Bench::new().await;
        if let Some(output) = output {
            bench.server.on_end(Ending::Output(output));
        }
        let first = fox(bench.once()).await.unwrap();
        let requests = bench.requests();
        // The service keeps it for an hour.
        bench.server.remove_data(first.id());
        for _ in 0..2 {
            let again = fox(bench.elsewhere()).await.unwrap();
            assert_eq!(
                serde_json::to_value(&again).unwrap(),
                serde_json::to_value(&first).unwrap()
            );
            assert_eq!(again.wire().output, first.wire().output);
        }
        let mut again = fox(bench.elsewhere());
        assert_eq!(again.created().await.unwrap(), first.id());
        let ended = again.terminal().await.unwrap();
        assert_eq!((ended.id(), ended.is_terminal()), (first.id(), true));
        assert_eq!(again.model(), Some(MODEL));
        again.succeeded(None).await.unwrap();
        assert_eq!(
            (bench.requests(), bench.server.create_requests()),
            (requests, 1)
        );
        let entry = bench.entry().await;
        assert_eq!(
            (entry.key.as_deref(), entry.state),
            (Some(KEY), State::Ended)
        );
        assert!(entry.outcome.unwrap().is_success());
    }
}

#[tokio::test]
async fn a_request_that_had_no_effect_is_sent_again_also_with_another_input() {
    let cases = [
        (Fault::InputRefused, Kind::Refused),
        (Fault::InvalidToken, Kind::Unauthorized),
        (Fault::InsufficientUserQuota, Kind::OutOfQuota),
        (Fault::FirewallPage, Kind::Blocked),
        (Fault::IndexPage, Kind::WrongEndpoint),
        (Fault::ThrottledSeconds(3600), Kind::RateLimited),
    ];
    for (fault, kind) in cases {
        let bench = Bench::new().await;
        bench.server.on_create(fault);
        let error = service(fox(bench.once()).await);
        assert_eq!((error.kind(), error.prediction_id()), (kind, None));
        let entry = bench.entry().await;
        assert_eq!(
            (entry.state, entry.id, entry.held),
            (State::Ended, None, false)
        );
        assert_eq!(entry.outcome.unwrap().kind, Some(kind));

        let other = json!({"prompt": "a red fox"});
        let done = bench.elsewhere().run("acme/drawer", other).await.unwrap();
        let entry = bench.entry().await;
        assert_eq!(entry.id.as_deref(), Some(done.id()));
        assert_eq!(entry.model, "acme/drawer");
        assert!(entry.input.contains("a red fox"), "{}", entry.input);
        assert_eq!(bench.server.predictions().len(), 1);
        // From then on it is that one.
        assert_eq!(ledger(fox(bench.once()).await), ErrorKind::KeyReused);
    }
}

#[tokio::test]
async fn a_service_that_was_not_reached_is_asked_again() {
    let bench = Bench::new().await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let away = client(&format!("http://{}", socket.local_addr().unwrap()));
    let here = |client: &Client| {
        once(client, Arc::clone(&bench.ledger))
            .key(KEY)
            .service("mock")
    };
    let error = service(fox(here(&away)).await);
    assert_eq!(error.kind(), Kind::NeverReached);
    fox(here(&bench.client)).await.unwrap();
    assert_eq!(bench.entry().await.state, State::Ended);
}

#[tokio::test]
async fn a_created_prediction_is_continued_by_its_id() {
    for ended in [false, true] {
        let bench = Bench::new().await;
        let mut first = fox(bench.once());
        let id = first.created().await.unwrap();
        assert_eq!(bench.server.predictions()[0].id, id);
        assert_eq!(first.response().map(Prediction::id), Some(&*id));
        if ended {
            // Its end was seen, and its files may not be saved.
            first.terminal().await.unwrap();
        }
        drop(first);
        let entry = bench.entry().await;
        assert_eq!((entry.state, entry.held), (State::Running, false));
        let known = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&known);
        let again = bench.elsewhere().on_event(move |event| {
            if let OnceEvent::Known { earlier, .. } = event {
                seen.store(*earlier, Ordering::Relaxed);
            }
        });
        let mut again = fox(again);
        assert_eq!(again.created().await.unwrap(), id);
        assert!(known.load(Ordering::Relaxed) && again.response().is_none());
        assert_eq!(again.finished().await.unwrap().id(), id);
        assert_eq!(bench.server.create_requests(), 1);
        assert_eq!(bench.entry().await.state, State::Ended);
    }
}

/// `Finish` saves what no living process has, and the next call with the key has its result.
#[tokio::test]
async fn a_prediction_that_was_left_is_finished_by_another_process() {
    let bench = Bench::new().await;
    let folder = bench.base.path().join("finished");
    let finish = || Finish::new(&bench.client, Arc::clone(&bench.ledger), &folder).run();
    let mut run = fox(bench.elsewhere());
    let id = run.created().await.unwrap();
    assert_eq!(finish().await.unwrap().tally.total(), 0);
    drop(run);
    bench.released().await;
    assert_eq!(finish().await.unwrap().tally.succeeded, 1);
    assert!(folder.join(format!("{id}.webp")).exists());
    let requests = bench.requests();
    assert_eq!(fox(bench.elsewhere()).await.unwrap().id(), id);
    assert_eq!(
        (bench.requests(), bench.server.create_requests()),
        (requests, 1)
    );
}

/// As a deadline leaves it.
#[tokio::test]
async fn a_prediction_that_takes_too_long_is_continued_by_the_next_call() {
    let bench = Bench::new().await;
    bench.server.on_run(Script::new([
        Step::Processing,
        Step::Processing,
        Step::End(Ending::Succeeded),
    ]));
    let end = fox(bench.once().timeout(Duration::ZERO)).await;
    assert!(end.as_ref().unwrap_err().is_retryable());
    let error = service(end);
    let id = error.prediction_id().unwrap().to_owned();
    assert_eq!(error.kind(), Kind::WaitTimeout);
    let entry = bench.entry().await;
    assert_eq!((entry.state, entry.held), (State::Running, false));
    assert_eq!(fox(bench.elsewhere()).await.unwrap().id(), id);
    assert_eq!(bench.server.create_requests(), 1);
}

#[tokio::test]
async fn a_call_waits_for_the_one_that_has_the_prediction_and_returns_its_result() {
    for ending in [Ending::Succeeded, Ending::nsfw()] {
        let bench = Bench::new().await;
        bench.server.on_end(ending.clone());
        let hold = Hold::new();
        bench.server.on_create(Fault::Hold(hold.clone()));
        let first = tokio::spawn(fox(bench.once()).into_future());
        bench.server.wait_for_requests(1).await;
        let (observer, is_elsewhere) = elsewhere();
        let second = tokio::spawn(fox(bench.elsewhere().on_event(observer)).into_future());
        is_elsewhere.notified().await;
        // One that does not wait says so.
        let hasty = fox(bench.elsewhere().timeout(Duration::ZERO)).await;
        match hasty {
            Err(error @ OnceError::Elsewhere(_)) => {
                assert!(error.is_retryable());
                assert_eq!(error.prediction_id(), None);
            }
            other => panic!("{other:?}"),
        }
        hold.release();
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        if ending == Ending::Succeeded {
            assert_eq!(first.unwrap().id(), second.unwrap().id());
        } else {
            let (first, second) = (service(first), service(second));
            assert_eq!(first.to_string(), second.to_string());
            assert_eq!((first.kind(), second.kind()), (Kind::Failed, Kind::Failed));
        }
        assert_eq!(bench.server.create_requests(), 1);
        assert_eq!(bench.entry().await.state, State::Ended);
    }
}

#[tokio::test]
async fn a_prediction_is_taken_over_when_its_run_is_dropped() {
    let bench = Bench::new().await;
    let mut first = fox(bench.once());
    let id = first.created().await.unwrap();
    let (observer, is_elsewhere) = elsewhere();
    let mut second = fox(bench.elsewhere().on_event(observer));
    // The id is known although another has it.
    assert_eq!(second.created().await.unwrap(), id);
    assert!(second.response().is_none());
    let hasty = fox(bench.elsewhere().timeout(Duration::ZERO)).await;
    match hasty {
        Err(OnceError::Elsewhere(entry)) => assert_eq!(entry.id.as_ref(), Some(&id)),
        other => panic!("{other:?}"),
    }
    let second = tokio::spawn(second.finished());
    is_elsewhere.notified().await;
    drop(first);
    assert_eq!(second.await.unwrap().unwrap().id(), id);
    assert_eq!(bench.server.create_requests(), 1);
}

#[tokio::test]
async fn a_prediction_in_flight_is_not_taken_over_when_its_run_is_dropped() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::Hang.after_accept());
    let first = tokio::spawn(fox(bench.once()).into_future());
    bench.server.wait_for_requests(1).await;
    let (observer, is_elsewhere) = elsewhere();
    let second = tokio::spawn(fox(bench.elsewhere().on_event(observer)).into_future());
    is_elsewhere.notified().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let entry = unresolved(second.await.unwrap());
    assert_eq!((entry.id, entry.key.as_deref()), (None, Some(KEY)));
    assert_eq!(bench.server.create_requests(), 1);
}

/// Released while it pauses, the waiting call sends it.
#[tokio::test]
async fn a_prediction_that_was_never_sent_is_created_by_the_call_that_waits_for_it() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::ThrottledSeconds(30));
    let (count, pausing) = Count::to(1);
    let first = bench.once().on_event(move |event| {
        if let OnceEvent::Pausing { pause, kind, .. } = event {
            assert!(*pause >= Duration::from_secs(30));
            assert_eq!(*kind, Kind::RateLimited);
            count.count();
        }
    });
    let first = tokio::spawn(fox(first).into_future());
    pausing.notified().await;
    let (observer, is_elsewhere) = elsewhere();
    let second = tokio::spawn(fox(bench.elsewhere().on_event(observer)).into_future());
    is_elsewhere.notified().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let done = second.await.unwrap().unwrap();
    assert_eq!(bench.server.create_requests(), 2);
    assert_eq!(bench.entry().await.id.as_deref(), Some(done.id()));
}

#[tokio::test]
async fn a_failure_is_the_same_error_in_every_call() {
    let ends = [
        (Ending::nsfw(), Kind::Failed),
        (Ending::Canceled, Kind::Canceled),
        (Ending::Aborted, Kind::Aborted),
    ];
    for (ending, kind) in ends {
        let bench = Bench::new().await;
        bench.server.on_end(ending);
        let first = service(fox(bench.once()).await);
        assert_eq!(first.kind(), kind);
        let requests = bench.requests();
        for _ in 0..2 {
            let end = fox(bench.elsewhere()).await;
            assert!(!end.as_ref().unwrap_err().is_retryable());
            let again = service(end);
            assert_eq!((again.kind(), again.to_string()), (kind, first.to_string()));
            let predictions = [&first, &again].map(|it| it.prediction().unwrap());
            let [one, other] = predictions.map(|it| serde_json::to_value(it).unwrap());
            assert_eq!(one, other);
        }
        // One stage after another, too: its end is returned, however it ended.
        let mut again = fox(bench.elsewhere());
        assert_eq!(
            again.created().await.unwrap(),
            first.prediction_id().unwrap()
        );
        let ended = again.terminal().await.unwrap();
        assert_eq!(ended.into_outcome().unwrap_err().kind(), kind);
        again.failed(&first).await.unwrap();
        assert_eq!(
            (bench.requests(), bench.server.create_requests()),
            (requests, 1)
        );
        assert_eq!(bench.entry().await.outcome.unwrap().kind, Some(kind));
    }
}

#[tokio::test]
async fn a_lost_response_is_unresolved_until_a_retry_is_asked_for() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::Close.after_accept());
    let end = fox(bench.once()).await;
    assert!(!end.as_ref().unwrap_err().is_retryable());
    assert_eq!(service(end).kind(), Kind::MaybeAccepted);
    let requests = bench.requests();
    for _ in 0..2 {
        let entry = unresolved(fox(bench.elsewhere()).await);
        assert_eq!((entry.state, entry.id), (State::Unresolved, None));
        let mut run = fox(bench.elsewhere());
        let error = run.created().await.unwrap_err();
        assert!(error.to_string().contains("was not sent again"), "{error}");
    }
    assert_eq!(bench.requests(), requests);

    // Another input is another prediction.
    let other = bench.elsewhere().retry_unresolved(true);
    let other = other.run(MODEL, json!({"prompt": "another"})).await;
    assert_eq!(ledger(other), ErrorKind::KeyReused);
    assert_eq!(bench.requests(), requests);
    let retried = fox(bench.elsewhere().retry_unresolved(true)).await.unwrap();
    assert_eq!(bench.server.create_requests(), 2);
    let entries = bench.entries().await;
    let stand: Vec<_> = entries
        .iter()
        .map(|it| (it.state, it.superseded, it.id.as_deref()))
        .collect();
    assert_eq!(
        stand,
        [
            (State::Unresolved, true, None),
            (State::Ended, false, Some(retried.id()))
        ]
    );
    // It is over, so a retry has nothing to do any more.
    for retry in [false, true] {
        let again = fox(bench.elsewhere().retry_unresolved(retry))
            .await
            .unwrap();
        assert_eq!(again.id(), retried.id());
    }
    assert_eq!(bench.server.create_requests(), 2);
}

#[tokio::test]
async fn a_run_dropped_in_flight_is_unresolved() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::Hang.after_accept());
    tokio::select! {
        end = fox(bench.once()).into_future() => panic!("{end:?}"),
        () = bench.server.wait_for_requests(1) => {}
    }
    let entry = bench.entry().await;
    assert_eq!((entry.state, entry.held), (State::Unresolved, false));
    unresolved(fox(bench.elsewhere()).await);
    assert_eq!(bench.server.create_requests(), 1);
}

/// The client's policy is for callers without a record: a retry would be a second prediction of the key.
#[tokio::test]
async fn what_may_have_been_accepted_is_not_sent_again_by_the_clients_policy() {
    let bench = Bench::new().await;
    let mut policy = quick();
    policy.retry_unresolved = true;
    let client = builder(bench.server.base_url(), QUICK);
    let client = client.key("sk-test").create_policy(policy.clone());
    let client = client.build().unwrap();
    for (key, policy) in [("a", None), ("b", Some(policy))] {
        bench.server.on_create(Fault::Close.after_accept());
        let mut once = Once::new(&client, Arc::clone(&bench.ledger)).key(key);
        if let Some(policy) = policy {
            once = once.create_policy(policy);
        }
        let error = service(fox(once).await);
        assert_eq!(error.kind(), Kind::MaybeAccepted);
        unresolved(fox(bench.elsewhere().key(key)).await);
    }
    assert_eq!(bench.server.create_requests(), 2);
}

/// What is read of it is enough to wait for it.
#[tokio::test]
async fn an_id_in_a_broken_response_is_continued() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::CutBody);
    let mut run = fox(bench.once());
    let error = run.created().await.unwrap_err();
    assert_eq!(
        error.prediction_id(),
        Some(&*bench.server.predictions()[0].id)
    );
    assert!(error.is_retryable(), "the next call waits for it");
    let id = run.created().await.unwrap();
    assert_eq!(run.finished().await.unwrap().id(), id);

    let bench = Bench::new().await;
    bench.server.on_create(Fault::CutBody);
    assert!(fox(bench.once()).await.unwrap_err().is_retryable());
    fox(bench.elsewhere()).await.unwrap();
    assert_eq!(bench.server.create_requests(), 1);
}

#[tokio::test]
async fn the_id_of_another_prediction_is_unresolved() {
    let bench = Bench::new().await;
    let first = fox(bench.once()).await.unwrap();
    let body = json!({"id": first.id(), "status": "starting"});
    bench.server.on_create(Fault::json(201, &body));
    let end = fox(bench.once().key("other")).await;
    assert!(!end.as_ref().unwrap_err().is_retryable());
    assert_eq!(ledger(end), ErrorKind::TakenId);
    let entry = unresolved(fox(bench.elsewhere().key("other")).await);
    let message = entry.outcome.unwrap().message.unwrap();
    assert!(message.contains(first.id()), "{message}");
    assert_eq!(bench.server.create_requests(), 2);
}

#[tokio::test]
async fn a_key_names_one_model_input_and_service() {
    let bench = Bench::new().await;
    let mut held = fox(bench.once());
    held.created().await.unwrap();
    let requests = bench.requests();
    let refused = async || {
        let runs = [
            bench.elsewhere().run(MODEL, json!({"prompt": "another"})),
            bench.elsewhere().run("acme/drawer", input()),
            fox(bench.elsewhere().service("https://elsewhere.example")),
        ];
        for run in runs {
            let end = run.await;
            assert!(!end.as_ref().unwrap_err().is_retryable());
            let message = end.as_ref().unwrap_err().to_string();
            assert!(message.contains(KEY), "{message}");
            assert_eq!(ledger(end), ErrorKind::KeyReused);
        }
    };
    // While another has it, while none has it, and when it is over.
    refused().await;
    drop(held);
    refused().await;
    assert_eq!(bench.requests(), requests);
    fox(bench.once()).await.unwrap();
    let requests = bench.requests();
    refused().await;
    assert_eq!(bench.requests(), requests);
    assert_eq!(bench.entry().await.state, State::Ended);
}

/// What is recorded is what is sent: after the checks, which read numbers and short names.
#[tokio::test]
async fn the_same_input_in_other_words_is_the_same_prediction() {
    let bench = Bench::new().await;
    let runs = [
        (SCHNELL, json!({"prompt": "a fox", "num_outputs": 2})),
        (SCHNELL, json!({"num_outputs": "2", "prompt": "a fox"})),
        (
            "flux-schnell",
            json!({"prompt": "a fox", "num_outputs": 2.0}),
        ),
    ];
    let mut ids = Vec::new();
    for (model, input) in runs {
        let done = bench.once().run(model, input).await.unwrap();
        ids.push(done.id().to_owned());
    }
    ids.dedup();
    assert_eq!((ids.len(), bench.server.create_requests()), (1, 1));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_is_recorded() {
    let bench = Bench::new().await;
    let checked = [
        ("black-forest-labs/flux-schnel", input(), Kind::InvalidModel),
        ("no model", input(), Kind::InvalidModel),
        (SCHNELL, json!({"promt": "a fox"}), Kind::InvalidInput),
        (
            SCHNELL,
            json!({"prompt": "a fox", "num_outputs": 9}),
            Kind::InvalidInput,
        ),
        (MODEL, json!(["a fox"]), Kind::InvalidInput),
    ];
    for (model, input, kind) in checked {
        let mut run = bench.once().run(model, input);
        let error = run.created().await.unwrap_err();
        assert!(!error.is_retryable());
        match error {
            OnceError::Service(error) => assert_eq!(error.kind(), kind, "{model}"),
            other => panic!("{other:?}"),
        }
    }
    for key in ["", " ", "\n\t", &"x".repeat(Once::MAX_KEY_LEN + 1)] {
        let end = fox(bench.once().key(key)).await;
        assert!(!end.as_ref().unwrap_err().is_retryable());
        assert_eq!(ledger(end), ErrorKind::InvalidKey, "{key:?}");
    }
    assert!(bench.entries().await.is_empty());
    assert_eq!(bench.requests(), 0);

    // Any characters, the longest key, and what is meant although it looks wrong.
    let longest = "x".repeat(Once::MAX_KEY_LEN);
    for key in [&longest, "a\0b", "line\nfeed '\"% \u{1f98a}"] {
        let done = fox(bench.once().key(key)).await.unwrap();
        assert_eq!(
            fox(bench.elsewhere().key(key)).await.unwrap().id(),
            done.id()
        );
    }
    let meant = bench.once().unchecked(true);
    meant
        .run("black-forest-labs/flux-schnel", input())
        .await
        .unwrap();
    assert_eq!(bench.server.create_requests(), 4);
}

#[tokio::test]
async fn without_a_key_each_call_is_a_prediction_of_its_own() {
    let bench = Bench::new().await;
    for _ in 0..2 {
        fox(once(&bench.client, Arc::clone(&bench.ledger)))
            .await
            .unwrap();
    }
    let entries = bench.entries().await;
    assert_eq!((entries.len(), bench.server.create_requests()), (2, 2));
    assert!(
        entries
            .iter()
            .all(|it| it.key.is_none() && it.state == State::Ended)
    );
}

#[tokio::test]
async fn without_a_ledger_a_prediction_is_created_and_waited_for() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::EmptyTooManyRequests);
    let once = || Once::unrecorded(&bench.client).create_policy(quick());
    let done = fox(once()).await.unwrap();
    let mut again = once().resume(done.id());
    assert_eq!(again.created().await.unwrap(), done.id());
    assert_eq!(again.terminal().await.unwrap().id(), done.id());
    again.succeeded(None).await.unwrap();
    bench.server.on_end(Ending::Canceled);
    assert_eq!(service(fox(once()).await).kind(), Kind::Canceled);
    assert!(bench.entries().await.is_empty());
}

#[tokio::test]
async fn a_wait_that_was_dropped_goes_on() {
    let bench = Bench::new().await;
    let hold = Hold::new();
    bench.server.on_poll(Fault::Hold(hold.clone()));
    let mut run = fox(bench.once());
    let id = run.created().await.unwrap();
    let sent = bench.requests() as u64;
    for _ in 0..2 {
        tokio::select! {
            end = run.terminal() => panic!("{end:?}"),
            () = bench.server.wait_for_requests(sent + 1) => {}
        }
        assert_eq!(run.created().await.unwrap(), id);
    }
    hold.release();
    assert_eq!(run.terminal().await.unwrap().id(), id);
    run.succeeded(None).await.unwrap();
    assert_eq!(bench.server.create_requests(), 1);
    assert_eq!(bench.entry().await.state, State::Ended);
}

/// A stage can be given up at any point and asked for again, except while the request is being sent.
#[tokio::test]
async fn a_stage_dropped_at_any_point_can_be_asked_for_again() {
    for polls in 1.. {
        let bench = Bench::new().await;
        let (count, sending) = Count::to(1);
        let mut run = fox(bench.once().on_event(move |event| {
            if matches!(event, OnceEvent::Sending { .. }) {
                count.count();
            }
        }));
        let is_over = at_most(polls, run.created()).await.is_some();
        // Recorded before the event, and before anything is sent.
        let entries = bench.entries().await;
        let is_sending = entries.iter().any(|it| it.state != State::Planned);
        let again = run.created().await;
        if is_over || !is_sending {
            assert_eq!(again.unwrap(), bench.server.predictions()[0].id, "{polls}");
        } else {
            assert_eq!(ledger(again), ErrorKind::Lost, "{polls}");
        }
        drop(run);
        let was_sent = at_most(1, sending.notified()).await.is_some();
        let entry = bench.entry().await;
        let again = fox(bench.elsewhere()).await;
        // What provably was not sent can be sent.
        if is_over || !was_sent {
            again.unwrap_or_else(|error| panic!("{polls}: {error:?}, {entry:?}"));
        }
        assert!(
            !entry.held && bench.server.create_requests() <= 1,
            "{polls}: {entry:?}"
        );
        if is_over {
            return;
        }
    }
}

/// The same for a prediction that was created before.
#[tokio::test]
async fn a_wait_dropped_at_any_point_can_be_asked_for_again() {
    let bench = Bench::new().await;
    for polls in 1.. {
        let key = format!("key {polls}");
        let mut first = fox(bench.once().key(&key));
        let id = first.created().await.unwrap();
        drop(first);
        let mut run = fox(bench.elsewhere().key(&key));
        let is_over = at_most(polls, run.terminal()).await.is_some();
        if is_over {
            return;
        }
        assert_eq!(run.terminal().await.unwrap().id(), id, "{polls}");
        run.succeeded(None).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_dropped_while_it_pauses_was_not_sent() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::ThrottledSeconds(30));
    let (count, pausing) = Count::to(1);
    let run = bench.once().on_event(move |event| {
        if matches!(event, OnceEvent::Pausing { .. }) {
            count.count();
        }
    });
    tokio::select! {
        end = fox(run).into_future() => panic!("{end:?}"),
        () = pausing.notified() => {}
    }
    let entry = bench.entry().await;
    assert_eq!(
        (entry.state, entry.id, entry.held),
        (State::Ended, None, false)
    );
    let outcome = entry.outcome.unwrap();
    assert_eq!(outcome.kind, Some(Kind::NeverReached));
    let message = outcome.message.unwrap();
    assert_eq!(message, "it was given up before it was sent");
    fox(bench.elsewhere()).await.unwrap();
    assert_eq!(bench.server.predictions().len(), 1);
}

#[tokio::test]
async fn a_caller_records_the_files_and_the_end() {
    let bench = Bench::new().await;
    let mut run = fox(bench.once());
    let folder = bench.base.path();
    let done = run.terminal().await.unwrap();
    // Asked for again, a stage returns the same.
    assert_eq!(run.created().await.unwrap(), done.id());
    assert_eq!(run.terminal().await.unwrap().id(), done.id());
    let file = bench.client.files(&done).remove(0);
    let saved = file.save_in(folder).await.unwrap();
    run.saved(file.position(), &saved).await.unwrap();
    let entry = bench.entry().await;
    assert_eq!((entry.state, entry.held), (State::Running, true));
    run.succeeded(Some("as it should be".to_owned()))
        .await
        .unwrap();
    let entry = bench.entry().await;
    assert_eq!((entry.state, entry.held), (State::Ended, false));
    assert_eq!(entry.files[0].path, saved.path);
    let outcome = entry.outcome.unwrap();
    assert!(outcome.is_success());
    assert_eq!(outcome.message.as_deref(), Some("as it should be"));

    // Before the end there is nothing to record.
    let run = fox(bench.once().key("other"));
    assert_eq!(
        run.succeeded(None).await.unwrap_err().kind(),
        ErrorKind::Lost
    );
    let mut run = fox(bench.once().key("other"));
    let early = run.saved(0, &saved).await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::Lost);
}

#[tokio::test]
async fn a_failed_download_leaves_the_prediction_to_the_next_call() {
    let bench = Bench::new().await;
    bench.server.on_file(Plan::of(Fault::Overloaded).always());
    let mut run = fox(bench.once());
    let done = run.terminal().await.unwrap();
    let error = bench.client.files(&done)[0].bytes().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Download);
    run.failed(&error).await.unwrap();
    let entry = bench.entry().await;
    assert_eq!((entry.state, entry.held), (State::Running, false));
    bench.server.clear_plans();
    let mut run = fox(bench.elsewhere());
    let done = run.terminal().await.unwrap();
    assert!(bench.client.files(&done)[0].bytes().await.is_ok());
    run.succeeded(None).await.unwrap();
    assert_eq!(bench.server.create_requests(), 1);
    assert_eq!(bench.entry().await.state, State::Ended);
}

#[tokio::test]
async fn events_come_in_the_order_in_which_things_happen() {
    let bench = Bench::new().await;
    bench.server.on_create(Fault::EmptyTooManyRequests);
    let names = Arc::new(Mutex::new(String::new()));
    let noted = |once: Once| {
        let noted = Arc::clone(&names);
        once.on_event(move |event| {
            let text = format!("{event:?}");
            let name = text.split([' ', '(']).next().unwrap();
            let more = match event {
                OnceEvent::Sending { attempt, .. } => format!(" {attempt}"),
                OnceEvent::Known { earlier, .. } => format!(" {earlier}"),
                OnceEvent::State { prediction, .. } => format!(" {}", prediction.status()),
                OnceEvent::Elsewhere { id, .. } => format!(" {}", id.is_some()),
                _ => String::new(),
            };
            noted.lock().unwrap().extend([name, &more, "\n"]);
        })
    };
    let took = || std::mem::take(&mut *names.lock().unwrap());
    bench.server.on_run(Script::new([
        Step::Processing,
        Step::Processing,
        Step::End(Ending::Succeeded),
    ]));
    let mut first = fox(noted(bench.once()));
    first.created().await.unwrap();
    assert_eq!(
        took(),
        "Sending 1\nPausing\nSending 2\nCreated\nKnown false\n"
    );
    let hasty = noted(bench.elsewhere().timeout(Duration::ZERO));
    fox(hasty).await.unwrap_err();
    assert_eq!(took(), "Elsewhere true\n");
    drop(first);
    bench.released().await;
    fox(noted(bench.elsewhere())).await.unwrap();
    assert_eq!(
        took(),
        "Known true\nState processing\nState processing\nState succeeded\n"
    );
    fox(noted(bench.elsewhere())).await.unwrap();
    assert_eq!(took(), "");
    // One that ended with its create response is seen once.
    fox(noted(bench.once().key("other"))).await.unwrap();
    assert_eq!(
        took(),
        "Sending 1\nCreated\nKnown false\nState starting\nState succeeded\n"
    );
}

#[tokio::test]
async fn an_observer_that_panics_leaves_nothing_in_doubt() {
    for (name, creates) in [("Sending", 0), ("Created", 1), ("Known", 1), ("State", 1)] {
        let bench = Bench::new().await;
        let run = bench.once().on_event(move |event| {
            assert!(!format!("{event:?}").starts_with(name), "an observer's");
        });
        let run = tokio::spawn(fox(run).into_future());
        assert!(run.await.unwrap_err().is_panic());
        assert_eq!(bench.server.create_requests(), creates, "{name}");
        let done = fox(bench.elsewhere()).await.unwrap();
        assert_eq!(bench.server.predictions()[0].id, done.id());
        assert_eq!(bench.server.create_requests(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_prediction_is_resumed_by_its_id() {
    let bench = Bench::new().await;
    let once = || once(&bench.client, Arc::clone(&bench.ledger));
    // One that the ledger does not know.
    let created = bench.client.predictions().create_model(MODEL, input());
    let id = created.await.unwrap().id().to_owned();
    let mut run = once().resume(&id);
    assert_eq!(run.created().await.unwrap(), id);
    assert_eq!(run.finished().await.unwrap().id(), id);
    assert!(bench.entries().await.is_empty());
    // One that the service does not know.
    let error = service(once().resume("nothing").await);
    assert_eq!(
        (error.kind(), error.prediction_id()),
        (Kind::NotFound, Some("nothing"))
    );
    let error = service(once().resume("").await);
    assert_eq!(error.kind(), Kind::InvalidId);

    // One that another has: both see the end, and the record is the other's.
    let mut first = fox(bench.elsewhere());
    let id = first.created().await.unwrap();
    assert_eq!(once().resume(&id).await.unwrap().id(), id);
    let entry = bench.entry().await;
    assert_eq!((entry.state, entry.held), (State::Running, true));
    drop(first);
    bench.released().await;
    // One that nobody has is recorded to its end, for later calls with its key, too.
    assert_eq!(once().resume(&id).await.unwrap().id(), id);
    let entry = bench.entry().await;
    assert_eq!((entry.state, entry.held), (State::Ended, false));
    let requests = bench.requests();
    assert_eq!(fox(bench.elsewhere()).await.unwrap().id(), id);
    assert_eq!(
        (bench.requests(), bench.server.create_requests()),
        (requests, 2)
    );
    // One that is over.
    assert_eq!(once().resume(&id).await.unwrap().id(), id);
    assert_eq!(bench.entry().await.state, State::Ended);
}

/// The process that continues saves the files where the one that created the prediction wanted them.
#[tokio::test]
async fn where_the_files_go_is_known_to_the_process_that_continues() {
    let bench = Bench::new().await;
    let folder = bench.base.path().join("wanted");
    let mut first = fox(bench.elsewhere().saved_in(&folder, None));
    let id = first.created().await.unwrap();
    assert_eq!((first.folder(), first.names()), (Some(&*folder), None));
    // While another has it, then as the next that has it, then as one that finds it over.
    let once = || once(&bench.client, Arc::clone(&bench.ledger));
    let mut other = once().resume(&id);
    other.terminal().await.unwrap();
    assert_eq!(other.folder(), Some(&*folder));
    drop(first);
    bench.released().await;
    for _ in 0..2 {
        let mut next = once().resume(&id);
        assert_eq!(next.folder(), None);
        next.terminal().await.unwrap();
        assert_eq!(next.folder(), Some(&*folder));
        next.succeeded(None).await.unwrap();
    }
    let entry = bench.entry().await;
    assert_eq!((entry.folder.as_ref(), entry.batch), (Some(&folder), None));
    // By its key as well, unless the call names another.
    let mut again = fox(bench.once());
    again.terminal().await.unwrap();
    assert_eq!(again.folder(), Some(&*folder));
    let other = bench.base.path().join("other");
    let mut again = fox(bench.once().saved_in(&other, None));
    again.terminal().await.unwrap();
    assert_eq!(again.folder(), Some(&*other));
    let relative = fox(bench.once().saved_in("out", None));
    assert!(relative.folder().unwrap().is_absolute());
}

/// `Finish` saves them there, too.
#[tokio::test]
async fn a_prediction_that_was_left_is_finished_where_its_files_were_to_go() {
    let bench = Bench::new().await;
    let (wanted, others) = (bench.base.path().join("new/er"), bench.folder());
    let mut run = fox(bench.elsewhere().saved_in(&wanted, None));
    let id = run.created().await.unwrap();
    drop(run);
    bench.released().await;
    let finish = Finish::new(&bench.client, Arc::clone(&bench.ledger), &others);
    assert_eq!(finish.run().await.unwrap().tally.succeeded, 1);
    let saved: Vec<_> = visible(&wanted).into_iter().collect();
    let [file] = &saved[..] else {
        panic!("{saved:?}")
    };
    assert!(file.file_name().unwrap().to_str().unwrap().starts_with(&id));
    assert_eq!(bench.entry().await.files[0].path, *file);
    assert!(visible(&others).is_empty());
}

/// Neither is in the ledger's files or in what a program may print; the input is not printed either.
#[tokio::test]
async fn the_credential_is_recorded_and_printed_nowhere() {
    const SECRET: &str = "sk-very-secret";
    const PRIVATE: &str = "a private fox";
    let bench = Bench::new().await;
    let client = builder(bench.server.base_url(), QUICK);
    let client = client.key(SECRET).build().unwrap();
    let path = bench.base.path().join("ledger");
    let ledger = SqliteLedger::open(&path).unwrap();
    let run = || {
        let once = once(&client, Arc::new(ledger.clone())).key(KEY);
        once.run(MODEL, json!({"prompt": PRIVATE}))
    };
    let mut printed = Vec::new();
    let mut print = |it: &dyn std::fmt::Debug| printed.push(format!("{it:?}{it:#?}"));
    print(&once(&client, Arc::new(ledger.clone())).key(KEY));
    bench.server.on_create(Fault::Close.after_accept());
    print(&run().await.unwrap_err());
    let error = run().await.unwrap_err();
    assert!(matches!(error, OnceError::Unresolved(_)));
    let shown = format!("{error:?}");
    assert!(
        shown.starts_with("an earlier create request may have been"),
        "{shown}"
    );
    assert!(!shown.contains(PRIVATE), "{shown}");
    let run = || {
        let once = once(&client, Arc::new(ledger.clone())).key("other");
        once.run(MODEL, json!({"prompt": PRIVATE}))
    };
    let mut first = run();
    print(&first);
    first.created().await.unwrap();
    print(&first);
    let mut second = run();
    second.created().await.unwrap();
    print(&second);
    first.terminal().await.unwrap();
    print(&first);
    first.succeeded(None).await.unwrap();
    second.terminal().await.unwrap();
    print(&second);
    for text in &printed {
        assert!(!text.contains(SECRET), "{text}");
        assert!(!text.contains(PRIVATE), "{text}");
    }
    let mut files = 0;
    for file in std::fs::read_dir(bench.base.path()).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            files += 1;
            let bytes = std::fs::read(&file).unwrap();
            let is_in = bytes
                .windows(SECRET.len())
                .any(|it| it == SECRET.as_bytes());
            assert!(!is_in, "{}", file.display());
        }
    }
    assert!(files > 0);
}

/// Two calls in one process and two in others: one creates it, and all have it.
#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_create_it_once() {
    let bench = Bench::new().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let runs: Vec<_> = (0..8)
        .map(|n| {
            let once = if n % 2 == 0 {
                bench.once()
            } else {
                bench.elsewhere()
            };
            let sent = Arc::clone(&sent);
            let once = once.on_event(move |event| {
                if matches!(event, OnceEvent::Sending { .. }) {
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
            tokio::spawn(fox(once).into_future())
        })
        .collect();
    let mut ids = Vec::new();
    for run in runs {
        ids.push(run.await.unwrap().unwrap().id().to_owned());
    }
    ids.dedup();
    assert_eq!((ids.len(), sent.load(Ordering::Relaxed)), (1, 1));
    assert_eq!(bench.server.create_requests(), 1);
}
