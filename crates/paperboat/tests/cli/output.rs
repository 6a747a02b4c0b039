//! stdout is data, stderr is for people.

use cometapi_mock::{Ending, MockServer, Script, Step};
use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate};

use crate::place::{Ended, Place};
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
    assert_eq!(json["saved"], json!([format!("out/{id}.webp")]));
    assert_eq!(place.names("out"), [format!("{id}.webp")]);

    let get = place.paperboat(["get", id, "--json"]).at(server.origin());
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
        let wait = place.paperboat(["wait", id, "--json"]);
        let json = wait.at(server.origin()).ends(code).await.json();
        assert_eq!(json["id"], *id);
        assert_eq!(json["saved"], json!([]));
        assert_eq!(json["output"], Value::Null);
        assert_eq!(json["error"].is_string(), code == 3);
    }
}

#[tokio::test]
async fn a_success_without_an_output_is_a_success_with_a_note() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::NullOutput);
    let id = &created(&place, &server).await;
    let ended = place
        .paperboat(["wait", id])
        .at(server.origin())
        .ends(0)
        .await;
    let note = "the run succeeded without an output";
    ended.says(&[&format!("note: {note}")]);
    assert_eq!(ended.stdout, "");
    assert_eq!(place.listed(&[]).await[0]["note"], note);

    server.on_end(Ending::NullOutput);
    place.write("rows.jsonl", r#"{"id": "fox", "prompt": "a fox"}"#);
    let batch = ["batch", "rows.jsonl", "--model", "acme/chat", "-o", "out"];
    let ended = place.paperboat(batch).at(server.origin()).ends(0).await;
    ended.says(&[&format!("line 1 (fox): note: {note}")]);
    assert_eq!(ended.stdout, "");
    assert_eq!(place.listed(&["--limit", "1"]).await[0]["note"], note);
}

/// A run of an unknown model.
async fn chat(
    server: &MockServer,
    place: &Place,
    output: Value,
    args: &[&str],
    code: i32,
) -> Ended {
    server.on_end(Ending::Output(output));
    let run = place.paperboat(["run", "acme/chat", "prompt=a fox"].iter().chain(args));
    run.at(server.origin()).ends(code).await
}

#[tokio::test]
async fn text_goes_to_stdout_and_with_a_folder_into_a_file() {
    let place = Place::new();
    let server = server().await;
    for (output, stdout, name) in [
        (
            json!("Data: the chart shows 5 bars"),
            "Data: the chart shows 5 bars\n",
            "txt",
        ),
        (
            json!(["Visit ", "https://", "a.com", "\n"]),
            "Visit https://a.com\n",
            "txt",
        ),
        (json!([{"text": "a\tfox"}]), "a\tfox\n", "txt"),
        (json!(0.25), "0.25\n", "json"),
        (
            json!({"text": "a fox"}),
            "{\n  \"text\": \"a fox\"\n}\n",
            "json",
        ),
    ] {
        let ended = chat(&server, &place, output.clone(), &[], 0).await;
        assert_eq!(ended.stdout, stdout);
        let id = ended.id();

        let wait = place.paperboat(["wait", id]).at(server.origin());
        assert_eq!(wait.ends(0).await.stdout, stdout);
        let get = place.paperboat(["get", id]).at(server.origin());
        assert_eq!(get.ends(0).await.stdout, format!("succeeded\n{stdout}"));
        assert_eq!(place.names("."), [".local"]);

        let folder = format!("of-{name}");
        let file = format!("{id}.{name}");
        let args = ["wait", id, "-o", &folder];
        let ended = place.paperboat(args).at(server.origin()).ends(0).await;
        assert_eq!(ended.stdout, format!("{folder}/{file}\n"));
        let saved = std::fs::read_to_string(place.path(&folder).join(&file)).unwrap();
        assert_eq!(saved.trim_end(), stdout.trim_end());
        // Found again, and left as it is.
        let ended = place.paperboat(args).at(server.origin()).ends(0).await;
        ended.says(&["was there already"]);
        std::fs::remove_dir_all(place.path(&folder)).unwrap();
    }
}

