//! Every fault, seen from outside.

use std::io;
use std::time::Duration;

use cometapi_mock::{Fault, Hold, MockServer, Pace, Plan, Script, Step};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::client::{
    Outcome, SCHNELL, create, create_of, created, created_of, exchange, get_request, header,
    hold_clock, http, json_of, outcome, poll, polled,
};

async fn server() -> MockServer {
    let builder = MockServer::builder().pace(Pace::instant());
    builder.start().await.unwrap()
}

/// What a fault makes of a request. With the clock paused, this is how long nothing ever
/// takes; short of the hour after which data goes.
const EVER: Duration = Duration::from_secs(600);

async fn seen(request: RequestBuilder) -> (Option<Outcome>, Duration) {
    let start = Instant::now();
    let seen = timeout(EVER, outcome(request)).await.ok();
    (seen, start.elapsed())
}

/// The same under a fault; the clock moves only where the fault takes time.
async fn seen_under(fault: &Fault, request: RequestBuilder) -> (Option<Outcome>, Duration) {
    let takes_time = matches!(
        fault,
        Fault::Delay(_) | Fault::SlowBody(_) | Fault::Hang | Fault::StallBody
    );
    let _held = (!takes_time).then(hold_clock);
    seen(request).await
}

/// Removes what differs between any two valid responses.
fn comparable(seen: Option<Outcome>) -> Option<Outcome> {
    seen.map(|outcome| match outcome {
        Outcome::Answer {
            status,
            media,
            location,
            body,
        } if media.starts_with("application/json") => {
            let mut json: Value = serde_json::from_slice(&body).unwrap_or_else(|_| json!("broken"));
            if json.get("id").is_some() {
                json["id"] = json!("id");
                json["created_at"] = json!("then");
                json["urls"] = json!({});
            }
            Outcome::Answer {
                status,
                media,
                location,
                body: json.to_string().into(),
            }
        }
        other => other,
    })
}

#[tokio::test(start_paused = true)]
async fn every_fault_shows_on_a_create() {
    let server = server().await;
    let good = comparable(Some(outcome(create(&server)).await));
    for fault in Fault::catalogue() {
        server.on_create(fault.clone());
        let (bad, took) = seen_under(&fault, create(&server)).await;
        let differs = comparable(bad.clone()) != good || took >= Duration::from_secs(1);
        // Only files move, and a new prediction has a new id as it is.
        let shows = !matches!(fault, Fault::FileMoved | Fault::OtherPrediction);
        assert_eq!(differs, shows, "{fault:?} {bad:?}");
        let after = outcome(create(&server)).await;
        assert_eq!(comparable(Some(after)), good, "after {fault:?}");
    }
    server.assert_no_violations();
}

#[tokio::test(start_paused = true)]
async fn every_fault_shows_on_a_poll() {
    let server = server().await;
    let id = created(&server).await;
    let good = polled(&server, &id).await;
    for fault in Fault::catalogue() {
        server.on_poll(fault.clone());
        let (bad, took) = seen_under(&fault, poll(&server, &id)).await;
        let good = Some(good.to_string());
        let same = match &bad {
            Some(Outcome::Answer {
                status: 200,
                media,
                body,
                ..
            }) => {
                media.starts_with("application/json")
                    && serde_json::from_slice::<Value>(body)
                        .ok()
                        .map(|it| it.to_string())
                        == good
            }
            _ => false,
        };
        let differs = !same || took >= Duration::from_secs(1);
        assert_eq!(differs, fault != Fault::FileMoved, "{fault:?} {bad:?}");
        assert_eq!(Some(polled(&server, &id).await.to_string()), good);
    }
    server.assert_no_violations();
}

