//! Keys that are stored and removed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::place::{KEY, Place, TOKEN, has_key};
use crate::pseudo_terminal::PseudoTerminal;

const FILE: &str = ".config/paperboat/credentials.toml";

fn content(place: &Place) -> String {
    fs::read_to_string(place.path(FILE)).unwrap()
}

#[tokio::test]
async fn a_key_is_stored_from_stdin_and_shown_masked() {
    let place = Place::new();
    let input = format!(" {KEY} \r\nanother line\n");
    let ended = place.paperboat(["login"]).stdin(&input).ends(0).await;
    assert_eq!(ended.stdout, "");
    ended.says(&["stored sk-…Lr4k for https://api.cometapi.com in ", FILE]);
    let call = place.paperboat(["login", "--access-token"]).stdin(TOKEN);
    call.ends(0)
        .await
        .says(&["stored …hJ6n for https://api.cometapi.com in "]);
    let args = ["login", "--base-url", "http://127.0.0.1:8080/x"];
    let ended = place.paperboat(args).stdin("any\n").ends(0).await;
    ended.says(&[
        "stored … for http://127.0.0.1:8080 in ",
        "paperboat doctor --base-url http://127.0.0.1:8080/x\n",
    ]);
    assert_eq!(
        content(&place),
        format!(
            "# Keys of `paperboat login`, by service; `paperboat logout` removes them.\n\n\
             [\"http://127.0.0.1:8080\"]\nkey = \"any\"\n\n\
             [\"https://api.cometapi.com\"]\naccess_token = \"{TOKEN}\"\nkey = \"{KEY}\"\n"
        )
    );
    let mode = |name| place.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(FILE), 0o600);
    assert_eq!(mode(".config/paperboat"), 0o700);
    // No file that was written on the way.
    assert_eq!(place.names(".config/paperboat"), ["credentials.toml"]);
}

#[tokio::test]
async fn a_logout_removes_what_is_stored_for_the_service() {
    let place = Place::new();
    let other = ["--base-url", "http://127.0.0.1:8080"];
    place.paperboat(["login"]).stdin(KEY).ends(0).await;
    let login = ["login"].into_iter().chain(other);
    place.paperboat(login).stdin(KEY).ends(0).await;

    // The address of the account is checked before anything is removed.
    let logout = place.paperboat(["logout"]);
    let ended = logout.env("COMETAPI_ACCOUNT_URL", "no url").ends(2).await;
    ended.says(&[
        "the address of the account is not a url",
        "check COMETAPI_ACCOUNT_URL",
    ]);
    let ended = place.paperboat(["logout"]).ends(0).await;
    ended.says(&[
        "removed the API key for https://api.cometapi.com from ",
        "until you delete it there: https://www.cometapi.com/console/token",
    ]);
    assert!(content(&place).contains("127.0.0.1"));
    assert!(!content(&place).contains("cometapi.com"));
    let ended = place.paperboat(["logout"]).ends(0).await;
    ended.says(&["nothing is stored for https://api.cometapi.com in "]);
    place
        .paperboat(["logout"].into_iter().chain(other))
        .ends(0)
        .await;
    assert_eq!(place.names(".config/paperboat"), [""; 0]);
}

#[tokio::test]
async fn what_is_no_key_is_not_stored() {
    let place = Place::new();
    let two = format!("{KEY} {KEY}");
    let hidden = format!("{KEY}\u{1b}");
    let long = "a".repeat(100_000);
    for (input, says) in [
        ("", "no API key was given"),
        ("\n", "no API key was given"),
        (" \nsk-1", "no API key was given"),
        (&two, "the API key contains a space or another character"),
        (&long, "because the line is too long"),
        (&hidden, "the API key contains a space or another character"),
    ] {
        let ended = place.paperboat(["login"]).stdin(input).ends(2).await;
        ended.says(&[says]);
    }
    for url in ["nonsense".to_owned(), format!("ftp://{KEY}@x")] {
        for command in ["login", "logout"] {
            let call = place.paperboat([command, "--base-url", &url]).stdin(KEY);
            call.ends(2).await.says(&["error: the base url "]);
        }
    }
    assert_eq!(place.names(""), [""; 0]);
}

/// People try what other commands take.
#[tokio::test]
async fn a_key_on_the_command_line_is_refused_unseen() {
    let place = Place::new();
    let flag = format!("--access-token={TOKEN}");
    let key = format!("--key={KEY}");
    for (args, says) in [
        (&["login", KEY][..], "login takes nothing as an argument"),
        (&["login", "--", KEY], "login takes nothing as an argument"),
        (
            &["login", "--access-token", TOKEN],
            "login takes nothing as an argument",
        ),
        (
            &["login", &flag],
            "--access-token takes no value, got \"…\"",
        ),
        (&["login", &key], "unknown flag --key"),
        (&["login", "--key", KEY], "unknown flag --key"),
    ] {
        place.paperboat(args).ends(2).await.says(&[says]);
    }
    assert_eq!(place.names(""), [""; 0]);
}

/// Each reads the file, changes it and replaces it.
#[tokio::test]
async fn logins_at_the_same_time_keep_each_others_keys() {
    let place = Place::new();
    let urls: Vec<_> = (1..=8)
        .map(|port| format!("http://127.0.0.1:{port}"))
        .collect();
    let logins = urls.iter().map(|url| {
        let login = place.paperboat(["login", "--base-url", url]);
        login.stdin(KEY).start()
    });
    for login in logins.collect::<Vec<_>>() {
        login.ends(0).await;
    }
    let content = content(&place);
    for url in urls {
        assert!(content.contains(&format!("[\"{url}\"]")), "{content}");
    }
}

#[tokio::test]
async fn a_variable_that_wins_over_what_is_stored_is_named() {
    let place = Place::new();
    let call = place.paperboat(["login"]).stdin(KEY);
    let ended = call.env("COMETAPI_KEY", KEY).ends(0).await;
    ended.says(&["note: COMETAPI_KEY is set, and is used instead of it"]);
}

#[tokio::test]
async fn a_terminal_does_not_show_what_is_typed() {
    let place = Place::new();
    let mut terminal = PseudoTerminal::open();
    assert!(terminal.echoes());
    let login = place.paperboat(["login"]).terminal(&terminal.command);
    let mut login = login.start();
    login.says("API key for https://api.cometapi.com (").await;
    assert!(!terminal.echoes());
    terminal.types(&format!("{KEY}\n"));
    let ended = login.ends(0).await;
    ended.says(&[
        "to create an API key: https://www.cometapi.com/console/token",
        "stored sk-…Lr4k",
    ]);
    assert!(terminal.echoes());
    let shown = terminal.shown();
    assert_eq!(shown.trim(), "");
    assert!(!has_key(shown.as_bytes()));
    assert!(content(&place).contains(KEY));
}

#[tokio::test]
async fn a_signal_at_the_prompt_leaves_the_terminal_as_it_was() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let place = Place::new();
        let mut terminal = PseudoTerminal::open();
        let login = place.paperboat(["login", "--access-token"]);
        let mut login = login.terminal(&terminal.command).start();
        login.says("access token for ").await;
        assert!(!terminal.echoes());
        // Half of it is typed.
        terminal.types(&TOKEN[..10]);
        login.signal(signal).await;
        login.ends(code).await;
        assert!(terminal.echoes());
        assert_eq!(place.names(""), [""; 0]);
    }
}
