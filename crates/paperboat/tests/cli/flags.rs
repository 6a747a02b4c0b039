//! Flags that several commands share, at the commands that no other test gives them to.

use cometapi_mock::{Fault, MockServer, Pace};
use serde_json::{Value, json};

use crate::network::socks_proxy;
use crate::place::{Call, Ended, KEY, Place, TOKEN};
use crate::values::noise;
use crate::{SCHNELL, created, fox, quick, server};

/// A service whose account knows what was created. It does not judge requests: the doctor asks for the
/// page at the root.
async fn with_account() -> MockServer {
    let server = MockServer::builder().pace(Pace::instant()).key(KEY);
    server.access_token(TOKEN).start().await.unwrap()
}

/// A call that finds the account at `server`, but neither key nor service.
fn call<'p>(place: &'p Place, server: &MockServer, args: &[&str]) -> Call<'p> {
    let call = place.paperboat(args);
    let call = call.env("COMETAPI_ACCOUNT_URL", server.origin());
    call.env("COMETAPI_ACCESS_TOKEN", TOKEN)
}

/// A request that was accepted, and whose response was lost.
async fn lost(place: &Place, server: &MockServer, flags: &[&str]) {
    server.on_create(Fault::Reset.after_accept());
    let ended = fox(place, "create", flags).ends(7).await;
    ended.says(&["paperboat resolve"]);
}

/// Key and service of the flags are used as they stand, without any in the environment.
#[tokio::test]
async fn the_key_and_the_service_of_the_flags_are_used() {
    let place = Place::new();
    let server = with_account().await;
    let base_url = format!("{}/replicate/v1", server.origin());
    let service = ["--key", KEY, "--base-url", &base_url, "--base-url-as-is"];
    let id = fox(&place, "create", &service)
        .ends(0)
        .await
        .id()
        .to_owned();
    place.write(
        "rows.jsonl",
        "{\"prompt\": \"x\", \"megapixels\": \"0.25\"}",
    );
    lost(&place, &server, &service).await;
    let rows: [&[&str]; 7] = [
        &["get", &id],
        &["wait", &id, "-o", "out"],
        &["again", &id, "-o", "again"],
        &["batch", "rows.jsonl", "--model", SCHNELL, "-o", "rows"],
        &["resolve", "-o", "resolved"],
        &["doctor"],
        &["prices"],
    ];
    for args in rows {
        let with = [args, &service].concat();
        let ended = call(&place, &server, &with);
        ended.ends(0).await;
    }
    assert_eq!(server.create_requests(), 4);
    for folder in ["out", "again", "rows", "resolved"] {
        assert_eq!(place.names(folder).len(), 1, "{folder}");
    }
}

/// Where the path is missing, nothing is appended to it.
#[tokio::test]
async fn a_base_url_as_it_is_gets_no_path() {
    let place = Place::new();
    place.write("rows.jsonl", "{\"prompt\": \"x\"}");
    // Its own check of requests finds the path that is wrong.
    let server = MockServer::builder().key(KEY).start().await.unwrap();
    let service = [
        "--key",
        KEY,
        "--base-url",
        server.origin(),
        "--base-url-as-is",
    ];
    let rows: [&[&str]; 4] = [
        &["get", "abc"],
        &["wait", "abc", "--timeout", "1"],
        &["create", SCHNELL, "prompt=x"],
        &["batch", "rows.jsonl", "--model", SCHNELL, "-o", "rows"],
    ];
    for args in rows {
        let ended = place.paperboat(args.iter().chain(&service));
        let ended = ended.ends_somehow().await;
        assert_ne!(ended.code, Some(0), "{args:?}");
    }
    let requests = server.requests();
    assert!(requests.len() >= rows.len(), "{requests:?}");
    for request in requests {
        assert!(!request.target.starts_with("/replicate"), "{request:?}");
    }
}

