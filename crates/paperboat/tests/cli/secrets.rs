//! The key and the access token go into requests to the service and nowhere else. That no output and no
//! file holds them is checked after every run of every test ([`Ended`](crate::place::Ended)); here
//! are the ways by which they would most likely get there.

#[cfg(unix)]
mod every_command;

use cometapi_mock::{AccountEndpoint, Ending, Fault, MockServer, Received};
use serde_json::json;

use crate::place::{Call, KEY, Place, TOKEN, has_key, holds, requested};
use crate::{FOX, SCHNELL, created, fox, quick, server};

/// With both secrets, at a server that has the account too.
fn planted<'p>(call: Call<'p>, server: &MockServer) -> Call<'p> {
    call.at(server.origin())
        .env("COMETAPI_ACCESS_TOKEN", TOKEN)
        .env("COMETAPI_ACCOUNT_URL", server.origin())
}

/// The secrets of a request, which must be in its credential alone.
#[track_caller]
fn credential(request: &Received) -> Vec<&'static str> {
    assert!(!has_key(request.target.as_bytes()), "{request:?}");
    assert!(!has_key(&request.body), "{request:?}");
    for (name, value) in &request.headers {
        assert!(
            name == "authorization" || !has_key(value.as_bytes()),
            "{name}"
        );
    }
    let sent = request.headers.get("authorization");
    let sent = sent.map_or(&[][..], |value| value.as_bytes());
    let secrets = [KEY, TOKEN].into_iter();
    secrets.filter(|secret| holds(sent, secret)).collect()
}

/// Asserts that each request has the secret that is meant for it.
#[track_caller]
fn each_has_its_own(requests: &[Received]) {
    for request in requests {
        let expected = match request.operation.as_deref() {
            Some("get_user" | "list_tasks") => &[TOKEN][..],
            // Prices are public, and the doctor asks for the page at the root.
            Some("list_models" | "get_model") | None => &[],
            Some(_) => &[KEY],
        };
        assert_eq!(credential(request), expected, "{request:?}");
    }
}

