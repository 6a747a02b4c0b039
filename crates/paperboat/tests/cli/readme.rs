//! README's command lines, as they are shown.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use cometapi_mock::{MockServer, Pace};
use tokio::process::Command;

use crate::place::Place;

/// The blocks of commands.
fn blocks() -> Vec<String> {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let blocks = readme.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split_once("```").unwrap().0.to_owned())
        .collect()
}

#[tokio::test]
async fn the_command_lines_work_as_they_are_shown() {
    let blocks = blocks();
    let [install, session] = &blocks[..] else {
        panic!("README.md must show how to start the mock, and then a session: {blocks:?}");
    };
    assert!(install.ends_with("\npaperboat mock\n"), "{install}");

    // The mock of `paperboat mock`, on a port that is free.
    let server = MockServer::builder().pace(Pace::instant());
    let server = server.start().await.unwrap();
    let shown = "http://127.0.0.1:8080";
    assert!(session.contains(shown), "{session}");
    let session = session.replace(shown, server.origin());

    let place = Place::new();
    let bin = Path::new(env!("CARGO_BIN_EXE_paperboat")).parent().unwrap();
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-euxc", &session])
        .current_dir(place.path(""))
        .env_clear()
        .env("HOME", place.path(""))
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(place.names("out").len(), 2, "{stderr}");
    assert_eq!(place.names("foxes").len(), 2, "{stderr}");
    assert_eq!(place.listed(&[]).await.len(), 4);
    server.assert_no_violations();
}