/// The key is sent over plain http, and files come from this machine, only if that is allowed.
#[tokio::test]
async fn plain_http_and_private_files_are_allowed_by_flags() {
    let place = Place::new();
    let server = with_account().await;
    let (address, _) = socks_proxy("service.example", &server).await;
    let at = |args: &[&str]| {
        let call = call(&place, &server, args).at("http://service.example");
        call.env("ALL_PROXY", format!("socks5h://{address}"))
            .env("NO_PROXY", "127.0.0.1")
    };
    let create = [
        "create",
        SCHNELL,
        "prompt=x",
        "megapixels=0.25",
        "--allow-http",
    ];
    let id = at(&create).ends(0).await.id().to_owned();
    for args in [&["again", &id][..], &["resolve"], &["prices"]] {
        let ended = at(args).ends_somehow().await;
        if args[0] != "prices" {
            assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stderr);
            ended.says(&["--allow-http"]);
        }
        let code = at(&[args, &["--allow-http"]].concat()).ends_somehow().await;
        assert!(!code.stderr.contains("plain http"), "{}", code.stderr);
    }
    let creates = server.create_requests();
    let again = ["again", &id, "--allow-http", "-o", "again"];
    let refused = at(&again).ends(1).await;
    refused.says(&["private network", "--allow-private-files"]);
    at(&[&again[..], &["--allow-private-files"]].concat())
        .ends(0)
        .await;
    assert_eq!(place.names("again").len(), 1);
    assert_eq!(server.create_requests(), creates + 2);

    server.on_create(Fault::Reset.after_accept());
    at(&create).ends(7).await;
    let resolve = ["resolve", "--allow-http", "-o", "resolved"];
    at(&resolve).ends(1).await.says(&["private network"]);
    assert!(place.names("resolved").is_empty());

    server.on_create(Fault::Reset.after_accept());
    at(&create).ends(7).await;
    at(&[&resolve[..], &["--allow-private-files"]].concat())
        .ends(0)
        .await;
    assert!(!place.names("resolved").is_empty());
}

/// What was lost is waited for as long as is said, and saved from the ledger that is named.
#[tokio::test]
async fn a_resolved_prediction_is_saved_as_the_flags_say() {
    let place = Place::new();
    let server = with_account().await;
    server.on_create(Fault::Reset.after_accept());
    let create = fox(&place, "create", &["--ledger", "mine.sqlite3"]);
    create.at(server.origin()).ends(7).await;
    let resolve = |more: &[&str]| {
        let args = [
            &["resolve", "-o", "out", "--sidecar", "--timeout", "5m"],
            more,
        ]
        .concat();
        call(&place, &server, &args).at(server.origin())
    };
    resolve(&[]).ends(0).await;
    assert!(!place.path("out").exists());
    resolve(&["--ledger", "mine.sqlite3"]).ends(0).await;
    let names = place.names("out");
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[1].ends_with(".webp.json"), "{names:?}");
}

/// What a dry run shows that would be sent.
fn input(ended: &Ended) -> Value {
    ended.json()["input"].clone()
}

