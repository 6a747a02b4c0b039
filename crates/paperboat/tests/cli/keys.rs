//! Where the key comes from, and where it does not go.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use cometapi_mock::MockServer;

use crate::network::socks_proxy;
use crate::place::{Call, KEY, Place, TOKEN, has_key};
use crate::{created, server};

const OWN: &str = ".config/paperboat/credentials.toml";
const OFFICIAL: &str = ".config/cometapi/config.toml";

/// A file of `CometAPI`'s own command, with this mode.
fn write_official(place: &Place, file: &str, content: &str, mode: u32) {
    let path = place.path(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    place.write(file, content);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn official() -> String {
    format!(
        "base_url = \"https://api.cometapi.com/v1\"\napi_key = \"{KEY}\"\naccess_token = \"{TOKEN}\"\n"
    )
}

/// `get` of the prediction, with no key but what the place has.
fn get<'p>(place: &'p Place, server: &MockServer, id: &str) -> Call<'p> {
    let call = place.paperboat(["get", id]);
    call.env("COMETAPI_BASE_URL", server.origin())
}

/// `get` of the prediction from what is taken for `CometAPI` itself.
async fn get_from_comet<'p>(place: &'p Place, server: &MockServer, id: &str) -> Call<'p> {
    let (address, _) = socks_proxy("api.cometapi.com", server).await;
    let call = place.paperboat(["get", id, "--allow-http"]);
    call.env("COMETAPI_BASE_URL", "http://api.cometapi.com")
        .env("ALL_PROXY", format!("socks5h://{address}"))
}

async fn login(place: &Place, base_url: &str, secret: &str, more: &[&str]) {
    let args = ["login", "--base-url", base_url].into_iter();
    let call = place.paperboat(args.chain(more.iter().copied()));
    call.stdin(secret).ends(0).await;
}

/// The mock accepts no other key.
#[tokio::test]
async fn each_source_is_enough() {
    let place = Place::new();
    let server = server().await;
    let id = &created(&place, &server).await;
    let get = || get(&place, &server, id);

    get().env("COMETAPI_KEY", KEY).ends(0).await;
    let ended = get().env("COMETAPI_API_KEY", KEY).ends(0).await;
    ended.says(&["note: the API key is from COMETAPI_API_KEY; the usual name is COMETAPI_KEY"]);
    place.write("vault", format!("{KEY}\nlogin: me\n"));
    let ended = get().env("COMETAPI_KEY_COMMAND", "cat vault").ends(0).await;
    assert_eq!(ended.stderr, "");
    login(&place, server.origin(), &format!("{KEY}\n"), &[]).await;
    get().ends(0).await;
    let flag = ["get", id, "--key", KEY, "--base-url", server.origin()];
    place
        .paperboat(flag)
        .env("COMETAPI_KEY", "sk-other")
        .ends(0)
        .await;

    // Each wins over those below.
    let wrong = || get().env("COMETAPI_KEY_COMMAND", "echo sk-other");
    wrong().ends(5).await;
    wrong().env("COMETAPI_API_KEY", KEY).ends(0).await;
    let wrong = get().env("COMETAPI_API_KEY", "sk-other");
    wrong.env("COMETAPI_KEY", KEY).ends(0).await;
}

#[tokio::test]
async fn a_stored_key_is_sent_only_to_its_service() {
    let place = Place::new();
    let (server, other) = (server().await, server().await);
    let id = &created(&place, &server).await;
    login(&place, other.origin(), KEY, &[]).await;
    let ended = get(&place, &server, id).ends(2).await;
    ended.says(&["no API key: run `paperboat login`"]);
    assert_eq!(server.requests().len(), 1);
    assert!(other.requests().is_empty());

    login(&place, server.origin(), KEY, &[]).await;
    get(&place, &server, id).ends(0).await;
}

#[tokio::test]
async fn the_official_file_is_for_the_official_service() {
    let place = Place::new();
    let server = server().await;
    let id = &created(&place, &server).await;
    write_official(&place, OFFICIAL, &official(), 0o600);
    let ended = get(&place, &server, id).ends(2).await;
    ended.says(&["no API key"]);
    assert_eq!(server.requests().len(), 1);

    let ended = get_from_comet(&place, &server, id).await.ends(0).await;
    assert_eq!(ended.stderr, "");
    // Ours comes first.
    login(&place, "http://api.cometapi.com", "sk-other", &[]).await;
    get_from_comet(&place, &server, id).await.ends(5).await;
}

#[tokio::test]
async fn the_official_file_is_found_where_its_command_looks_for_it() {
    let place = Place::new();
    let server = server().await;
    let id = &created(&place, &server).await;
    let official = official().replace(KEY, "sk-other");
    write_official(&place, "elsewhere/cometapi/config.toml", &official, 0o600);
    let call = || get_from_comet(&place, &server, id);
    call().await.ends(2).await;
    let call = call().await.env("XDG_CONFIG_HOME", place.path("elsewhere"));
    call.ends(5).await;
}