#[tokio::test]
async fn a_refused_create_makes_nothing_and_an_accepted_one_does() {
    let server = server().await;
    let silent = [Fault::Close, Fault::Reset];
    for fault in silent.clone() {
        server.on_create(fault);
        assert_eq!(outcome(create(&server)).await, Outcome::Lost);
    }
    assert_eq!(
        (server.create_requests(), server.predictions().len()),
        (2, 0)
    );

    for fault in silent {
        server.on_create(fault.after_accept());
        assert_eq!(outcome(create(&server)).await, Outcome::Lost);
    }
    server.on_create(Fault::CdnTimeoutPage.after_accept());
    let Outcome::Answer { status: 524, .. } = outcome(create(&server)).await else {
        panic!("not 524");
    };
    assert_eq!(
        (server.create_requests(), server.predictions().len()),
        (5, 3)
    );
    // What was accepted goes on, and the ledger knows its id.
    let id = server.predictions()[0].id.clone();
    assert_eq!(server.requests()[2].id.as_deref(), Some(id.as_str()));
    assert_eq!(server.requests()[2].status, None);
    assert_eq!(polled(&server, &id).await["status"], "succeeded");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_do_not_come_whole() {
    let server = server().await;
    server.on_create(Fault::CutBody);
    assert_eq!(
        outcome(create(&server)).await,
        Outcome::Broken { status: 200 }
    );
    assert_eq!(server.predictions().len(), 1);

    // A reset may overtake the head.
    server.on_create(Fault::ResetBody);
    let seen = outcome(create(&server)).await;
    assert!(
        matches!(seen, Outcome::Broken { .. } | Outcome::Lost),
        "{seen:?}"
    );
    assert_eq!(server.predictions().len(), 2);

    // What came before the cut can be read: it has the id.
    server.on_create(Fault::CutBody);
    let mut response = create(&server).send().await.unwrap();
    let piece = response.chunk().await.unwrap().unwrap();
    let id = server.predictions()[2].id.clone();
    assert!(String::from_utf8_lossy(&piece).contains(&id));
    assert!(response.chunk().await.is_err());

    server.on_create(Fault::StallBody);
    let response = create(&server).send().await.unwrap();
    assert!(timeout(EVER, response.bytes()).await.is_err());

    server.on_create(Fault::Hang);
    assert!(timeout(EVER, create(&server).send()).await.is_err());
    assert_eq!(server.predictions().len(), 4);
}

/// What a client makes of the two is its own affair; on the wire they differ.
#[tokio::test]
async fn a_close_is_no_reset() {
    let server = server().await;
    let id = created(&server).await;
    let request = get_request(&format!("/replicate/v1/predictions/{id}"));
    let seen = async |fault: Fault| {
        server.on_poll(fault);
        let (answer, end) = exchange(&server, &request).await;
        (answer, end.map_err(|error| error.kind()))
    };
    assert_eq!(seen(Fault::Close).await, (String::new(), Ok(())));
    let reset = Err(io::ErrorKind::ConnectionReset);
    assert_eq!(seen(Fault::Reset).await, (String::new(), reset));

    let (answer, end) = seen(Fault::CutBody).await;
    assert_eq!(end, Ok(()));
    assert!(answer.contains("\r\n\r\n{\"id\":") && !answer.ends_with('}'));
    assert_eq!(seen(Fault::ResetBody).await.1, reset);
}

#[tokio::test(start_paused = true)]
async fn slow_answers_take_their_time() {
    let server = server().await;
    let start = Instant::now();
    server.on_create(Fault::Delay(Duration::from_secs(50)));
    assert_eq!(json_of(create(&server)).await.0, 200);
    assert_eq!(start.elapsed().as_secs(), 50);
    server.on_create(Fault::SlowBody(Duration::from_secs(2)));
    assert_eq!(json_of(create(&server)).await.0, 200);
    assert_eq!(start.elapsed().as_secs(), 82);
}

/// Nothing but the release lets it go, however late the release and the request are.
#[tokio::test]
async fn a_held_response_waits_for_its_release() {
    let server = server().await;
    let hold = Hold::new();
    server.on_create(Fault::Hold(hold.clone()).times(2));
    let receive = async {
        let response = json_of(create(&server)).await;
        (response.0, Instant::now())
    };
    let release = async {
        server.wait_for_requests(1).await;
        let released = Instant::now();
        hold.release();
        released
    };
    let ((status, received), released) = tokio::join!(receive, release);
    assert_eq!(status, 200);
    assert!(received >= released);
    assert_eq!(json_of(create(&server)).await.0, 200);
    assert_eq!(server.predictions().len(), 2);
}

#[tokio::test]
async fn plans_choose_their_requests() {
    let server = server().await;
    server.on_create(Fault::RateLimited.always().model("a/b"));
    server.on_create(Plan::of(Fault::Overloaded).skip(1).times(2));
    let status = async |model: &str| {
        let (status, _) = json_of(create_of(&server, model, &json!({"prompt": "p"}))).await;
        status.as_u16()
    };
    assert_eq!(status(SCHNELL).await, 200);
    assert_eq!(status("a/b").await, 429);
    assert_eq!(status(SCHNELL).await, 503);
    assert_eq!(status(SCHNELL).await, 503);
    assert_eq!(status(SCHNELL).await, 200);
    assert_eq!(status("a/b").await, 429);
    server.clear_plans();
    assert_eq!(status("a/b").await, 200);

    let ids: Vec<_> = server.predictions().into_iter().map(|one| one.id).collect();
    server.on_poll(Fault::TaskNotExist.times(2).id(ids[1].clone()));
    let polls = async |id: &str| json_of(poll(&server, id)).await.0.as_u16();
    assert_eq!(polls(&ids[0]).await, 200);
    assert_eq!(polls(&ids[1]).await, 400);
    assert_eq!(polls(&ids[1]).await, 400);
    assert_eq!(polls(&ids[1]).await, 200);
}

#[tokio::test]
async fn a_refused_request_uses_up_no_fault() {
    let server = server().await;
    server.on_create(Fault::Overloaded);
    assert_eq!(json_of(create(&server).body("{")).await.0, 400);
    assert_eq!(json_of(create(&server)).await.0, 503);
}

#[tokio::test]
async fn faults_of_a_poll_count_only_where_it_was_carried_out() {
    let server = MockServer::builder()
        .pace(Pace::polls(1, 0))
        .start()
        .await
        .unwrap();
    let id = created(&server).await;
    server.on_poll(Fault::Overloaded.times(3));
    for _ in 0..3 {
        assert_eq!(json_of(poll(&server, &id)).await.0, 503);
    }
    assert_eq!(polled(&server, &id).await["status"], "starting");
    assert_eq!(polled(&server, &id).await["status"], "succeeded");
}

#[tokio::test]
async fn a_script_may_hold_faults() {
    let script = Script::new([
        Step::Fault(Fault::BadGatewayPage),
        Step::Processing,
        Step::Fault(Fault::Reset),
        Step::End(cometapi_mock::Ending::Succeeded),
    ]);
    let server = MockServer::builder().script(script).start().await.unwrap();
    let id = created(&server).await;
    assert_eq!(poll(&server, &id).send().await.unwrap().status(), 502);
    assert_eq!(polled(&server, &id).await["status"], "processing");
    assert_eq!(outcome(poll(&server, &id)).await, Outcome::Lost);
    assert_eq!(polled(&server, &id).await["status"], "succeeded");
}

#[tokio::test(start_paused = true)]
async fn faults_of_files() {
    let server = server().await;
    let input = json!({"prompt": "p", "seed": 1, "megapixels": "0.25"});
    let id = created_of(&server, SCHNELL, input).await;
    let url = polled(&server, &id).await["output"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let get = || http().get(&url);
    let Outcome::Answer { body: whole, .. } = outcome(get()).await else {
        panic!("no file");
    };

    server.on_file(Fault::FileGone);
    assert_eq!(get().send().await.unwrap().status(), 404);

    server.on_file(Fault::FileMoved);
    let moved = get().send().await.unwrap();
    assert_eq!(moved.status(), 302);
    let there = format!("{}{}", server.files_origin(), header(&moved, "location"));
    assert!(
        http()
            .get(there)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
            == whole
    );

    server.on_file(Fault::ShortBody);
    let short = get().send().await.unwrap().bytes().await.unwrap();
    assert!(short == whole[..whole.len() / 2]);
    assert!(image::load_from_memory(&short).is_err());

    server.on_file(Fault::CutBody);
    assert_eq!(outcome(get()).await, Outcome::Broken { status: 200 });
    server.on_file(Fault::ResetBody);
    assert!(!matches!(outcome(get()).await, Outcome::Answer { .. }));
    server.on_file(Fault::Close);
    assert_eq!(outcome(get()).await, Outcome::Lost);

    server.on_file(Fault::ContentType("text/plain".to_owned()));
    assert_eq!(
        header(&get().send().await.unwrap(), "content-type"),
        "text/plain"
    );

    server.on_file(Fault::StallBody);
    let response = get().send().await.unwrap();
    assert!(timeout(EVER, response.bytes()).await.is_err());

    let start = Instant::now();
    server.on_file(Fault::SlowBody(Duration::from_secs(1)));
    assert!(get().send().await.unwrap().bytes().await.unwrap() == whole);
    assert_eq!(start.elapsed().as_secs(), 16);

    server.on_file(Fault::FileGone.times(1).id(id));
    assert_eq!(get().send().await.unwrap().status(), 404);
    // Shapes of predictions mean nothing to an image.
    server.on_file(Fault::Wrapped);
    assert!(get().send().await.unwrap().bytes().await.unwrap() == whole);
}

#[test]
fn every_fault_has_one_name() {
    let names: std::collections::BTreeSet<_> = Fault::catalogue().iter().map(Fault::name).collect();
    assert_eq!(names.len(), Fault::catalogue().len());
    for fault in Fault::catalogue() {
        let name = fault.name();
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{name}"
        );
        assert_eq!(Fault::named(&name), Some(fault));
    }
}

#[tokio::test]
async fn a_share_of_the_requests_is_faulty_and_the_seed_decides_which() {
    let statuses = async || {
        let server = MockServer::builder().seed(3).start().await.unwrap();
        server.on_create(Fault::BadGatewayPage.always().share(0.5));
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(create(&server).send().await.unwrap().status().as_u16());
        }
        statuses
    };
    let first = statuses().await;
    assert!(first.contains(&200) && first.contains(&502), "{first:?}");
    assert_eq!(statuses().await, first);
}
