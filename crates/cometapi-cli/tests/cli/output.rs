//! stdout is data, stderr is talk.

use cometapi_mock::{Ending, Script, Step};
use serde_json::{Value, json};

use crate::place::Place;
use crate::{created, fox, server};

#[tokio::test]
async fn json_is_one_object_with_the_saved_paths() {
    let place = Place::new();
    let server = server().await;
    let run = fox(&place, "run", &["-o", "out", "--json"]);
    let ended = run.at(server.origin()).ends(0).await;
    let json = ended.json();
    let id = ended.id();
    assert_eq!(json["id"], id);
    assert_eq!(json["status"], "succeeded");
    assert_eq!(json["error"], Value::Null);
    assert_eq!(
        json["input"],
        json!({"megapixels": "0.25", "prompt": "a red fox"})
    );
    assert_eq!(json["output"].as_array().unwrap().len(), 1);
    assert_eq!(json["saved"], json!([format!("out/{id}-0.webp")]));
    assert_eq!(place.names("out"), [format!("{id}-0.webp")]);

    let get = place.cometapi(["get", id, "--json"]).at(server.origin());
    let mut seen = get.ends(0).await.json();
    seen["saved"] = json["saved"].clone();
    assert_eq!(seen, json);

    let create = fox(&place, "create", &["--json"]);
    let created = create.at(server.origin()).ends(0).await;
    let json = created.json();
    assert_eq!(json["id"], created.id());
    assert_eq!(
        (&json["status"], &json["output"]),
        (&json!("starting"), &Value::Null)
    );
}

#[tokio::test]
async fn json_is_there_when_the_run_failed() {
    let place = Place::new();
    let server = server().await;
    for (ending, code) in [(Ending::nsfw(), 3), (Ending::Removed, 8)] {
        server.on_end(ending);
        let id = &created(&place, &server).await;
        let wait = place.cometapi(["wait", id, "--json"]);
        let json = wait.at(server.origin()).ends(code).await.json();
        assert_eq!(json["id"], *id);
        assert_eq!(json["saved"], json!([]));
        assert_eq!(json["output"], Value::Null);
        assert_eq!(json["error"].is_string(), code == 3);
    }
}

#[tokio::test]
async fn a_success_without_files_is_a_success_with_a_note() {
    let place = Place::new();
    let server = server().await;
    for (ending, note) in [
        (
            Ending::NullOutput,
            "note: the run succeeded without an output",
        ),
        (
            Ending::Output(json!({"text": "a fox"})),
            "note: the output holds no files; see it with --json",
        ),
    ] {
        server.on_end(ending);
        let id = &created(&place, &server).await;
        let wait = place.cometapi(["wait", id]).at(server.origin());
        let ended = wait.ends(0).await;
        ended.says(&[note]);
        assert_eq!(ended.stdout, "");
    }
}

/// Each state that was seen, once, in order; nothing of it on stdout. A word is the
/// service's, so a terminal must not obey it.
#[tokio::test]
async fn the_states_are_told_on_stderr() {
    let place = Place::new();
    let server = server().await;
    server.on_run(Script::new([
        Step::Word("rest\u{1b}[2Jing".into()),
        Step::End(Ending::Succeeded),
    ]));
    let id = &created(&place, &server).await;
    let wait = place.cometapi(["wait", id, "-o", "out"]);
    let wait = wait.at(server.origin()).start();
    let run = fox(&place, "run", &["-o", "out"])
        .at(server.origin())
        .start();

    let ended = wait.ends(0).await;
    let expected = ["waiting", "rest\\u{1b}[2Jing", "succeeded", "saving"];
    assert_eq!(words(&ended.stderr), expected);
    assert_eq!(ended.lines().len(), 1);

    let ended = run.ends(0).await;
    let expected = ["creating", "created", "starting", "succeeded", "saving"];
    assert_eq!(words(&ended.stderr), expected);
    assert_eq!(ended.lines().len(), 1);
}

fn words(talk: &str) -> Vec<&str> {
    talk.lines()
        .filter_map(|line| line.split(' ').next())
        .collect()
}

/// A reader that has gone away ends neither the work nor the process with a fault.
#[cfg(unix)]
#[tokio::test]
async fn closed_pipes_are_nobodys_fault() {
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    let place = Place::new();
    let server = server().await;
    place.cometapi(["--help"]).stdout(closed()).ends(0).await;

    let create = fox(&place, "create", &[]);
    let created = create.at(server.origin()).stdout(closed());
    // What it was to print is not lost with the pipe.
    let id = created.ends(0).await.id().to_owned();

    let wait = place.cometapi(["wait", &id, "-o", "out"]);
    let wait = wait.at(server.origin()).stdout(closed()).stderr(closed());
    wait.ends(0).await;
    assert_eq!(place.names("out").len(), 1);

    let wait = place.cometapi(["wait", &id, "-o", "out", "--json"]);
    wait.at(server.origin()).stdout(closed()).ends(0).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_behind_stdout_is_said_and_the_id_with_it() {
    let full = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let place = Place::new();
    let server = server().await;
    let create = fox(&place, "create", &[]);
    let ended = create.at(server.origin()).stdout(full()).ends(1).await;
    ended.says(&["the result cannot be printed", "because No space left"]);
    let id = ended.id();
    ended.says(&[&format!("cometapi wait {id}")]);

    let wait = place
        .cometapi(["wait", id, "-o", "out"])
        .at(server.origin());
    let ended = wait.stdout(full()).ends(1).await;
    ended.says(&["the result cannot be printed"]);
    assert_eq!(place.names("out").len(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_whose_name_is_no_text_is_a_folder_like_any_other() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let place = Place::new();
    let server = server().await;
    let folder = OsStr::from_bytes(b"fox\xff");
    let id = &created(&place, &server).await;
    let args = ["wait", id, "-o"].map(OsStr::new);
    let args = || args.into_iter().chain([folder]);
    let wait = |more: &[&str]| {
        let call = place.cometapi(args().chain(more.iter().map(OsStr::new)));
        call.at(server.origin())
    };
    // Byte for byte, so that a script finds it.
    let out = std::fs::File::create(place.path("stdout")).unwrap();
    wait(&[]).stdout(out).ends(0).await;
    let printed = std::fs::read(place.path("stdout")).unwrap();
    let line = OsStr::from_bytes(printed.strip_suffix(b"\n").unwrap());
    assert!(place.path(line).is_file(), "{line:?}");

    let json = wait(&["--json"]).ends(0).await.json();
    let saved = json["saved"][0].as_str().unwrap();
    assert!(saved.starts_with("fox\u{fffd}/"), "{saved}");
}