#[tokio::test]
async fn an_official_file_that_is_open_or_damaged_is_noted() {
    let place = Place::new();
    let server = server().await;
    let id = &created(&place, &server).await;
    write_official(&place, OFFICIAL, &official(), 0o644);
    let ended = get_from_comet(&place, &server, id).await.ends(0).await;
    ended.says(&["note: other users can read ", "config.toml: chmod 600 "]);

    let damaged = format!("api_key = \"{KEY}\naccess_token = {TOKEN}\n");
    write_official(&place, OFFICIAL, &damaged, 0o600);
    let ended = get_from_comet(&place, &server, id).await.ends(2).await;
    ended.says(&["is not valid TOML in line 1", "no API key"]);
    // It does not keep another source from being used.
    let call = get_from_comet(&place, &server, id).await;
    let ended = call.env("COMETAPI_KEY", KEY).ends(0).await;
    assert_eq!(ended.stderr, "");
}

#[tokio::test]
async fn our_own_file_is_refused_if_others_can_read_it_or_it_is_damaged() {
    let place = Place::new();
    let server = server().await;
    let id = &created(&place, &server).await;
    login(&place, server.origin(), KEY, &[]).await;
    let set = |mode| fs::set_permissions(place.path(OWN), fs::Permissions::from_mode(mode));
    set(0o640).unwrap();
    let ended = get(&place, &server, id).ends(2).await;
    ended.says(&[
        "other users can read or change ",
        "chmod 600 ",
        "paperboat login",
    ]);
    get(&place, &server, id)
        .env("COMETAPI_KEY", KEY)
        .ends(0)
        .await;
    set(0o600).unwrap();
    get(&place, &server, id).ends(0).await;

    place.write(
        OWN,
        format!("[\"{}\"]\nkey = \"{KEY}\nkey = 1", server.origin()),
    );
    let ended = get(&place, &server, id).ends(2).await;
    ended.says(&["credentials.toml is not valid TOML in line 2", "fix it"]);
    let args = ["login", "--base-url", server.origin()];
    let ended = place.paperboat(args).stdin(KEY).ends(2).await;
    ended.says(&["is not valid TOML"]);
}

#[tokio::test]
async fn a_command_that_fails_is_named_and_its_output_is_not_shown() {
    let place = Place::new();
    let server = server().await;
    place.write("vault", KEY);
    let commands = [
        (
            "cat vault; echo locked >&2; exit 3",
            "failed (exit status: 3)",
        ),
        (
            "echo locked >&2; echo; cat vault",
            "printed no text in its first line",
        ),
        ("echo locked >&2", "printed no text in its first line"),
    ];
    for (command, why) in commands {
        let call = get(&place, &server, "abc");
        let ended = call.env("COMETAPI_KEY_COMMAND", command).ends(2).await;
        ended.says(&[
            "locked\n",
            "error: the command in COMETAPI_KEY_COMMAND ",
            why,
        ]);
        assert_eq!(ended.stdout, "");
    }
    // What it prints after the key, and a key that cannot be one, are not shown either.
    let call = get(&place, &server, "abc");
    let command = "echo $(cat vault) $(cat vault)";
    let ended = call.env("COMETAPI_KEY_COMMAND", command).ends(2).await;
    ended.says(&["error: the API key from the command in COMETAPI_KEY_COMMAND "]);
    assert!(server.requests().is_empty());
}

/// Ctrl-C reaches both. Here the command sends it, so that it arrives while the command runs.
#[tokio::test]
async fn a_command_can_be_interrupted() {
    let place = Place::new();
    let server = server().await;
    let call = get(&place, &server, "abc");
    let call = call.env("COMETAPI_KEY_COMMAND", "kill -INT $PPID; echo sk-1");
    let ended = call.start().ends_somehow().await;
    // Ended by the signal itself, which a shell shows as 130.
    assert_eq!(ended.code, None, "{ended:?}");
    assert!(server.requests().is_empty());
}

/// The rows of a batch and the input of a prediction are on stdin.
#[tokio::test]
async fn a_command_does_not_take_stdin() {
    let place = Place::new();
    let server = server().await;
    place.write("vault", KEY);
    let args = ["create", "acme/fox", "--input", "-"];
    let call = place.paperboat(args).stdin("{\"prompt\": \"x\"}");
    let call = call.env("COMETAPI_BASE_URL", server.origin());
    let call = call.env("COMETAPI_KEY_COMMAND", "cat vault -");
    call.ends(0).await;
    assert_eq!(server.create_requests(), 1);
}

/// The service of predictions gets the key alone, from whatever source both are.
#[tokio::test]
async fn the_access_token_is_not_sent_with_predictions() {
    let place = Place::new();
    let server = server().await;
    let id = &created(&place, &server).await;
    login(&place, server.origin(), KEY, &[]).await;
    login(&place, server.origin(), TOKEN, &["--access-token"]).await;
    get(&place, &server, id).ends(0).await;
    let call = get(&place, &server, id).env("COMETAPI_ACCESS_TOKEN", TOKEN);
    call.ends(0).await;
    for request in server.requests() {
        let sent = &request.headers["authorization"];
        assert_eq!(sent, &format!("Bearer {KEY}"));
        assert!(has_key(sent.as_bytes()));
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_sent_is_named_by_its_source() {
    let place = Place::new();
    let server = server().await;
    let get = || get(&place, &server, "p");
    let spaced = get().env("COMETAPI_KEY", "sk a key").ends(2).await;
    spaced.says(&["from COMETAPI_KEY contains a space", "copy it again"]);
    place.write("vault", "sk-1 sk-2\n");
    let command = get().env("COMETAPI_KEY_COMMAND", "cat vault").ends(2).await;
    command.says(&["from the command in COMETAPI_KEY_COMMAND contains a space"]);
    assert_eq!(server.requests().len(), 0);
}
