//! `resolve`: what became of requests whose response was lost, and what that costs: nothing.

use std::time::{Duration, SystemTime};

use cometapi_mock::{AccountEndpoint, Fault, MockServer};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::place::{Call, Ended, Place, TOKEN, requested};
use crate::{SCHNELL, quick};

async fn server() -> MockServer {
    // Its ids are the same each time.
    let server = quick().seed(7).access_token(TOKEN);
    server
        .price(SCHNELL, ("0.003", "0.8"))
        .start()
        .await
        .unwrap()
}

fn resolve<'p>(place: &'p Place, server: &MockServer, more: &[&str]) -> Call<'p> {
    without_token(place, server, more).env("COMETAPI_ACCESS_TOKEN", TOKEN)
}

fn without_token<'p>(place: &'p Place, server: &MockServer, more: &[&str]) -> Call<'p> {
    let args = ["resolve"].iter().chain(more);
    let call = place.paperboat(args).at(server.origin());
    call.env("COMETAPI_ACCOUNT_URL", server.origin())
}

fn run<'p>(place: &'p Place, server: &MockServer, prompt: &str) -> Call<'p> {
    let prompt = format!("prompt={prompt}");
    let args = ["run", SCHNELL, &prompt, "megapixels=0.25"];
    place.paperboat(args).at(server.origin())
}

/// A prediction that nothing happens to.
async fn known(place: &Place, server: &MockServer) {
    let args = ["create", SCHNELL, "prompt=a boat", "megapixels=0.25"];
    place.paperboat(args).at(server.origin()).ends(0).await;
}

/// A request that the service accepted, and whose response was lost.
async fn lost(place: &Place, server: &MockServer, prompt: &str) -> String {
    server.on_create(Fault::Reset.after_accept());
    let ended = run(place, server, prompt).ends(7).await;
    ended.says(&["to find out: paperboat resolve"]);
    server.predictions().pop().unwrap().id
}

/// A request that never arrived, which its sender cannot know.
async fn not_accepted(place: &Place, server: &MockServer, prompt: &str) {
    server.on_create(Fault::Reset);
    run(place, server, prompt).ends(7).await;
}

/// Stdout, which fits a terminal of 80 columns, with every time as `0s`.
#[track_caller]
fn screen(ended: &Ended) -> String {
    for line in ended.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    dated(&ended.stdout)
}