/// The mock reads from the spec what a model returns.
#[tokio::test]
async fn models_of_text_and_json_are_run_and_batched_like_others() {
    const COMPONENTS: &str = "
  schemas:
    CaptionInput:
      x-model: acme/caption
      x-output: text
      type: object
      properties: {prompt: {type: string}}
    ScoreInput:
      x-model: acme/score
      x-output: json
      type: object
      properties: {prompt: {type: string}, seed: {type: integer}}
";
    let yaml = cometapi_mock::SHIPPED.replacen("\n  schemas:\n", COMPONENTS, 1);
    let spec = cometapi_mock::Spec::parse(&yaml).unwrap();
    let server = crate::quick().spec(spec).start().await.unwrap();
    let place = Place::new();
    let caption = ["run", "acme/caption", "prompt=a red fox"];
    let ended = place.paperboat(caption).at(server.origin()).ends(0).await;
    assert_eq!(ended.stdout, "The mock was asked: a red fox\n");
    let score = ["run", "acme/score", "prompt=a red fox", "seed=7"];
    let ended = place.paperboat(score).at(server.origin()).ends(0).await;
    let output: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(output, json!({"prompt": "a red fox", "seed": 7}));

    place.write(
        "rows.csv",
        "id,model,prompt\na,acme/caption,a fox\nb,acme/score,a boat\n",
    );
    let batch = ["batch", "rows.csv", "-o", "out"];
    place.paperboat(batch).at(server.origin()).ends(0).await;
    assert_eq!(place.names("out"), ["a.txt", "b.json"]);
    let text = std::fs::read_to_string(place.path("out/a.txt")).unwrap();
    assert_eq!(text.trim_end(), "The mock was asked: a fox");
}

#[tokio::test]
async fn text_of_a_run_is_recorded_like_a_file() {
    let place = Place::new();
    let server = server().await;
    let ended = chat(&server, &place, json!("a fox"), &["-o", "out", "--json"], 0).await;
    let id = ended.id();
    let json = ended.json();
    assert_eq!(json["saved"], json!([format!("out/{id}.txt")]));
    let list = &place.listed(&[]).await[0];
    assert_eq!(list["outcome"], "succeeded");
    let path = list["files"][0]["path"].as_str().unwrap();
    assert!(path.ends_with(&format!("out/{id}.txt")), "{path}");
    assert_eq!(list["files"][0]["media_type"], "text/plain");
}

#[tokio::test]
async fn an_output_of_no_use_is_shown_and_is_over() {
    let place = Place::new();
    let server = server().await;
    for (output, shown) in [
        (json!([null]), "is empty: [null]"),
        (json!([]), "is empty: []"),
        (
            json!("out-0.png"),
            "names files instead of giving their urls: \"out-0.png\"",
        ),
    ] {
        let ended = chat(&server, &place, output, &["-o", "out"], 1).await;
        ended.says(&[shown]);
        assert!(!ended.stderr.contains("to continue"), "{ended:?}");
        let list = &place.listed(&["--limit", "1"]).await[0];
        assert_eq!(
            (&list["state"], &list["outcome"]),
            (&json!("ended"), &json!("succeeded"))
        );
        assert_eq!(list["error"], Value::Null);
        assert!(list["note"].as_str().unwrap().ends_with(shown), "{list}");
    }
    // A model that is known to return files.
    server.on_end(Ending::Output(json!("a fox")));
    let ended = fox(&place, "run", &[]).at(server.origin()).ends(1).await;
    ended.says(&["holds no files, which its model is known to return: \"a fox\""]);
    let ended = place
        .paperboat(["wait", "--all"])
        .at(server.origin())
        .ends(0)
        .await;
    ended.says(&["no prediction to wait for"]);
}

#[tokio::test]
async fn a_link_is_left_and_takes_no_file_with_it() {
    let place = Place::new();
    let server = server().await;
    let page = format!("{}/none/article", server.files_origin());
    let output = json!({"image": "data:image/png;base64,iVBORw0KGgo=", "source": page});
    let ended = chat(&server, &place, output.clone(), &["-o", "out"], 0).await;
    let id = ended.id();
    ended.says(&[&format!("note: {page} was left as a link")]);
    assert_eq!(
        place.names("out"),
        [format!("{id}.png"), format!("{id}__3.json")]
    );
    let saved = std::fs::read(place.path("out").join(format!("{id}__3.json"))).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&saved).unwrap(), output);
}

