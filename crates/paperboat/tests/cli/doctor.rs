//! What a doctor finds, and what it costs: nothing, unless it is asked to.

use cometapi_mock::{Fault, MockServer, Pace};
use insta::assert_snapshot;
use tokio::net::TcpListener;

use crate::place::{Call, Ended, KEY, Place, TOKEN, has_key, requested};

/// A mock that takes no key but the tests'. The doctor asks for the page at its root, which is no
/// request of the API, so that is a violation.
async fn server() -> MockServer {
    mock(KEY).await
}

async fn mock(key: &str) -> MockServer {
    let builder = MockServer::builder().strict_headers().pace(Pace::instant());
    builder.key(key).start().await.unwrap()
}

fn doctor<'p>(place: &'p Place, base_url: &str, more: &[&str]) -> Call<'p> {
    let args = ["doctor"].iter().chain(more);
    place.paperboat(args).at(base_url)
}

/// Its screen, with what differs from run to run replaced.
fn screen(place: &Place, ended: &Ended, base_url: &str) -> String {
    let home = place.path("");
    let home = home.to_string_lossy();
    ended
        .stdout
        .replace(base_url, "BASE_URL")
        .replace(home.trim_end_matches('/'), "HOME")
}

/// The status and the text of one check.
#[track_caller]
fn line<'e>(ended: &'e Ended, name: &str) -> &'e str {
    let named = |line: &&str| line.get(9..).is_some_and(|rest| rest.starts_with(name));
    let line = ended.stdout.lines().find(named);
    line.unwrap_or_else(|| panic!("no {name} in:\n{}", ended.stdout))
}

#[track_caller]
fn check(ended: &Ended, name: &str, begins: &str, holds: &str) {
    let line = line(ended, name);
    assert!(line.starts_with(begins) && line.contains(holds), "{line}");
}

#[tokio::test]
async fn a_service_that_works_has_no_failed_check_and_nothing_is_paid() {
    let place = Place::new();
    let server = server().await;
    let ended = doctor(&place, server.origin(), &[]).ends(0).await;
    assert_eq!(ended.stderr, "");
    assert_snapshot!("healthy", screen(&place, &ended, server.origin()));
    assert_eq!(place.names(""), [""; 0]);
    // The page at the root, and a prediction that does not exist: only the second needs the key.
    let requests = server.requests();
    let sent = requests.iter().map(|request| {
        let key = request.headers.get("authorization");
        let has_key = key.is_some_and(|key| has_key(key.as_bytes()));
        (request.method.as_str(), request.target.as_str(), has_key)
    });
    let polled = "/replicate/v1/predictions/paperboat-doctor-checks-the-key";
    assert!(
        sent.eq([("GET", "/", false), ("GET", polled, true)]),
        "{requests:?}"
    );

    let ended = doctor(&place, server.origin(), &["--json"]).ends(0).await;
    let json = ended.json();
    assert_eq!(json["ok"], true);
    assert_eq!(json["checks"].as_array().unwrap().len(), 12);
    assert_eq!(json["checks"][0]["detail"], "sk-…Lr4k from COMETAPI_KEY");
}

#[tokio::test]
async fn without_anything_each_failure_has_its_next_step() {
    let place = Place::new();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let call = place
        .paperboat(["doctor"])
        .env("COMETAPI_BASE_URL", &base_url);
    let ended = call.ends(1).await;
    ended.says(&["error: 2 of 12 checks failed"]);
    let screen = screen(&place, &ended, &base_url);
    assert_snapshot!("unreachable", screen.replace(" (os error 111)", ""));
}

#[tokio::test]
async fn a_refused_key_decides_the_exit_code() {
    let place = Place::new();
    let server = mock("sk-other").await;
    place.write("folder-instead-of-ledger", "not a ledger");
    let call = doctor(&place, server.origin(), &[]);
    let call = call.env("PAPERBOAT_LEDGER", place.path("folder-instead-of-ledger"));
    let ended = call.ends(5).await;
    check(
        &ended,
        "key accepted",
        "failed",
        "keys only work with the service",
    );
    check(
        &ended,
        "ledger",
        "failed",
        "to use another ledger: --ledger FILE",
    );
    check(&ended, "connection", "ok", "");
}

#[tokio::test]
async fn a_socket_that_never_answers_does_not_keep_the_rest_from_being_checked() {
    let place = Place::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", silent.local_addr().unwrap());
    let ended = doctor(&place, &base_url, &["--timeout", "0.2"])
        .ends(1)
        .await;
    check(
        &ended,
        "connection",
        "failed",
        "did not respond within 200ms",
    );
    check(&ended, "key accepted", "skipped", "cannot be reached");
    check(&ended, "ledger", "ok", "none yet");
    check(&ended, "folder", "ok", "");
}