#[tokio::test]
async fn the_size_of_files_is_limited_for_every_command_that_sends_them() {
    let place = Place::new();
    let server = server().await;
    place.write("photo.png", noise(320, 320));
    let id = created(&place, &server).await;
    let model = "black-forest-labs/flux-dev";
    let create = ["create", model, "prompt=x"];
    let dev = place.paperboat(create).at(server.origin()).ends(0).await;
    let dev = dev.id().to_owned();
    let rows: [&[&str]; 2] = [
        &[
            "run",
            model,
            "prompt=x",
            "image=@photo.png",
            "--dry-run",
            "--json",
        ],
        &["again", &dev, "image=@photo.png", "--dry-run", "--json"],
    ];
    for args in rows {
        let with = |more: &[&str]| {
            let args = [args, more].concat();
            place.paperboat(args).at(server.origin())
        };
        let refused = with(&[]).ends(2).await;
        refused.says(&["photo.png has", "--max-file-size", "--image-max"]);
        let whole = input(&with(&["--max-file-size", "1MB"]).ends(0).await);
        let scaled = input(&with(&["--image-max", "64"]).ends(0).await);
        let shown = args.iter().filter(|arg| **arg != "--json");
        let shown = shown.chain(&["--max-file-size", "1MB"]);
        let shown = place.paperboat(shown).at(server.origin()).ends(0).await;
        let image = r#""image":"data:image/png;base64,… ("#;
        assert!(shown.stdout.contains(image), "{}", shown.stdout);
        let head = |input: &Value| input["image"].as_str().unwrap()[..15].to_owned();
        assert_eq!(head(&whole), "data:image/png;", "{args:?}");
        assert_eq!(head(&scaled), "data:image/jpeg", "{args:?}");
    }
    assert_ne!(id, dev);
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn an_input_is_sent_again_as_it_is_written_only_with_force() {
    let place = Place::new();
    let server = server().await;
    let id = created(&place, &server).await;
    let again = ["again", &id, "promt=y", "--dry-run", "--json"];
    let refused = place.paperboat(again).at(server.origin()).ends(2).await;
    refused.says(&["promt is not one of its fields"]);
    let forced = again.iter().chain(&["--force"]);
    let forced = place.paperboat(forced).at(server.origin()).ends(0).await;
    assert_eq!(input(&forced)["promt"], json!("y"));
}

#[tokio::test]
async fn the_assumed_price_counts_where_none_is_listed() {
    let place = Place::new();
    let server = quick().unlisted(SCHNELL).start().await.unwrap();
    let id = created(&place, &server).await;
    let again = |price: &[&str]| {
        let args = [&["again", &id, "--max-cost", "1", "-o", "out"], price].concat();
        let call = place.paperboat(args).at(server.origin());
        call.env("COMETAPI_ACCOUNT_URL", server.origin())
    };
    again(&[]).ends(2).await.says(&["--assume-price USD"]);
    again(&["--assume-price", "2"]).ends(2).await;
    assert_eq!(server.create_requests(), 1);
    again(&["--assume-price", "0.5"]).ends(0).await;
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn a_row_is_as_large_as_is_allowed() {
    let place = Place::new();
    let server = server().await;
    let row = json!({"prompt": "x ".repeat(200), "megapixels": "0.25"});
    place.write("rows.jsonl", row.to_string());
    let batch = [
        "batch",
        "rows.jsonl",
        "--model",
        SCHNELL,
        "-o",
        "out",
        "--max-row-size",
    ];
    for (size, code, created) in [("100", 2, 0), ("1kB", 0, 1)] {
        let args = [&batch[..], &[size]].concat();
        place.paperboat(args).at(server.origin()).ends(code).await;
        assert_eq!(server.create_requests(), created, "{size}");
    }
}

#[tokio::test]
async fn only_the_rows_of_a_folder_are_listed() {
    let place = Place::new();
    let server = server().await;
    created(&place, &server).await;
    for folder in ["one", "two"] {
        place.write(
            "rows.jsonl",
            json!({"prompt": folder, "megapixels": "0.25"}).to_string(),
        );
        let batch = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", folder];
        place.paperboat(batch).at(server.origin()).ends(0).await;
    }
    assert_eq!(place.listed(&[]).await.len(), 3);
    let listed = place.paperboat(["list", "--json", "--batch", "two"]);
    let listed = listed.ends(0).await;
    let [line] = listed.lines()[..] else {
        panic!("{}", listed.stdout);
    };
    let entry: Value = serde_json::from_str(line).unwrap();
    assert_eq!(entry["input"]["prompt"], "two");
}

#[tokio::test]
async fn records_of_another_ledger_are_removed_only_if_it_is_named() {
    let place = Place::new();
    let server = server().await;
    let run = fox(&place, "run", &["-o", "out", "--ledger", "mine.sqlite3"]);
    run.at(server.origin()).ends(0).await;
    // It ended before now, so that any age is one; the shortest that can be given.
    let prune = ["prune", "--older-than", "1ns"];
    let other = place.paperboat(prune).ends(0).await;
    assert_eq!(other.stderr, "removed 0 records\n");
    let named = prune.iter().chain(&["--ledger", "mine.sqlite3"]);
    let named = place.paperboat(named).ends(0).await;
    assert_eq!(named.stderr, "removed 1 record\n");
}

#[tokio::test]
async fn the_doctor_leaves_the_ledger_alone_on_request() {
    let place = Place::new();
    let server = with_account().await;
    let doctor = ["doctor", "--no-ledger"];
    let ended = place.paperboat(doctor).at(server.origin()).ends(0).await;
    let lines = ended.lines().into_iter();
    let mut ledger = lines.filter(|line| line.contains("ledger"));
    assert!(
        ledger.next().unwrap().contains("skipped"),
        "{}",
        ended.stdout
    );
}

/// Every address of 127.0.0.0/8 is this machine on Linux alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_mock_listens_on_the_address_that_is_named() {
    let place = Place::new();
    let mut mock = place
        .paperboat(["mock", "--port", "0", "--bind", "127.0.0.2"])
        .start();
    let origin = mock.first_line().await;
    assert!(origin.starts_with("http://127.0.0.2:"), "{origin}");
    let run = fox(&place, "run", &["-o", "out"]).at(&origin);
    run.ends(0).await;
    assert_eq!(place.names("out").len(), 1);
    mock.interrupt().await;
    mock.ends(0).await;
}