/// Python's `json` writes such numbers.
#[tokio::test]
async fn a_value_that_had_to_be_replaced_is_named() {
    let body = r#"{"id": "p1", "status": "succeeded", "output": {"label": "a fox", "score": NaN}}"#;
    let response = ResponseTemplate::new(200).set_body_raw(body, "application/json");
    let server = wiremock::MockServer::start().await;
    let any = Mock::given(|_: &wiremock::Request| true);
    any.respond_with(response).mount(&server).await;
    let note = "the output may not be complete: output: is a number that JSON does not have";
    for args in [
        ["run", "acme/judge", "prompt=a fox"],
        ["batch", "rows.jsonl", "--model=acme/judge"],
    ] {
        let place = Place::new();
        place.write("rows.jsonl", r#"{"id": "fox", "prompt": "a fox"}"#);
        let call = place.paperboat(args.iter().chain(&["-o", "out"]));
        let ended = call.at(&server.uri()).ends(0).await;
        ended.says(&[&format!("note: {note}")]);
        assert_eq!(place.listed(&[]).await[0]["note"], note);
        let saved = std::fs::read(place.path(ended.lines()[0])).unwrap();
        let saved: Value = serde_json::from_slice(&saved).unwrap();
        assert_eq!(saved, json!({"label": "a fox", "score": null}));
    }
}

#[tokio::test]
async fn a_data_uri_is_shown_short_and_printed_whole_as_json() {
    let place = Place::new();
    let server = server().await;
    let uri = format!("data:image/png;base64,{}", "A".repeat(986_668));
    server.on_end(Ending::Output(json!([uri])));
    let id = &created(&place, &server).await;
    place
        .paperboat(["wait", id, "-o", "out"])
        .at(server.origin())
        .ends(0)
        .await;
    let get = place
        .paperboat(["get", id])
        .at(server.origin())
        .ends(0)
        .await;
    assert_eq!(get.stdout, "succeeded\ndata:image/png;base64,… (723 kB)\n");
    let get = place.paperboat(["get", id, "--json"]).at(server.origin());
    assert_eq!(get.ends(0).await.json()["output"], json!([uri]));
    // In messages, too: the reason of a failure may quote the input.
    server.on_end(Ending::failed(format!("cannot read {uri}")));
    let id = &created(&place, &server).await;
    let ended = place
        .paperboat(["wait", id])
        .at(server.origin())
        .ends(3)
        .await;
    ended.says(&["cannot read data:image/png;base64,… (723 kB)"]);
    assert!(ended.stderr.len() < 2000);
}

#[tokio::test]
async fn the_states_are_told_on_stderr() {
    let place = Place::new();
    let server = server().await;
    server.on_run(Script::new([
        Step::Word("rest\u{1b}[2Jing".into()),
        Step::End(Ending::Succeeded),
    ]));
    let id = &created(&place, &server).await;
    let wait = place.paperboat(["wait", id, "-o", "out"]);
    let wait = wait.at(server.origin()).start();
    let run = fox(&place, "run", &["-o", "out"])
        .at(server.origin())
        .start();

    let ended = wait.ends(0).await;
    let expected = [
        "waiting",
        "rest\\u{1b}[2Jing",
        "succeeded",
        "saving",
        "saved",
    ];
    assert_eq!(words(&ended.stderr), expected);
    assert_eq!(ended.lines().len(), 1);

    let ended = run.ends(0).await;
    let expected = [
        "creating",
        "created",
        "starting",
        "succeeded",
        "saving",
        "saved",
    ];
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
    place.paperboat(["--help"]).stdout(closed()).ends(0).await;

    let create = fox(&place, "create", &[]);
    let created = create.at(server.origin()).stdout(closed());
    // What it was to print is not lost with the pipe.
    let id = created.ends(0).await.id().to_owned();

    let wait = place.paperboat(["wait", &id, "-o", "out"]);
    let wait = wait.at(server.origin()).stdout(closed()).stderr(closed());
    wait.ends(0).await;
    assert_eq!(place.names("out").len(), 1);

    let wait = place.paperboat(["wait", &id, "-o", "out", "--json"]);
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
    ended.says(&[
        "the result cannot be written to stdout",
        "because No space left",
    ]);
    let id = ended.id();
    ended.says(&[&format!("paperboat wait {id}")]);

    let wait = place
        .paperboat(["wait", id, "-o", "out"])
        .at(server.origin());
    let ended = wait.stdout(full()).ends(1).await;
    ended.says(&["the result cannot be written to stdout"]);
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
        let call = place.paperboat(args().chain(more.iter().map(OsStr::new)));
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

/// A socket keeps apart what was written apart. Between two writes, another process may write.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_line_is_written_at_once() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;

    let place = Place::new();
    let long = "fox ".repeat(1_000);
    let plan = ["run", "flux-schnell", &long, "--dry-run", "--json"];
    for (args, code) in [(&plan[..], 0), (&["run", "flux-schnell", "promt=x"], 2)] {
        let (socket, end) = UnixDatagram::pair().unwrap();
        let call = place.paperboat(args).at("http://127.0.0.1:9");
        let call = call.stdout(OwnedFd::from(end.try_clone().unwrap()));
        call.stderr(OwnedFd::from(end)).ends(code).await;
        socket.set_nonblocking(true).unwrap();
        let mut written = vec![0; 64 * 1024];
        let mut count = 0;
        while let Ok(size) = socket.recv(&mut written) {
            let text = String::from_utf8_lossy(&written[..size]);
            assert!(text.ends_with('\n'), "{text:?}");
            count += usize::from(size > 0);
        }
        assert!(count > 0);
    }
}
