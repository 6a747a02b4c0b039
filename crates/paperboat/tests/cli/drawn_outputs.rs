//! Outputs with the shapes of published predictions: nothing of them is dropped silently, neither
//! by the library nor by `run` nor by `batch`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cometapi::{Client, ErrorKind, OutputFile, PollPace, WaitPolicy};
use cometapi_mock::{Ending, MockServer, Plan};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer as FileHost, Request, ResponseTemplate};

use crate::place::{KEY, Place};
use crate::server;

/// Written by `cargo xtask draw-outputs`; its first line says from what.
const DRAWN: &str = include_str!("drawn_outputs.jsonl");

/// The host of the addresses in it.
const HOST: &str = "https://files.example.com";

/// An output that was drawn, its addresses on a host that has the files.
struct Drawn {
    row: String,
    /// Whether the model's schema says that it grows item by item, so that strings are joined.
    is_iterator: bool,
    output: Value,
    /// Where the files are.
    origin: String,
}

/// The drawn outputs, a host that has their files, and a mock that returns them.
async fn drawn() -> (Vec<Drawn>, FileHost, MockServer) {
    let host = FileHost::start().await;
    let file = |request: &Request| {
        let path = request.url.path();
        let media_type = if is_page(path) {
            "text/html"
        } else {
            "application/octet-stream"
        };
        ResponseTemplate::new(200).set_body_raw(content(path), media_type)
    };
    Mock::given(method("GET"))
        .respond_with(file)
        .mount(&host)
        .await;

    let mut lines = DRAWN.lines();
    let head: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    let outputs = lines.map(|line| {
        let line: Value = serde_json::from_str(&line.replace(HOST, &host.uri())).unwrap();
        Drawn {
            row: format!("r{}", line["position"]),
            is_iterator: line["iterator"] == json!(true),
            output: line["output"].clone(),
            origin: host.uri(),
        }
    });
    let outputs: Vec<_> = outputs.collect();
    assert_eq!(json!(outputs.len()), head["drawn"]);

    let server = server().await;
    for drawn in &outputs {
        let ending = Plan::of(Ending::Output(drawn.output.clone()));
        server.on_end(ending.always().model(drawn.model()));
    }
    (outputs, host, server)
}

/// The file at `path` of the host, unlike any other.
fn content(path: &str) -> Vec<u8> {
    let kind = if is_page(path) {
        "<!DOCTYPE html><title>a page</title>"
    } else {
        "a file"
    };
    format!("{kind} {path}\n").into_bytes()
}

fn is_page(path: &str) -> bool {
    path.rsplit('.').next() == Some("html")
}

impl Drawn {
    fn model(&self) -> String {
        format!("acme/{}", self.row)
    }

    /// What of the output was neither saved nor shown nor named.
    fn missing(&self, kept: &Kept) -> Vec<String> {
        let is_whole =
            |text: &String| serde_json::from_str(text).is_ok_and(|json: Value| json == self.output);
        let joined = self.joined();
        let is_joined = |text: &String| joined.as_deref().map(line) == Some(line(text));
        let has_text = kept
            .texts
            .iter()
            .any(|text| is_whole(text) || is_joined(text));
        // An output of no use is shown in the reason.
        let is_named = kept.note.contains(&self.output.to_string());
        let mut missing = Vec::new();
        self.leaves(&self.output, String::new(), &mut |path, leaf| {
            let is_kept = match leaf {
                Leaf::File(bytes) => kept.files.contains(&bytes),
                Leaf::Value => has_text,
            };
            if !is_kept && !is_named {
                missing.push(path);
            }
        });
        missing
    }

    /// The text of an output that is nothing else.
    fn joined(&self) -> Option<String> {
        let only_text = |item: &Value| match item {
            Value::Null => Some(String::new()),
            Value::String(text) => Some(text.clone()),
            Value::Object(members) if members.len() == 1 => {
                Some(members.get("text")?.as_str()?.to_owned())
            }
            _ => None,
        };
        match &self.output {
            Value::String(text) => Some(text.clone()),
            Value::Array(items) if items.len() == 1 || self.is_iterator => {
                items.iter().map(only_text).collect()
            }
            _ => None,
        }
    }

