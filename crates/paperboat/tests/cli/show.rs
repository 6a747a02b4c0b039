//! `paperboat show`, the table of `list` on a terminal, and ids that are completed: what people see of
//! recorded predictions.

use cometapi_mock::{Ending, Fault, MockServer};
use insta::assert_snapshot;
use serde_json::Value;

use crate::place::Place;
use crate::pseudo_terminal::PseudoTerminal;
use crate::{SCHNELL, server};

/// Two that succeeded, one that failed, one that runs, one in doubt. Their ids, oldest first.
async fn recorded(place: &Place, server: &MockServer) -> Vec<String> {
    let run = |prompt: &str, more: &[&str], code| {
        let prompt = format!("prompt={prompt}");
        let args = ["run", SCHNELL, &prompt, "megapixels=0.25", "-o"];
        place
            .paperboat(args.iter().chain(more))
            .at(server.origin())
            .ends(code)
    };
    run("a red fox\nin the snow", &["out/fox.webp", "seed=7"], 0).await;
    let long = "夕暮れの狐、雪の中で眠っている、とても長い説明の文章、まだ続く、さらに続く";
    run(long, &["out/{prompt:3}.{ext}", "--num-outputs", "2"], 0).await;
    server.on_end(Ending::nsfw());
    run("not allowed", &["out"], 3).await;
    let create = ["create", SCHNELL, "prompt=\u{202e}later"];
    place.paperboat(create).at(server.origin()).ends(0).await;
    server.on_create(Fault::Reset);
    run("lost", &["out"], 7).await;
    let mut listed = place.listed(&[]).await;
    listed.reverse();
    let id = |entry: &Value| entry["id"].as_str().unwrap_or_default().to_owned();
    listed.iter().map(id).collect()
}

