//! The exit code says what came of it, stderr says why and what to do, and after a create
//! the id is always there.

use cometapi_mock::{Ending, Fault, MockServer, Plan, Script, Step};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpSocket, TcpStream};

use crate::place::{Ended, Place};
use crate::{created, fox, server};

/// A run against a server of its own, on which `plan` has been planned.
async fn run(plan: impl FnOnce(&MockServer), args: &[&str], code: i32) -> (MockServer, Ended) {
    let place = Place::new();
    let server = server().await;
    plan(&server);
    let ended = fox(&place, "run", args)
        .at(server.origin())
        .ends(code)
        .await;
    server.assert_no_violations();
    (server, ended)
}

/// What a create request may meet, the exit code, and what must be said.
#[tokio::test]
async fn of_a_create_that_went_wrong() {
    const DOUBT: &[&str] = &["may have been accepted", "to find out: paperboat resolve"];
    const BLOCKED: &[&str] = &["nothing was accepted", "the key is not at fault"];
    const BASE_URL: &[&str] = &["nothing was accepted", "--base-url or COMETAPI_BASE_URL"];
    let rows: [(Fault, i32, &[&str]); 29] = [
        (
            Fault::InputRefused,
            1,
            &["less than or equal to 4", "http 422"],
        ),
        (Fault::FieldRequired, 1, &["field prompt is required"]),
        (Fault::ModelNotFound, 1, &["refused"]),
        (Fault::IndexPage, 1, BASE_URL),
        (
            Fault::MovedPermanently("https://www.example.com/".into()),
            1,
            BASE_URL,
        ),
        (
            Fault::InvalidToken,
            5,
            &["key was refused", "check the key: "],
        ),
        (Fault::AccessDenied, 5, &["key was refused"]),
        (Fault::FirewallPage, 1, BLOCKED),
        (Fault::FirewallText, 1, BLOCKED),
        (Fault::ProxyForbidden, 1, BLOCKED),
        (Fault::ProxyLogin, 1, &["no connection to the service"]),
        (
            Fault::ThrottledSeconds(3600),
            6,
            &["asks to retry after 3600 s"],
        ),
        (Fault::UnauthorizedQuota, 6, &["out of quota"]),
        (Fault::QuotaFlat, 6, &["user quota is not enough", "top up"]),
        (Fault::InsufficientUserQuota, 6, &["out of quota"]),
        (Fault::InsufficientCredit, 6, &["insufficient credit"]),
        (Fault::BadGatewayPage, 7, DOUBT),
        (Fault::GatewayTimeoutPage, 7, DOUBT),
        (Fault::CdnTimeoutPage, 7, DOUBT),
        (Fault::DoRequestFailed, 7, DOUBT),
        (Fault::QuotaInPrompt, 7, DOUBT),
        (Fault::Found("https://www.example.com/".into()), 7, DOUBT),
        (Fault::SeeOther("https://www.example.com/".into()), 7, DOUBT),
        (Fault::RequestTimeout, 7, DOUBT),
        (Fault::Close, 7, DOUBT),
        (Fault::Reset, 7, DOUBT),
        (Fault::EmptyBody, 7, DOUBT),
        (Fault::NoId, 7, DOUBT),
        (
            Fault::Response {
                status: 418,
                content_type: "text/plain".into(),
                body: "short\u{1b}[2J and stout".into(),
            },
            1,
            &["http 418", "the response was: short\\u{1b}[2J and stout"],
        ),
    ];
    for (fault, code, said) in rows {
        let name = format!("{fault:?}");
        let (server, ended) = run(|server| server.on_create(fault.always()), &[], code).await;
        ended.says(said);
        assert_eq!(ended.stdout, "", "{name}");
        assert_eq!(server.create_requests(), 1, "{name}");
        assert_eq!(server.requests().len(), 1, "{name}");
    }
}

/// An answer that breaks off after its id still gives the way back.
#[tokio::test]
async fn of_a_create_whose_answer_was_cut() {
    let (server, ended) = run(|server| server.on_create(Fault::CutBody), &[], 7).await;
    let id = &server.predictions()[0].id;
    ended.says(&["may have been accepted", &format!("paperboat wait {id}")]);
    assert_eq!(server.create_requests(), 1);
}