#[test]
fn the_check_finds_a_key_and_most_of_one() {
    assert!(has_key(format!("a {KEY} b").as_bytes()));
    assert!(has_key(&KEY.as_bytes()[3..KEY.len() - 3]));
    assert!(has_key(&TOKEN.as_bytes()[3..TOKEN.len() - 3]));
    assert!(!has_key(b"sk-test-, sk-other"));
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_not_shown() {
    let place = Place::new();
    let server = server().await;
    let keys = [
        format!("{KEY} {KEY}"),
        format!("{KEY}\n{KEY}"),
        format!("{KEY}\u{1b}"),
        format!("{KEY}狐"),
    ];
    for key in keys {
        let get = place.paperboat(["get", "abc"]).at(server.origin());
        let ended = get.env("COMETAPI_KEY", &key).ends(2).await;
        ended.says(&["error: the API key from COMETAPI_KEY "]);
        let args = ["get", "abc", "--key", &key];
        let ended = place.paperboat(args).at(server.origin()).ends(2).await;
        ended.says(&["error: the API key from --key "]);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_command_line_that_is_wrong_does_not_repeat_the_key() {
    let place = Place::new();
    let joined = format!("--key={KEY}");
    let rows: [&[&str]; 6] = [
        &["run", "--key", KEY],
        &["run", SCHNELL, "--mock", "--key", KEY],
        &["run", SCHNELL, &joined, "--timeout", "never"],
        &["run", "flux", &joined],
        &["get", &joined],
        &["mock", &joined, "--pace", "never"],
    ];
    for args in rows {
        place.paperboat(args).ends(2).await;
    }
}

/// Keys in addresses are a habit of other services.
#[tokio::test]
async fn a_key_in_the_base_url_is_refused_unseen() {
    let place = Place::new();
    for url in [
        format!("https://user:{KEY}@api.cometapi.com"),
        format!("https://api.cometapi.com?key={KEY}"),
        format!("https://{KEY}:x"),
    ] {
        let args = ["get", "abc", "--key", "k", "--base-url", &url];
        place.paperboat(args).ends(2).await.says(&["the base url "]);
    }
}

/// Some services repeat the key that they refuse.
#[tokio::test]
async fn a_service_that_repeats_the_key_is_not_quoted() {
    let place = Place::new();
    let server = server().await;
    let sentence = format!("no such key: Bearer {KEY}");
    let text = Fault::Response {
        status: 401,
        content_type: "text/plain".into(),
        body: sentence.clone().into(),
    };
    for fault in [
        Fault::json(401, &json!({"error": {"message": sentence}})),
        Fault::json(
            401,
            &json!({"title": "Unauthenticated", "detail": sentence}),
        ),
        text,
    ] {
        server.on_create(fault.clone());
        let create = fox(&place, "create", &[]).at(server.origin());
        create.ends(5).await.says(&["no such key: Bearer ["]);
        server.on_poll(fault);
        let get = place.paperboat(["get", "abc"]).at(server.origin());
        get.ends(5).await.says(&["no such key: Bearer ["]);
    }
}

/// The host in such a URL would learn the key from the request, and a shell's history or a log
/// from the URL.
#[tokio::test]
async fn a_url_that_holds_the_key_is_neither_fetched_nor_shown() {
    let encoded: Vec<_> = KEY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let encoded = encoded.concat();
    let base64 = "c2stdGVzdC03UWQybVg5dkxyNGs";
    for form in [KEY, &KEY[3..], &KEY.replace('-', "%2d"), &encoded, base64] {
        let place = Place::new();
        let server = server().await;
        let files = server.files_origin();
        let repeats = |text: &[u8]| {
            let hidden = &form.as_bytes()[4..form.len() - 4];
            text.windows(hidden.len()).any(|window| window == hidden)
        };
        let mut outputs = vec![
            json!([format!("{files}/{form}/0.png")]),
            json!(format!("{files}/0.png?key={form}")),
            // As a link it could be left where it is.
            json!({"source": format!("{files}/?key={form}")}),
        ];
        if !form.contains('%') {
            outputs.push(json!([format!("http://{form}.localhost/0.png")]));
        }
        for output in outputs {
            server.on_end(Ending::Output(output));
            let run = place.paperboat(["run", "acme/chat", "prompt=x", "-o", "out", "--json"]);
            let ended = run.at(server.origin()).ends(1).await;
            ended.says(&["contains the API key", "[key]"]);
            assert!(!repeats(ended.stderr.as_bytes()), "{}", ended.stderr);
            assert!(!repeats(ended.stdout.as_bytes()), "{}", ended.stdout);
            let get = place.paperboat(["get", ended.id()]);
            let shown = get.at(server.origin()).ends(0).await;
            assert!(shown.stdout.contains("[key]"), "{}", shown.stdout);
            assert!(!repeats(shown.stdout.as_bytes()), "{}", shown.stdout);
        }
        server.on_end(Ending::Output(json!([format!("{files}/{form}/0.png")])));
        place.write(
            "rows.jsonl",
            "{\"prompt\": \"x\", \"megapixels\": \"0.25\"}",
        );
        let batch = [
            "batch",
            "rows.jsonl",
            "--model",
            SCHNELL,
            "-o",
            "rows",
            "--json",
        ];
        let ended = place.paperboat(batch).at(server.origin()).ends(1).await;
        assert!(
            ended.stdout.contains("contains the API key"),
            "{}",
            ended.stdout
        );
        let listed = place.listed(&[]).await;
        assert!(
            listed[0]["error"]
                .as_str()
                .unwrap()
                .contains("contains the API key"),
            "{listed:?}"
        );
        for file in place.files() {
            assert!(
                !repeats(&std::fs::read(&file).unwrap()),
                "{}",
                file.display()
            );
        }
        assert!(server.file_requests().is_empty());
        assert_eq!(place.names("out"), [""; 0]);
    }
}

#[tokio::test]
async fn it_reaches_the_service_and_no_other_host() {
    let place = Place::new();
    let server = server().await;
    // Any other host: what it is asked for is nothing that the spec allows.
    let other = MockServer::start().await.unwrap();
    // Neither follows: not the create request, not the poll; the file follows without it.
    let away = || Fault::MovedPermanently(format!("{}/x", other.base_url()));
    server.on_create(away());
    let create = fox(&place, "create", &[]);
    create.at(server.origin()).ends(1).await;
    let id = &created(&place, &server).await;
    server.on_poll(away());
    let get = place.paperboat(["get", id]);
    get.at(server.origin()).ends(1).await;
    assert!(other.requests().is_empty(), "{:?}", other.requests());

    server.on_file(away());
    server.on_file(Fault::FileMoved);
    let wait = place.paperboat(["wait", id, "-o", "out"]);
    wait.at(server.origin()).ends(1).await;
    let wait = place.paperboat(["wait", id, "-o", "out"]);
    wait.at(server.origin()).ends(0).await;

    let elsewhere = other.requests().into_iter().chain(server.file_requests());
    let elsewhere: Vec<_> = elsewhere.collect();
    assert_eq!(elsewhere.len(), 4, "{elsewhere:?}");
    for request in elsewhere {
        assert!(!has_key(request.target.as_bytes()));
        for (name, value) in &request.headers {
            assert!(!has_key(value.as_bytes()), "{name}");
        }
    }
    let sent = server.requests();
    assert!(
        sent.iter()
            .all(|request| has_key(request.headers["authorization"].as_bytes()))
    );
    server.assert_no_violations();
}

#[tokio::test]
async fn a_redirect_of_the_account_is_not_followed() {
    let place = Place::new();
    let server = quick().access_token(TOKEN).start().await.unwrap();
    let other = MockServer::start().await.unwrap();
    for fault in [Fault::MovedPermanently, Fault::TemporaryRedirect] {
        server.clear_plans();
        for endpoint in AccountEndpoint::ALL {
            let away = format!("{}{}", other.origin(), endpoint.path());
            server.on_account(endpoint, fault(away).always());
        }
        planted(place.paperboat(["prices"]), &server).ends(1).await;
        planted(fox(&place, "run", &["--dry-run"]), &server)
            .ends(0)
            .await;
        // It has no token, so the key's balance is asked for.
        let call = fox(&place, "run", &["--dry-run"]).at(server.origin());
        let call = call.env("COMETAPI_ACCOUNT_URL", server.origin());
        call.ends(0).await;
        server.on_create(Fault::Reset);
        planted(fox(&place, "run", &[]), &server).ends(7).await;
        planted(place.paperboat(["resolve"]), &server).ends(1).await;
    }
    assert!(other.requests().is_empty(), "{:?}", other.requests());
    each_has_its_own(&server.requests());
}

/// The token is sent to the account's address, because that is what it is for; the key is not.
#[tokio::test]
async fn an_account_at_another_address_is_not_sent_the_key() {
    let place = Place::new();
    let server = server().await;
    let account = MockServer::builder()
        .access_token(TOKEN)
        .start()
        .await
        .unwrap();
    let at = |args: &[&str], token: Option<&str>| {
        let call = place.paperboat(args).at(server.origin());
        let call = call.env("COMETAPI_ACCOUNT_URL", account.origin());
        match token {
            Some(token) => call.env("COMETAPI_ACCESS_TOKEN", token),
            None => call,
        }
    };
    place.write(
        "rows.jsonl",
        "{\"prompt\": \"x\", \"megapixels\": \"0.25\"}",
    );
    let run = [&["run"][..], &FOX].concat();
    let batch = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "out"];
    for token in [None, Some(TOKEN)] {
        at(&["prices"], token).ends(0).await;
        at(&[&run[..], &["--dry-run"]].concat(), token)
            .ends(0)
            .await;
        at(&[&batch[..], &["--dry-run"]].concat(), token)
            .ends(0)
            .await;
        at(&[&batch[..], &["--max-cost", "1"]].concat(), token)
            .ends(0)
            .await;
    }
    server.on_create(Fault::Reset);
    at(&run, None).ends(7).await;
    let ended = at(&["resolve"], None).ends(2).await;
    ended.says(&["no access token"]);
    for request in account.requests() {
        assert!(!credential(&request).contains(&KEY), "{request:?}");
    }
    for request in server.requests() {
        assert_eq!(credential(&request), [KEY], "{request:?}");
    }
    assert!(account.account_requests(AccountEndpoint::User) > 0);
    account.assert_no_violations();
}

#[cfg(unix)]
#[tokio::test]
async fn a_stored_token_is_sent_only_to_its_service() {
    let place = Place::new();
    let (server, account) = (server().await, server().await);
    let login = ["login", "--access-token", "--base-url", server.origin()];
    place.paperboat(login).stdin(TOKEN).ends(0).await;
    let call = fox(&place, "run", &["--dry-run"]).at(server.origin());
    call.env("COMETAPI_ACCOUNT_URL", account.origin())
        .ends(0)
        .await;
    for request in account.requests() {
        assert_eq!(credential(&request), [""; 0], "{request:?}");
    }
    assert!(server.requests().is_empty());
}

/// Some services repeat the token that they refuse.
#[tokio::test]
async fn an_account_that_repeats_the_token_is_not_quoted() {
    let place = Place::new();
    let server = quick().access_token(TOKEN).start().await.unwrap();
    server.on_create(Fault::Reset);
    planted(fox(&place, "run", &[]), &server).ends(7).await;
    let sentence = format!("no such token: Bearer {TOKEN}");
    for (status, code) in [(200, 1), (401, 5), (403, 5), (500, 1)] {
        let body = json!({"success": false, "message": sentence});
        server.on_account(AccountEndpoint::Tasks, Fault::json(status, &body));
        let ended = planted(place.paperboat(["resolve"]), &server)
            .ends(code)
            .await;
        ended.says(&["no such token: Bearer ["]);
    }
}

/// While a run is recorded as well: a database keeps what was taken back, and more files
/// than one.
#[cfg(unix)]
#[tokio::test]
async fn it_is_in_no_file_beside_the_ledger() {
    let place = Place::new();
    let server = quick().start().await.unwrap();
    // What the service repeats is recorded as the reason of an end.
    let sentence = format!("no such field: Bearer {KEY}");
    server.on_create(Fault::json(422, &json!({"error": {"message": sentence}})));
    fox(&place, "run", &[]).at(server.origin()).ends(1).await;
    let failed = place.listed(&["--failed"]).await;
    assert!(
        failed[0]["error"].as_str().unwrap().contains("Bearer ["),
        "{failed:?}"
    );

    server.on_poll(Fault::BadGatewayPage.always());
    place.write("rows.jsonl", "{\"prompt\": \"x\"}");
    let batch = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "out"];
    let mut run = fox(&place, "run", &["--key", KEY])
        .at(server.origin())
        .start();
    run.says("created ").await;
    let batch = place.paperboat(batch).at(server.origin()).start();
    // The run polls on meanwhile, so that their number says nothing of the batch.
    for requests in 3.. {
        requested(&server, requests).await;
        if server.predictions().len() == 2 {
            break;
        }
    }
    let name = |end: &str| {
        place
            .ledger()
            .with_file_name(format!("ledger.sqlite3{end}"))
    };
    for end in ["", "-wal", "-shm"] {
        assert!(name(end).metadata().unwrap().len() > 0, "{end}");
    }
    assert!(name(".workers").read_dir().unwrap().count() >= 2);
    let nowhere = || {
        for file in place.files() {
            assert!(
                !has_key(&std::fs::read(&file).unwrap()),
                "{}",
                file.display()
            );
        }
    };
    nowhere();
    run.kill().await;
    batch.kill().await;
    nowhere();
}
