//! What is printed from the program alone.

use std::fs;

use crate::SCHNELL;
use crate::place::{Call, Place};

/// Runs where nothing works that reads a setting: the ledger is a folder, and no address, proxy
/// or key can be used.
fn unusable<'p>(place: &'p Place, args: &[&str]) -> Call<'p> {
    place
        .paperboat(args)
        .env("HOME", place.path("home"))
        .env("PAPERBOAT_LEDGER", place.path("folder"))
        .env("COMETAPI_BASE_URL", "not an address")
        .env("COMETAPI_KEY", "\n")
        .env("HTTPS_PROXY", "not a proxy")
        .env("SSL_CERT_FILE", place.path("none.pem"))
}

#[tokio::test]
async fn help_and_lists_use_neither_settings_nor_files() {
    for args in [
        &["--version"][..],
        &["-V"],
        &["--help"],
        &["help"],
        &["help", "run"],
        &["batch", "--help"],
        &["run", SCHNELL, "--help"],
        &["completions", "bash"],
        &["complete", "--word=", "--", "paperboat", "run"],
        &["models"],
        &["models", "--json"],
        &["schema", SCHNELL],
        &["man"],
    ] {
        let place = Place::new();
        fs::create_dir(place.path("folder")).unwrap();
        let ended = unusable(&place, args).ends(0).await;
        assert!(!ended.stdout.is_empty(), "{args:?}");
        assert_eq!(ended.stderr, "", "{args:?}");
        assert_eq!(place.names(""), ["folder"], "{args:?}");
        assert!(place.names("folder").is_empty(), "{args:?}");
    }
}

#[tokio::test]
async fn commands_that_use_settings_refuse_these() {
    for args in [
        &["list"][..],
        &["get", "a1"],
        &["create", SCHNELL, "prompt=x"],
    ] {
        let place = Place::new();
        fs::create_dir(place.path("folder")).unwrap();
        unusable(&place, args).ends(2).await;
    }
}