#[tokio::test]
async fn faults_on_the_way_are_not_taken_for_a_refused_key() {
    for (fault, code, begins, holds) in [
        (Fault::FirewallPage, 1, "failed", "the key is not at fault"),
        (Fault::IndexPage, 1, "failed", "check --base-url"),
        (Fault::UnauthorizedQuota, 0, "warning", "top up the account"),
        (Fault::InvalidToken, 5, "failed", "check the key"),
    ] {
        let place = Place::new();
        let server = server().await;
        server.on_poll(fault);
        let ended = doctor(&place, server.origin(), &[]).ends(code).await;
        check(&ended, "key accepted", begins, holds);
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_checks_like_others() {
    let place = Place::new();
    let ended = doctor(&place, "nonsense", &[]).ends(1).await;
    check(&ended, "base url", "failed", "should look like");
    check(&ended, "key", "skipped", "");
    check(&ended, "ledger", "ok", "");

    let call = doctor(&place, "http://127.0.0.1:9", &[]);
    let ended = call.env("COMETAPI_ACCOUNT_URL", "nonsense").ends(1).await;
    check(&ended, "base url", "ok", "");
    let what = "the address of the account cannot be used";
    check(&ended, "access token", "skipped", what);

    let call = place.paperboat(["doctor"]);
    let call = call.env("COMETAPI_BASE_URL", "http://gw.example");
    let call = call.env("COMETAPI_KEY_COMMAND", "exit 3");
    let ended = call.ends(1).await;
    check(
        &ended,
        "key",
        "failed",
        "COMETAPI_KEY_COMMAND failed (exit status: 3)",
    );
    check(&ended, "base url", "failed", "--allow-http");
}

#[tokio::test]
async fn secrets_are_masked_whatever_their_source() {
    let place = Place::new();
    let server = server().await;
    let call = doctor(&place, server.origin(), &[]);
    let call = call.env("COMETAPI_ACCESS_TOKEN", TOKEN);
    let call = call.env("HTTPS_PROXY", format!("http://me:{KEY}@127.0.0.1:1"));
    let ended = call.ends(0).await;
    check(
        &ended,
        "access token",
        "ok",
        "…hJ6n from COMETAPI_ACCESS_TOKEN",
    );
    check(&ended, "proxies", "ok", "HTTPS_PROXY=http://127.0.0.1:1");

    place.write("vault", TOKEN);
    let call = place.paperboat(["doctor"]);
    let call = call.env("COMETAPI_BASE_URL", server.origin());
    let call = call.env("COMETAPI_API_KEY", KEY);
    let call = call.env("COMETAPI_ACCESS_TOKEN_COMMAND", "cat vault");
    let ended = call.ends(0).await;
    check(&ended, "key", "warning", "the usual name is COMETAPI_KEY");
    check(
        &ended,
        "access token",
        "ok",
        "the command in COMETAPI_ACCESS_TOKEN_COMMAND",
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_it() {
    let place = Place::new();
    let server = server().await;
    server.on_poll(Fault::Hang.always());
    let run = doctor(&place, server.origin(), &["--timeout", "10m"]).start();
    requested(&server, 1).await;
    run.interrupt().await;
    run.ends(130).await;
}

#[tokio::test]
async fn a_smoke_request_is_paid_for_only_if_somebody_agrees() {
    let place = Place::new();
    let server = server().await;
    let smoke = |more: &[&str]| {
        let args = ["--smoke"].into_iter().chain(more.iter().copied());
        doctor(&place, server.origin(), &args.collect::<Vec<_>>())
    };
    let ended = smoke(&[]).ends(2).await;
    ended.says(&["there is no terminal to ask at", "--yes"]);
    assert_eq!(ended.stdout, "");
    // It needs an image.
    let edits = ["--yes", "--model", "qwen/qwen-image-edit-plus"];
    smoke(&edits).ends(2).await.says(&["image"]);
    assert!(server.requests().is_empty());

    let ended = smoke(&["--yes"]).ends(0).await;
    ended.says(&["a prediction of black-forest-labs/flux-schnell (price unknown)"]);
    let id = &server.predictions()[0].id;
    check(&ended, "smoke", "ok", &format!("paperboat wait {id}"));
    assert_eq!(server.create_requests(), 1);
    assert_eq!(place.listed(&[]).await[0]["id"], **id);
}

#[tokio::test]
async fn after_a_failed_check_nothing_is_paid() {
    let place = Place::new();
    let server = mock("sk-other").await;
    let ended = doctor(&place, server.origin(), &["--smoke", "--yes"])
        .ends(5)
        .await;
    check(&ended, "smoke", "skipped", "nothing was sent");
    assert_eq!(server.create_requests(), 0);
}

#[tokio::test]
async fn a_smoke_request_that_fails_ends_with_its_code() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::UnauthorizedQuota);
    let ended = doctor(&place, server.origin(), &["--smoke", "--yes"])
        .ends(6)
        .await;
    check(&ended, "smoke", "failed", "top up");
    ended.says(&["out of quota"]);
}

#[cfg(unix)]
#[tokio::test]
async fn on_a_terminal_it_asks() {
    use crate::pseudo_terminal::PseudoTerminal;

    for (answer, creates) in [
        ("y\n", 1),
        ("Yes\n", 1),
        ("n\n", 0),
        ("\n", 0),
        ("yep\n", 0),
    ] {
        let place = Place::new();
        let server = server().await;
        let mut terminal = PseudoTerminal::open();
        terminal.drain();
        terminal.types(answer);
        let call = doctor(&place, server.origin(), &["--smoke"]);
        let call = call.terminal(&terminal.command);
        let call = call.stderr(terminal.command.try_clone().unwrap());
        let ended = call.ends(0).await;
        let begins = if creates == 1 { "ok" } else { "skipped" };
        check(&ended, "smoke", begins, "");
        assert_eq!(server.create_requests(), creates, "{answer:?}");
    }
}

/// An account beside the service, as `COMETAPI_ACCOUNT_URL` names it.
async fn account() -> wiremock::MockServer {
    use serde_json::json;
    use wiremock::matchers::{header, method, path};
    use wiremock::{Mock, ResponseTemplate};

    let server = wiremock::MockServer::start().await;
    let price = json!({"currency": "USD", "per_request": "0.003"});
    let models = json!({"success": true, "data": [
        {"id": crate::SCHNELL, "code": "flux-schnell", "pricing": price},
    ]});
    let user = json!({"success": true, "data": {"quota": 1_250_000, "used_quota": 0}});
    let get = |at: &str| Mock::given(method("GET")).and(path(at));
    let json = |body| ResponseTemplate::new(200).set_body_json(body);
    let listed = get("/api/models").respond_with(json(models));
    listed.mount(&server).await;
    let token = header("authorization", format!("Bearer {TOKEN}"));
    let read = get("/api/user/self").and(token).respond_with(json(user));
    read.mount(&server).await;
    server
}

#[tokio::test]
async fn the_account_is_asked_for_its_balance_and_its_prices() {
    let place = Place::new();
    let (server, account) = (server().await, account().await);
    let doctor = |more: &[&str]| {
        let call = doctor(&place, server.origin(), more);
        call.env("COMETAPI_ACCOUNT_URL", account.uri())
    };
    // The key is not sent to another origin.
    let ended = doctor(&[]).ends(0).await;
    check(&ended, "balance", "skipped", "");
    check(&ended, "prices", "ok", "1 models, read ");
    let call = doctor(&["--smoke", "--yes"]).env("COMETAPI_ACCESS_TOKEN", TOKEN);
    let ended = call.ends(0).await;
    check(&ended, "balance", "ok", "the account has $2.50 left");
    ended.says(&["a prediction of black-forest-labs/flux-schnell (up to $0.003)"]);
    // As `list` says.
    let listed = &place.listed(&[]).await[0];
    assert_eq!(listed["cost_usd"], "0.003", "{listed}");
    for request in account.received_requests().await.unwrap() {
        let sent = request.headers.get("authorization");
        let is_user = request.url.path() == "/api/user/self";
        assert_eq!(sent.is_some(), is_user, "{request:?}");
    }
    for request in server.requests() {
        let sent = request.headers.get("authorization");
        assert!(sent.is_none_or(|sent| sent != &format!("Bearer {TOKEN}")));
    }
}

/// Stored for the service's own address, it would be sent to another.
#[tokio::test]
async fn a_stored_token_is_sent_only_to_the_account_it_is_stored_for() {
    let place = Place::new();
    let (server, account) = (server().await, account().await);
    let login = ["login", "--access-token", "--base-url", server.origin()];
    place.paperboat(login).stdin(TOKEN).ends(0).await;
    let at_account = |args: &[&str]| {
        let call = place.paperboat(args).at(server.origin());
        call.env("COMETAPI_ACCOUNT_URL", account.uri())
    };
    let doctor = || at_account(&["doctor", "--base-url", server.origin()]);
    let ended = doctor().ends(0).await;
    check(&ended, "access token", "skipped", "none");
    for request in account.received_requests().await.unwrap() {
        assert_eq!(request.headers.get("authorization"), None, "{request:?}");
    }

    // The command that is advised stores it where it is looked for.
    let login = at_account(&["login", "--access-token"]).stdin(TOKEN);
    login.ends(0).await.says(&[&account.uri()]);
    let ended = doctor().ends(0).await;
    check(&ended, "access token", "ok", "hJ6n from ");
    check(&ended, "balance", "ok", "the account has $2.50 left");
    let logout = at_account(&["logout"]).ends(0).await;
    logout.says(&[&format!("removed the access token for {}", account.uri())]);
    let ended = doctor().ends(0).await;
    check(&ended, "access token", "skipped", "none");
}
