//! What identifies a batch: a file in its folder, or a name.

use std::fs;

use cometapi_mock::MockServer;

use crate::batch::{batch, files, foxes};
use crate::place::{Call, Place};
use crate::{SCHNELL, server};

const IDENTITY: &str = ".cometapi-batch";

/// The same rows, in another folder.
fn batch_in<'p>(place: &'p Place, server: &MockServer, folder: &str, more: &[&str]) -> Call<'p> {
    let args = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", folder];
    place.paperboat(args.iter().chain(more)).at(server.origin())
}

#[tokio::test]
async fn a_folder_that_was_moved_is_the_same_batch() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a", "b"]));
    batch(&place, &server, &[]).ends(0).await;
    let fetched = server.file_requests().len();
    fs::rename(place.path("out"), place.path("kept")).unwrap();

    place.write("rows.jsonl", foxes(&["a", "b", "c"]));
    let moved = batch_in(&place, &server, "kept", &[]).ends(0).await;
    assert_eq!(place.names("kept"), files(&["a", "b", "c"]));
    assert_eq!(server.create_requests(), 3);
    // Nothing was downloaded again.
    assert_eq!(server.file_requests().len(), fetched + 1);
    moved.says(&["1 created"]);
    for entry in place.listed(&[]).await {
        let path = entry["files"][0]["path"].as_str().unwrap().to_owned();
        assert!(place.path(&path).exists(), "{path}");
        assert!(path.contains("/kept/"), "{path}");
    }
    // Its old place is free for a batch of its own.
    batch(&place, &server, &[]).ends(0).await;
    assert_eq!(server.create_requests(), 6);
}

#[tokio::test]
async fn a_folder_without_its_file_is_still_the_batch_that_ran_there() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a"]));
    batch(&place, &server, &[]).ends(0).await;
    fs::remove_dir_all(place.path("out")).unwrap();
    batch(&place, &server, &[]).ends(0).await;
    assert_eq!(server.create_requests(), 1);
    assert_eq!(place.names("out"), files(&["a"]));
    assert!(place.path("out").join(IDENTITY).exists());
}

#[tokio::test]
async fn a_copy_of_a_folder_is_not_run_as_the_batch() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a"]));
    batch(&place, &server, &[]).ends(0).await;
    fs::create_dir(place.path("copy")).unwrap();
    fs::copy(
        place.path("out").join(IDENTITY),
        place.path("copy").join(IDENTITY),
    )
    .unwrap();
    for more in [&[][..], &["--dry-run"]] {
        let refused = batch_in(&place, &server, "copy", more).ends(2).await;
        refused.says(&["is a copy of the batch in", "remove", IDENTITY]);
    }
    assert_eq!(server.create_requests(), 1);
    fs::remove_file(place.path("copy").join(IDENTITY)).unwrap();
    batch_in(&place, &server, "copy", &[]).ends(0).await;
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn a_named_batch_is_the_same_in_any_folder() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a"]));
    let named = ["--batch", "spring sale"];
    batch(&place, &server, &named).ends(0).await;
    assert!(!place.path("out").join(IDENTITY).exists());
    place.write("rows.jsonl", foxes(&["a", "b"]));
    batch_in(&place, &server, "other", &named).ends(0).await;
    assert_eq!(server.create_requests(), 2);
    // What was saved is where it was saved.
    assert_eq!(place.names("out"), files(&["a"]));
    assert_eq!(place.names("other"), files(&["b"]));
    let refused = batch(&place, &server, &["--batch", " "]).ends(2).await;
    refused.says(&["cannot name a batch"]);
}

#[tokio::test]
async fn a_dry_run_writes_no_identity() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a"]));
    fs::create_dir(place.path("out")).unwrap();
    batch(&place, &server, &["--dry-run"]).ends(0).await;
    assert!(!place.path("out").join(IDENTITY).exists());
    fs::write(place.path("out").join(IDENTITY), "something else\n").unwrap();
    for more in [&[][..], &["--dry-run"]] {
        let refused = batch(&place, &server, more).ends(2).await;
        refused.says(&["does not hold the identity of a batch"]);
    }
    assert_eq!(server.create_requests(), 0);
}