    /// Calls `see` with each value that has to be kept.
    fn leaves(&self, value: &Value, path: String, see: &mut dyn FnMut(String, Leaf)) {
        match value {
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => {
                let leaf = self.file(text).map_or(Leaf::Value, Leaf::File);
                see(format!("{path} = {text:?}"), leaf);
            }
            Value::Array(items) if is_text(items, |text| self.file(text).is_some()) => {
                see(format!("{path} = {value}"), Leaf::Value);
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.leaves(item, format!("{path}[{at}]"), see);
                }
            }
            Value::Object(members) => {
                // Which file is which is known by the names alone.
                let files = members.values().filter(|value| self.holds_file(value));
                if files.count() > 1 {
                    see(format!("{path} names files"), Leaf::Value);
                }
                for (name, value) in members {
                    self.leaves(value, format!("{path}.{name}"), see);
                }
            }
            Value::Bool(_) | Value::Number(_) => see(format!("{path} = {value}"), Leaf::Value),
        }
    }

    fn holds_file(&self, value: &Value) -> bool {
        let mut holds_file = false;
        self.leaves(value, String::new(), &mut |_, leaf| {
            holds_file |= matches!(leaf, Leaf::File(_));
        });
        holds_file
    }

    /// The bytes of the file that `text` is the address of.
    fn file(&self, text: &str) -> Option<Vec<u8>> {
        let address = text.trim();
        if address.contains(char::is_whitespace) {
            return None;
        }
        if address.starts_with("data:") {
            // The only content that the fixtures have in them.
            return address
                .ends_with(";base64,aGVsbG8=")
                .then(|| b"hello".to_vec());
        }
        let path = address.strip_prefix(&self.origin)?;
        Some(content(path.split('?').next()?))
    }

    /// Its structure, without what is deep inside.
    fn form(&self) -> String {
        form(&self.output, 3)
    }
}

enum Leaf {
    File(Vec<u8>),
    Value,
}

/// Whether a list holds strings, and not only addresses.
fn is_text(items: &[Value], is_file: impl Fn(&str) -> bool) -> bool {
    let texts = items
        .iter()
        .filter(|item| !item.is_null() && **item != json!(""));
    let texts: Option<Vec<&str>> = texts.map(Value::as_str).collect();
    texts.is_some_and(|texts| texts.iter().any(|text| !is_file(text)))
}

fn form(value: &Value, depth: u32) -> String {
    match value {
        _ if depth == 0 => "…".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(text) if text.starts_with("http") => "address".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(items) => {
            let forms: BTreeSet<_> = items.iter().map(|item| form(item, depth - 1)).collect();
            format!("list of {forms:?}")
        }
        Value::Object(members) => {
            let forms: BTreeSet<_> = members
                .values()
                .map(|value| form(value, depth - 1))
                .collect();
            format!("object of {forms:?}")
        }
    }
}