/// `text` with `0s ago` and `0s after` for every time, however long the commands took. The service's
/// times have whole seconds, so that a task may seem older than its request. Columns, whose widths follow
/// from them, are two spaces apart.
fn dated(text: &str) -> String {
    let line = |line: &str| {
        let margin = line.len() - line.trim_start().len();
        let mut words: Vec<_> = line[margin..].split_whitespace().collect();
        let gaps = gaps(&line[margin..]);
        for next in 1..words.len() {
            let number = words[next - 1].strip_suffix('s').unwrap_or_default();
            if number.parse::<u64>().is_err() {
                continue;
            }
            words[next] = match words[next] {
                "before" => "after",
                other if other.starts_with("ago") || other == "after" => other,
                _ => continue,
            };
            words[next - 1] = "0s";
        }
        let words = words
            .iter()
            .zip(gaps)
            .map(|(word, gap)| format!("{word}{gap}"));
        format!("{}{}", &line[..margin], words.collect::<String>())
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// What is after each word: one space or two.
fn gaps(line: &str) -> Vec<&'static str> {
    let gap = |(at, word): (usize, &str)| {
        let after = &line[at + word.len()..];
        match after.len() - after.trim_start().len() {
            0 => "",
            1 => " ",
            _ => "  ",
        }
    };
    let mut from = 0;
    let mut gaps = Vec::new();
    for word in line.split_whitespace() {
        let at = from + line[from..].find(word).unwrap_or(0);
        from = at + word.len();
        gaps.push(gap((at, word)));
    }
    gaps
}

/// The lines of `--json`.
fn json_lines(ended: &Ended) -> Vec<Value> {
    let lines = ended.lines().into_iter();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The number of the only unresolved prediction.
async fn number(place: &Place, server: &MockServer) -> String {
    let ended = without_token(place, server, &["--json"]).ends(2).await;
    let lines = json_lines(&ended);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0]["number"].to_string()
}

async fn states(place: &Place) -> Vec<String> {
    let listed = place.listed(&[]).await.into_iter();
    let word = |it: Value| match &it["state"] {
        state if state == "ended" => it["outcome"].as_str().unwrap().to_owned(),
        state => state.as_str().unwrap().to_owned(),
    };
    listed.map(word).collect()
}

#[tokio::test]
async fn a_prediction_whose_response_was_lost_is_found_and_its_file_is_saved() {
    let place = Place::new();
    let server = server().await;
    lost(&place, &server, "a red fox").await;
    let next = "note: unresolved ones may have been created; to find out: paperboat resolve";
    place.paperboat(["list"]).ends(0).await.says(&[next]);
    let ended = resolve(&place, &server, &["-o", "out"]).ends(0).await;
    let (found, saved) = ended.stdout.trim_end().rsplit_once('\n').unwrap();
    let names = place.names("out");
    assert_eq!(names.len(), 1);
    assert!(
        saved.ends_with(&names[0]) && place.path(saved).is_file(),
        "{saved}"
    );
    assert_snapshot!("resolve_adopted", dated(found));
    ended.says(&["1 prediction: 1 succeeded"]);
    assert_eq!(server.create_requests(), 1);
    assert_eq!(states(&place).await, ["succeeded"]);
    // What it was charged is known, too.
    assert_eq!(place.listed(&[]).await[0]["charge_usd"], "0.0024");
    let again = resolve(&place, &server, &[]).ends(0).await;
    again.says(&["no prediction is unresolved"]);
    assert_eq!(again.stdout, "");
}

#[tokio::test]
async fn where_nothing_is_unresolved_nothing_is_asked() {
    let place = Place::new();
    let server = server().await;
    known(&place, &server).await;
    let ended = without_token(&place, &server, &[]).ends(0).await;
    ended.says(&["no prediction is unresolved"]);
    assert_eq!(server.requests().len(), 1);
}

/// The charges of single predictions are read even where nothing is unresolved.
#[tokio::test]
async fn what_single_predictions_cost_is_recorded() {
    let place = Place::new();
    let server = server().await;
    run(&place, &server, "a red fox").ends(0).await;
    assert_eq!(place.listed(&[]).await[0]["charge_usd"], Value::Null);
    let ended = resolve(&place, &server, &[]).ends(0).await;
    ended.says(&["no prediction is unresolved"]);
    assert_eq!(place.listed(&[]).await[0]["charge_usd"], "0.0024");
}

/// It is no reason to decide without the account.
#[tokio::test]
async fn an_account_that_fails_is_asked_again_later() {
    let place = Place::new();
    let server = server().await;
    lost(&place, &server, "a red fox").await;
    server.on_account(AccountEndpoint::Tasks, Fault::BadGatewayPage);
    let ended = resolve(&place, &server, &[]).ends(1).await;
    ended.says(&["nothing was recorded; to try again: paperboat resolve"]);
    assert!(!ended.stderr.contains("--force"), "{}", ended.stderr);
    resolve(&place, &server, &["-o", "out"]).ends(0).await;
}

/// Trying again does not help where the list has another form, so that a person has to decide.
#[tokio::test]
async fn a_list_of_tasks_that_cannot_be_read_leaves_the_way_by_hand() {
    let place = Place::new();
    let server = server().await;
    lost(&place, &server, "a red fox").await;
    for tasks in [json!({"success": true, "data": 7}), json!("<html>")] {
        server.on_account(AccountEndpoint::Tasks, Fault::json(200, &tasks));
        let ended = resolve(&place, &server, &[]).ends(1).await;
        ended.says(&[
            "paperboat resolve --force --adopt N=ID",
            "paperboat resolve --force --not-created N",
        ]);
        assert!(!ended.stderr.contains("try again"), "{}", ended.stderr);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn one_whose_process_was_killed_in_flight_is_found() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::Hang.after_accept());
    let running = run(&place, &server, "a red fox").start();
    requested(&server, 1).await;
    running.kill().await;
    let ended = resolve(&place, &server, &["--json", "-o", "out"])
        .ends(0)
        .await;
    let lines = json_lines(&ended);
    let id = &server.predictions()[0].id;
    assert_eq!(lines[0]["finding"], "adopted");
    assert_eq!(lines[0]["candidates"][0]["id"], **id);
    assert_eq!(lines[0]["candidates"][0]["input"], "same");
    assert_eq!(lines[0]["input"]["prompt"], "a red fox");
    assert_eq!(
        (&lines[1]["id"], &lines[1]["outcome"]),
        (&json!(id), &json!("succeeded"))
    );
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn one_that_was_not_accepted_is_offered_as_absent_and_confirmed_by_a_person() {
    let place = Place::new();
    let server = server().await;
    known(&place, &server).await;
    not_accepted(&place, &server, "a red fox").await;
    known(&place, &server).await;
    let ended = resolve(&place, &server, &[]).ends(7).await;
    assert_snapshot!("resolve_absent", screen(&ended));
    ended.says(&["1 prediction is still unresolved"]);
    let json = resolve(&place, &server, &["--json"]).ends(7).await;
    let json = json_lines(&json);
    assert_eq!(json[0]["finding"], "absent");
    let made = server.predictions();
    assert_eq!(json[0]["between"], json!([made[0].id, made[1].id]));
    let number = json[0]["number"].to_string();
    let ended = resolve(&place, &server, &["--not-created", &number])
        .ends(0)
        .await;
    assert_snapshot!("resolve_not_created", screen(&ended));
    assert_eq!(
        states(&place).await,
        ["running", "never_reached", "running"]
    );
    assert_eq!(server.create_requests(), 3);
}

#[tokio::test]
async fn absence_proves_nothing_without_predictions_before_and_after() {
    let place = Place::new();
    let server = server().await;
    not_accepted(&place, &server, "a red fox").await;
    known(&place, &server).await;
    let ended = resolve(&place, &server, &[]).ends(7).await;
    assert_snapshot!("resolve_unproven", screen(&ended));
    let number = number(&place, &server).await;
    let refused = resolve(&place, &server, &["--not-created", &number]);
    refused.ends(2).await.says(&[
        "is not recorded as not created: no task is it, but that proves nothing yet",
        "to record it anyway: --force",
    ]);
    let forced = resolve(&place, &server, &["--force", "--not-created", &number]);
    forced.ends(0).await;
}

#[tokio::test]
async fn two_that_fit_are_shown_side_by_side_and_a_person_chooses() {
    let place = Place::new();
    let server = server().await;
    let first = lost(&place, &server, "a red fox").await;
    let second = lost(&place, &server, "a red fox").await;
    let ended = resolve(&place, &server, &[]).ends(7).await;
    assert_snapshot!("resolve_candidates", screen(&ended));
    ended.says(&["2 predictions are still unresolved"]);
    let json = json_lines(&resolve(&place, &server, &["--json"]).ends(7).await);
    let numbers: Vec<_> = json.iter().map(|it| it["number"].to_string()).collect();
    let adopt = |number: &str, id: &str| format!("{number}={id}");

    let wrong = resolve(&place, &server, &["--adopt", &adopt(&numbers[0], "other")]);
    let said = "the account's tasks do not show that";
    wrong.ends(2).await.says(&[said, "--force"]);
    let absent = resolve(&place, &server, &["--not-created", &numbers[0]]);
    absent.ends(2).await.says(&["a task may be it"]);
    assert_eq!(states(&place).await, ["unresolved", "unresolved"]);

    // Once one is settled, the other follows.
    let one = adopt(&numbers[0], &first);
    let ended = resolve(&place, &server, &["--adopt", &one, "-o", "out"]);
    let ended = ended.ends(7).await;
    let recorded = format!("recorded: it is {first}");
    assert!(ended.stdout.contains(&recorded), "{}", ended.stdout);
    ended.says(&["1 prediction is still unresolved"]);
    let ended = resolve(&place, &server, &["-o", "out"]).ends(0).await;
    assert!(
        ended.stdout.contains(&format!("is {second}:")),
        "{}",
        ended.stdout
    );
    assert_eq!(place.names("out").len(), 2);
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn an_id_that_another_prediction_has_is_not_given_twice() {
    let place = Place::new();
    let server = server().await;
    known(&place, &server).await;
    let taken = server.predictions()[0].id.clone();
    not_accepted(&place, &server, "a red fox").await;
    let number = number(&place, &server).await;
    let adopt = format!("{number}={taken}");
    let ended = resolve(&place, &server, &["--force", "--adopt", &adopt]);
    ended.ends(2).await.says(&[&taken]);
    assert_eq!(states(&place).await, ["unresolved", "running"]);
}

#[tokio::test]
async fn an_input_that_is_no_longer_shown_is_left_to_a_person() {
    let place = Place::new();
    let server = server().await;
    let id = lost(&place, &server, "a red fox").await;
    assert!(server.remove_data(&id));
    let ended = resolve(&place, &server, &[]).ends(7).await;
    assert_snapshot!("resolve_removed", screen(&ended));
    let (_, command) = ended.stdout.split_once("paperboat resolve ").unwrap();
    let command = command.lines().next().unwrap();
    // As it stands, the command settles it; its files are gone with its input.
    let args: Vec<_> = command.split(' ').collect();
    let ended = resolve(&place, &server, &args).ends(8).await;
    ended.says(&["1 prediction: 0 succeeded, 1 failed"]);
}

#[tokio::test]
async fn without_an_access_token_the_person_learns_how_to_get_one_and_can_do_without() {
    let place = Place::new();
    let server = server().await;
    let id = lost(&place, &server, "a red fox").await;
    let ended = without_token(&place, &server, &[]).ends(2).await;
    assert_snapshot!("resolve_without_token", screen(&ended) + &ended.stderr);
    let number = number(&place, &server).await;
    let adopt = format!("{number}={id}");
    without_token(&place, &server, &["--adopt", &adopt])
        .ends(2)
        .await;
    // A service of another kind lists no tasks, and may have the prediction.
    let args = ["resolve", "--force", "--adopt", &adopt, "-o", "out"];
    let elsewhere = place.paperboat(args).at(server.origin());
    elsewhere.ends(0).await;
    assert_eq!(place.names("out").len(), 1);
    assert_eq!(server.account_requests(AccountEndpoint::Tasks), 0);
}

#[tokio::test]
async fn a_refused_token_is_a_refused_key() {
    let place = Place::new();
    let server = server().await;
    lost(&place, &server, "a red fox").await;
    let call = without_token(&place, &server, &[]).env("COMETAPI_ACCESS_TOKEN", "another");
    call.ends(5)
        .await
        .says(&["paperboat resolve --force --adopt N=ID"]);
}

#[tokio::test]
async fn numbers_are_checked_before_anything_is_asked() {
    let place = Place::new();
    let server = server().await;
    lost(&place, &server, "a red fox").await;
    let number = number(&place, &server).await;
    let requests = server.requests().len();
    let adopt = format!("{number}=x");
    for (args, said) in [
        (
            &["--not-created", "99"][..],
            "no unresolved prediction has the number 99",
        ),
        (
            &["--adopt", &adopt, "--not-created", &number],
            "is given twice",
        ),
        (&["--adopt", "x=y"], "expected a number before ="),
        (&["--adopt", "7"], "expected N=ID"),
    ] {
        resolve(&place, &server, args).ends(2).await.says(&[said]);
    }
    assert_eq!(server.requests().len(), requests);
    assert_eq!(server.account_requests(AccountEndpoint::Tasks), 0);
}

#[tokio::test]
async fn rows_of_a_batch_go_to_its_folder_and_one_that_was_not_created_is_created() {
    let place = Place::new();
    let server = server().await;
    let row = |id| json!({"id": id, "prompt": format!("{id} foxes")}).to_string();
    let rows = ["one", "two", "three", "four"].map(row).join("\n");
    place.write("rows.jsonl", rows);
    let args = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "out"];
    let batch = || {
        let args = args.iter().chain(&["--jobs", "1"]);
        place.paperboat(args).at(server.origin())
    };
    server.on_create(Fault::Reset.after_accept().skip(1));
    server.on_create(cometapi_mock::Plan::of(Fault::Reset).skip(1));
    batch().ends(7).await.says(&["2 unresolved"]);
    assert_eq!(place.names("out").len(), 2);

    let ended = resolve(&place, &server, &[]).ends(7).await;
    assert_eq!(place.names("out").len(), 3, "{}", ended.stdout);
    assert_eq!(
        place
            .names("")
            .iter()
            .filter(|it| it.contains(".webp"))
            .count(),
        0
    );
    let json = json_lines(&resolve(&place, &server, &["--json"]).ends(7).await);
    assert_eq!(json[0]["finding"], "absent");
    assert_eq!(json[0]["row"], "three");
    let number = json[0]["number"].to_string();
    let ended = resolve(&place, &server, &["--not-created", &number]);
    let ended = ended.ends(0).await;
    let next = "recorded: it was not created; the same batch command creates it";
    assert!(ended.stdout.contains(next), "{}", ended.stdout);
    batch()
        .ends(0)
        .await
        .says(&["4 rows: 4 succeeded; 1 created"]);
    assert_eq!(place.names("out").len(), 4);
    assert_eq!(server.create_requests(), 5);
}

/// They are called what `batch` and `list` call them.
#[tokio::test]
async fn rows_without_an_id_are_told_apart_by_their_hashes() {
    let place = Place::new();
    let server = server().await;
    let row = |prompt| json!({"prompt": prompt}).to_string();
    place.write("rows.jsonl", ["one", "two"].map(row).join("\n"));
    let args = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "out"];
    server.on_create(cometapi_mock::Plan::of(Fault::Reset).times(2));
    place.paperboat(args).at(server.origin()).ends(7).await;
    let ended = resolve(&place, &server, &[]).ends(7).await;
    let listed = place.listed(&[]).await;
    assert_eq!(listed.len(), 2);
    for entry in listed {
        let name = format!(
            "row {} of the batch in ",
            &entry["hash"].as_str().unwrap()[..12]
        );
        assert!(ended.stdout.contains(&name), "{name}: {}", ended.stdout);
    }
}

/// Prompts, ids and statuses are other people's.
#[tokio::test]
async fn a_terminal_finds_nothing_to_obey() {
    let place = Place::new();
    let server = server().await;
    lost(&place, &server, "a\u{1b}[2J\u{202e} fox").await;
    let now = SystemTime::now() + Duration::from_secs(1);
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let task = json!({
        "task_id": "x; \u{1b}]0;y\u{7}\n$(id)",
        "platform": "replicate",
        "model_name": SCHNELL,
        "status": "\u{9b}2JSUCCESS\r\n",
        "submit_time": now,
    });
    let tasks = json!({"success": true, "data": [task]});
    for args in [&[][..], &["--json"]] {
        server.on_account(AccountEndpoint::Tasks, Fault::json(200, &tasks));
        let ended = resolve(&place, &server, args).ends(7).await;
        // No hidden character is in its output: that is checked of every run.
        if args.is_empty() {
            assert_snapshot!("resolve_escaped", dated(&ended.stdout));
        } else {
            let line = &json_lines(&ended)[0];
            assert_eq!(line["candidates"][0]["id"], task["task_id"]);
        }
    }
}