/// The create request is tried again by its policy, which is safe as no connection was ever made; here
/// until the service is back.
#[tokio::test]
async fn of_a_service_that_is_not_there() {
    let place = Place::new();
    let server = server().await;
    // A port that is bound, so that no other process gets it, without a listener.
    let port = TcpSocket::new_v4().unwrap();
    port.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let origin = format!("http://{}", port.local_addr().unwrap());

    let get = place.paperboat(["get", "abc"]).at(&origin).ends(1).await;
    get.says(&["safe to poll again", "refused", "paperboat wait abc"]);
    let mut run = fox(&place, "run", &[]).at(&origin).start();
    run.says("no connection to the service was made, so nothing was sent")
        .await;

    let listener = port.listen(64).unwrap();
    let upstream = server.origin().trim_start_matches("http://").to_owned();
    let forward = tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(&upstream).await.unwrap();
            tokio::spawn(async move {
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    run.ends(0).await;
    forward.abort();
    assert_eq!(server.create_requests(), 1);
}

#[tokio::test]
async fn of_a_run_that_ended_without_success() {
    let rows: [(Ending, i32, &[&str]); 6] = [
        (
            Ending::nsfw(),
            3,
            &[
                "failed: NSFW content detected",
                "  change the prompt or the images",
            ],
        ),
        (
            Ending::failed("KeyError: 'sample'"),
            3,
            &[
                "failed: KeyError: 'sample'",
                "  run the same command again (this may cost again)",
            ],
        ),
        (
            Ending::failed("Traceback:\n  line 1\nCUDA is out of \u{1b}[31mmemory"),
            3,
            &["failed: Traceback:\n      line 1\n    CUDA is out of \\u{1b}[31m"],
        ),
        (Ending::Canceled, 3, &["was canceled"]),
        (Ending::Aborted, 3, &["was aborted before it began"]),
        (Ending::Removed, 8, &["files have been removed", "an hour"]),
    ];
    let runs = rows.map(|(ending, code, said)| {
        tokio::spawn(async move {
            let (server, ended) = run(|server| server.on_end(ending), &[], code).await;
            let id = &server.predictions()[0].id;
            assert_eq!(ended.id(), id);
            ended
                .says(said)
                .says(&[&format!("error: prediction {id} ")]);
            assert_eq!(ended.stdout, "");
        })
    });
    for run in runs {
        run.await.unwrap();
    }
}

#[tokio::test]
async fn of_a_wait_that_stopped() {
    let never = |server: &MockServer| server.on_run(Script::new([Step::Processing]));
    let refused = |server: &MockServer| server.on_poll(Fault::InvalidToken);
    let unknown = |server: &MockServer| {
        server.on_poll(Fault::json(
            400,
            &serde_json::json!({"error": {"message": "no"}}),
        ));
    };
    let (deadline, key, other) = tokio::join!(
        run(never, &["--timeout", "2"], 4),
        run(refused, &[], 5),
        run(unknown, &[], 1),
    );
    for ((server, ended), said) in [
        (&deadline, "had not ended after 2 s (last status: "),
        (&key, "the key was refused: invalid token"),
        (&other, "the service refused the request: no"),
    ] {
        let id = &server.predictions()[0].id;
        assert_eq!(ended.id(), id);
        ended.says(&[&format!("to continue: paperboat wait {id}")]);
        let said = said.to_lowercase();
        assert!(ended.stderr.to_lowercase().contains(&said), "{ended:?}");
        assert_eq!(server.create_requests(), 1);
    }
}

/// The others are saved, and those that were not are named.
#[tokio::test]
async fn of_files_that_were_not_saved() {
    let args = ["num_outputs=2", "-o", "out"];
    let gone = |server: &MockServer| server.on_file(Fault::FileGone);
    let page = |server: &MockServer| server.on_file(Plan::of(Fault::IndexPage).skip(1));
    let both = |server: &MockServer| server.on_file(Fault::FileGone.always());
    let (gone, page, both) = tokio::join!(
        run(gone, &args, 8),
        run(page, &args, 1),
        run(both, &args, 8)
    );
    for ((server, ended), missing, said) in [
        (&gone, &[0][..], "no longer has it"),
        (&page, &[1], "a web page, not with a file"),
        (&both, &[0, 1], "no longer has it"),
    ] {
        let id = ended.id();
        assert_eq!(ended.lines().len(), 2 - missing.len(), "{ended:?}");
        ended.says(&[said]);
        for position in missing {
            ended.says(&[&format!(
                "file {} was not saved: {}/xezq/{id}/out-{position}.webp",
                position + 1,
                server.files_origin()
            )]);
        }
    }
    page.1.says(&["to continue: paperboat wait"]);
    gone.1.says(&["the service keeps files for about an hour"]);
}

/// A poll that could not be answered is not the end of a wait, but it is of one look.
#[tokio::test]
async fn of_a_single_look() {
    let place = Place::new();
    let server = server().await;
    let id = &created(&place, &server).await;
    let rows: [(Fault, i32, &[&str]); 5] = [
        (
            Fault::BadGatewayPage,
            1,
            &["safe to poll again", "http 502"],
        ),
        (Fault::IndexPage, 1, &["base url", "COMETAPI_BASE_URL"]),
        (Fault::TaskNotExist, 1, &["knows no such", "check the id"]),
        (Fault::EmptyTooManyRequests, 6, &["rate limiting", "later"]),
        (Fault::InvalidToken, 5, &["key was refused"]),
    ];
    for (fault, code, said) in rows {
        server.on_poll(fault);
        let get = place.paperboat(["get", id]).at(server.origin());
        get.ends(code).await.says(said).says(&[id]);
    }

    // How it ended is no fault of the look.
    server.on_end(Ending::nsfw());
    let id = created(&place, &server).await;
    let get = place.paperboat(["get", &id]).at(server.origin());
    let seen = get.ends(0).await;
    assert_eq!(seen.lines(), ["failed"]);
    seen.says(&["reason: NSFW content detected"]);
}