/// Text as it is on stdout, where its last line break does not show.
fn line(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

/// What was left of an output.
#[derive(Debug, Default)]
struct Kept {
    files: Vec<Vec<u8>>,
    texts: Vec<String>,
    note: String,
}

impl Kept {
    fn read(&mut self, path: &Path) {
        let bytes = std::fs::read(path).unwrap();
        let is_text = path
            .extension()
            .is_some_and(|kind| kind == "txt" || kind == "json");
        if is_text && let Ok(text) = String::from_utf8(bytes.clone()) {
            self.texts.push(text);
        }
        self.files.push(bytes);
    }
}

/// Fails with everything that is missing.
fn assert_complete(missing: &BTreeMap<String, Vec<String>>) {
    let mut report = String::new();
    for (row, values) in missing.iter().filter(|(_, values)| !values.is_empty()) {
        writeln!(report, "{row}: {}", values.join("\n  ")).unwrap();
    }
    assert!(report.is_empty(), "dropped:\n{report}");
}

#[tokio::test]
async fn a_client_returns_everything() {
    let (outputs, _host, server) = drawn().await;
    let mut wait = WaitPolicy::default();
    wait.pace = PollPace::every(std::time::Duration::from_millis(1));
    let client = Client::builder()
        .key(KEY)
        .base_url(server.origin())
        .wait_policy(wait);
    let client = client.build().unwrap();
    let missing = stream::iter(&outputs).map(|drawn| {
        let client = client.clone();
        async move {
            let run = client.run_model(drawn.model(), json!({"prompt": "a fox"}));
            let done = run.await.unwrap();
            let prediction = done.prediction();
            assert_eq!(prediction.output().json(), Some(&drawn.output));
            assert_eq!(prediction.output().urls().len(), done.files().len());
            let mut kept = Kept::default();
            match client.contents(prediction, Some(&drawn.model())) {
                Ok(contents) => {
                    let (files, text) = contents.into_parts();
                    let urls: Vec<_> = done.files().iter().map(OutputFile::url).collect();
                    assert_eq!(files.iter().map(OutputFile::url).collect::<Vec<_>>(), urls);
                    for file in files {
                        kept.files.push(file.bytes().await.unwrap().to_vec());
                    }
                    kept.texts.extend(text.map(|text| text.as_str().to_owned()));
                }
                Err(error) => kept.note = error.to_string(),
            }
            (drawn.row.clone(), drawn.missing(&kept))
        }
    });
    let missing = missing.buffer_unordered(16).collect::<Vec<_>>().await;
    assert_complete(&missing.into_iter().collect());
}

/// What is left as a link is not fetched again, so a file never is.
#[tokio::test]
async fn a_file_that_is_gone_is_not_taken_for_a_link() {
    let (outputs, host, server) = drawn().await;
    host.reset().await;
    let client = Client::builder().key(KEY).base_url(server.origin());
    let client = client.build().unwrap();
    let mut links = Vec::new();
    for drawn in &outputs {
        let prediction = json!({"id": "p", "status": "succeeded", "output": drawn.output});
        let prediction = serde_json::from_value(prediction).unwrap();
        for file in client.files(&prediction) {
            let Err(error) = file.bytes().await else {
                // It is in the output itself.
                continue;
            };
            assert_eq!(error.kind(), ErrorKind::Expired);
            if file.is_link(&error) {
                links.push((&drawn.row, file.url().to_owned()));
            }
        }
    }
    assert_eq!(links, []);
}

#[tokio::test]
async fn a_batch_saves_everything_or_names_it() {
    let (outputs, _host, server) = drawn().await;
    let place = Place::new();
    let rows = outputs.iter().fold(String::new(), |mut rows, drawn| {
        let row = json!({"id": drawn.row, "model": drawn.model(), "prompt": "a fox"});
        writeln!(rows, "{row}").unwrap();
        rows
    });
    place.write("rows.jsonl", rows);
    let args = ["batch", "rows.jsonl", "-o", "out", "--jobs", "50"];
    let batch = place.paperboat(args).at(server.origin());
    let ended = batch.start().ends_somehow().await;

    let entries = place.listed(&["--limit", "0"]).await;
    assert_eq!(entries.len(), outputs.len());
    let entries: BTreeMap<_, _> = entries
        .iter()
        .map(|entry| (entry["row"].as_str().unwrap(), entry))
        .collect();
    let (mut missing, mut paths) = (BTreeMap::new(), BTreeSet::new());
    for drawn in &outputs {
        let entry = entries[&*drawn.row];
        assert_eq!(entry["outcome"], "succeeded", "{entry}");
        let mut kept = Kept::default();
        if let Some(note) = entry["note"].as_str() {
            ended.says(&[note]);
            note.clone_into(&mut kept.note);
        }
        for file in entry["files"].as_array().unwrap() {
            let path = PathBuf::from(file["path"].as_str().unwrap());
            kept.read(&path);
            assert!(paths.insert(path), "{entry}");
        }
        missing.insert(drawn.row.clone(), drawn.missing(&kept));
    }
    assert_complete(&missing);
    // Each file is one row's, and is printed.
    assert_eq!(
        paths.len(),
        place
            .names("out")
            .iter()
            .filter(|name| !name.starts_with('.'))
            .count()
    );
    assert_eq!(paths.len(), ended.lines().len());
    server.assert_no_violations();
}

/// One output of each form, in a process of its own.
#[tokio::test]
async fn a_run_shows_or_saves_everything() {
    const MOST: usize = 24;
    let (outputs, _host, server) = drawn().await;
    // A pipe gets the text as it is, and these tests check that nothing hidden is printed.
    let is_plain = |drawn: &&Drawn| {
        !drawn.output.to_string().contains("\\r") && !drawn.output.to_string().contains("\\u")
    };
    let mut forms = BTreeSet::new();
    let chosen: Vec<_> = outputs
        .iter()
        .filter(is_plain)
        .filter(|drawn| forms.insert(drawn.form()))
        .take(MOST)
        .collect();
    assert!(chosen.len() >= 12, "{forms:?}");

    let mut missing = BTreeMap::new();
    for several in chosen.chunks(8) {
        let places: Vec<_> = several.iter().map(|_| Place::new()).collect();
        let runs = several.iter().zip(&places).map(|(drawn, place)| {
            let args = ["run", &drawn.model(), "prompt=a fox"];
            place.paperboat(args).at(server.origin()).start()
        });
        let runs: Vec<_> = runs.collect();
        for ((run, drawn), place) in runs.into_iter().zip(several).zip(&places) {
            let ended = run.ends_somehow().await;
            let mut kept = Kept::default();
            match ended.code {
                Some(0) => {}
                Some(1) => ended.stderr.clone_into(&mut kept.note),
                _ => panic!("{ended:?}"),
            }
            let names = place.names(".");
            names
                .iter()
                .filter(|name| !name.starts_with('.'))
                .for_each(|name| kept.read(&place.path(name)));
            if kept.files.is_empty() {
                kept.texts.push(ended.stdout.clone());
            } else {
                assert_eq!(ended.lines().len(), kept.files.len(), "{ended:?}");
            }
            missing.insert(drawn.row.clone(), drawn.missing(&kept));
        }
    }
    assert_complete(&missing);
}