/// Ids, times and paths differ from run to run.
fn steady(text: &str, place: &Place, ids: &[String], server: &MockServer) -> String {
    let root = place.path("").canonicalize().unwrap();
    let mut text = text
        .replace(&format!("{}/", root.display()), "/home/fox/")
        .replace(server.origin(), "http://127.0.0.1:1");
    for (at, id) in ids.iter().enumerate().filter(|(_, id)| !id.is_empty()) {
        let same = format!("id{at}{}", "x".repeat(id.len().saturating_sub(3)));
        text = text.replace(id.as_str(), &same);
    }
    let time = |word: &str| word.len() == 24 && word.ends_with('Z') && word.contains('T');
    let lines = text.lines().map(|line| match line.split_once("  ") {
        Some((name, _)) if line.split(' ').any(time) => format!("{name}  TIME"),
        Some(("request" | "took", _)) => "VARIES".to_owned(),
        // What the mock draws differs, too.
        Some(("file", _)) => match line.rsplit_once(" (") {
            Some((file, _)) => format!("{file} (SIZE, TYPE)"),
            None => line.to_owned(),
        },
        _ => without_age(line.trim_end()),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line without how long ago it was: the column is three wide.
fn without_age(line: &str) -> String {
    let is_age = |word: &&str| {
        let count = word.strip_suffix(['s', 'm']).unwrap_or_default();
        !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit())
    };
    match line.split(' ').find(is_age) {
        Some(age) => line.replacen(&format!("{age:>3} "), "AGE ", 1),
        None => line.to_owned(),
    }
}

#[tokio::test]
async fn everything_that_is_known_of_a_prediction_is_shown() {
    let (place, server) = (Place::new(), server().await);
    let ids = recorded(&place, &server).await;
    let mut shown = String::new();
    for of in ["out/fox.webp", &ids[1], &ids[2], &ids[3]] {
        let ended = place.paperboat(["show", of]).ends(0).await;
        let text = steady(&ended.stdout, &place, &ids, &server);
        let next = steady(&ended.stderr, &place, &ids, &server);
        shown.extend([&*text, "\n", &*next, "\n\n"]);
    }
    assert_snapshot!("show", shown);
    let json = place
        .paperboat(["show", "out/fox.webp", "--json"])
        .ends(0)
        .await
        .json();
    assert_eq!(json, place.listed(&[]).await[4]);
    for (args, said) in [
        (
            &["none"][..],
            "none is neither the id nor a saved file of a recorded prediction",
        ),
        (
            &["out/fox.webp", "--ledger", "none"],
            "out/fox.webp is neither",
        ),
    ] {
        let ended = place.paperboat(["show"].iter().chain(args)).ends(2).await;
        ended.says(&[said, "to see recorded predictions: paperboat list"]);
        assert_eq!(ended.stdout, "");
    }
}

/// A shell gives curl what the request needs, whatever is in the prompt, and however long it is.
#[tokio::test]
async fn a_curl_command_creates_it_once_more() {
    let (place, server) = (Place::new(), server().await);
    for prompt in ["it's a \"$HOME\" fox\u{1b}", &"fox\nEOF\n".repeat(20_000)] {
        place.write("prompt.txt", prompt);
        let args = ["create", SCHNELL, "prompt=@prompt.txt"];
        let created = place.paperboat(args).at(server.origin()).ends(0).await;
        let show = ["show", created.id(), "--curl"];
        let curl = place.paperboat(show).ends(0).await;
        // Not every machine has curl, and an argument of a program has a limit.
        let line = format!(
            "curl() {{ env printf '%s\\n' \"$@\"; cat; }}; {}",
            curl.stdout
        );
        place.write("curl.sh", &line);
        let given = place.shell(". ./curl.sh").env("COMETAPI_KEY", "k");
        let given = given.env("PATH", "/usr/bin:/bin").ends(0).await;
        let [_, url, _, key, _, kind, _, from, body] = given.lines()[..] else {
            panic!("{}", given.stdout);
        };
        let expected = format!("{}/models/{SCHNELL}/predictions", server.base_url());
        assert_eq!(url, expected);
        assert_eq!(key, "Authorization: Bearer k");
        assert_eq!(kind, "Content-Type: application/json");
        assert_eq!(from, "@-");
        let body: Value = serde_json::from_str(body).unwrap();
        let made = server.predictions();
        assert_eq!(body["input"], made.last().unwrap().input.clone());
    }
}

/// The newest last, within 80 columns, and nothing that the terminal would act on.
#[tokio::test]
async fn on_a_terminal_the_list_is_a_table() {
    let (place, server) = (Place::new(), server().await);
    let ids = recorded(&place, &server).await;
    for (no_color, name) in [("", "list_on_a_terminal"), ("1", "list_without_colours")] {
        let mut terminal = PseudoTerminal::open();
        let call = place
            .paperboat(["list"])
            .stdout(terminal.command.try_clone().unwrap());
        call.env("NO_COLOR", no_color)
            .env("TERM", "xterm")
            .ends(0)
            .await;
        let shown = terminal.shown().replace("\r\n", "\n");
        let shown = steady(&shown, &place, &ids, &server).replace('\u{1b}', "␛");
        assert_snapshot!(name, shown);
    }
}

#[tokio::test]
async fn ids_are_completed_from_the_ledger() {
    let (place, server) = (Place::new(), server().await);
    let ids = recorded(&place, &server).await;
    let complete = async |before: &[&str]| {
        let words = ["complete", "--word", "", "--", "paperboat"];
        let ended = place.paperboat(words.iter().chain(before)).ends(0).await;
        let first = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
        ended.stdout.lines().map(first).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["wait"]).await, [ids[3].as_str()]);
    assert_eq!(
        complete(&["get"]).await,
        [&*ids[3], &ids[2], &ids[1], &ids[0]]
    );
    let shown = complete(&["show"]).await;
    assert!(
        shown.contains(&ids[0]) && shown.contains(&"out/".to_owned()),
        "{shown:?}"
    );
    assert!(complete(&["get", "--ledger", "none"]).await.is_empty());
}

#[tokio::test]
async fn a_batch_is_listed_by_its_folder() {
    let (place, server) = (Place::new(), server().await);
    recorded(&place, &server).await;
    place.write("rows.txt", "a fox\n");
    let args = ["batch", "rows.txt", "--model", SCHNELL, "-o", "many"];
    place.paperboat(args).at(server.origin()).ends(0).await;
    assert_eq!(place.listed(&["--batch", "many"]).await.len(), 1);
    assert!(place.listed(&["--batch", "out"]).await.is_empty());
}
