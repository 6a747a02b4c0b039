//! What a batch comes to: its exit code, what it says, what it leaves for the next time.

use cometapi_mock::{Ending, Fault, Plan};
use serde_json::{Value, json};

use super::{batch, batch_of, files, foxes};
use crate::place::{Ended, Place, requested};
use crate::{created, quick, server};

/// One row after another, so that a plan meets the row that it is for.
const IN_TURN: &[&str] = &["--jobs", "1"];

#[tokio::test]
async fn the_limit_leaves_rows_for_later() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a", "b", "c"]));
    let ended = batch(&place, &server, &["--limit", "2"]).ends(0).await;
    let reached = "reached the limit of new predictions";
    let again = "to continue, run the same command again";
    ended.says(&[
        "3 rows: 2 succeeded, 1 not created; 2 created in ",
        &format!("note: {reached}; {again}"),
    ]);
    assert_eq!(server.create_requests(), 2);
    let ended = batch(&place, &server, &["--limit", "0", "--strict"]);
    ended
        .ends(4)
        .await
        .says(&[&format!("error: {reached}"), again]);
    assert_eq!(server.create_requests(), 2);
    batch(&place, &server, &["--limit", "1"]).ends(0).await;
    assert_eq!(place.names("out"), files(&["a", "b", "c"]));
    assert_eq!(server.create_requests(), 3);
}

#[tokio::test]
async fn a_row_that_fails_stops_no_other_and_is_made_again_only_when_asked_to() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::nsfw());
    place.write("rows.jsonl", foxes(&["a", "b", "c"]));
    let ended = batch(&place, &server, IN_TURN).ends(3).await;
    ended.says(&[
        "line 1 (a): failed: ",
        "NSFW content detected",
        "3 rows: 2 succeeded, 1 failed; 3 created in ",
        "1 failed",
        "--retry-failed",
    ]);
    assert_eq!(place.names("out"), files(&["b", "c"]));

    let again = batch(&place, &server, &[]).ends(3).await;
    again.says(&["2 succeeded, 1 failed; 0 created in "]);
    assert_eq!(again.stdout, "");
    assert_eq!(server.create_requests(), 3);

    let more = batch(&place, &server, &["--retry-failed"]).ends(0).await;
    more.says(&["3 rows: 3 succeeded; 1 created in "]);
    assert_eq!(more.lines().len(), 1);
    assert_eq!(server.create_requests(), 4);
    assert_eq!(place.names("out"), files(&["a", "b", "c"]));
}

/// It is paid for and never created again; the exit code shows that it needs attention.
#[tokio::test]
async fn an_output_that_cannot_be_used_gives_exit_code_1_once() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::Output(json!([null])));
    place.write("rows.jsonl", foxes(&["a", "b"]));
    let ended = batch(&place, &server, IN_TURN).ends(1).await;
    ended.says(&[
        "2 rows: 2 succeeded, 1 with an unusable output; 2 created in ",
        "not every output can be used",
    ]);
    assert_eq!(place.names("out"), files(&["b"]));
    let retry = ["--retry-failed", "--retry-unresolved"];
    batch(&place, &server, &retry).ends(0).await;
    assert_eq!(server.create_requests(), 2);
}

/// A message may quote a prompt, and a prompt may hold any word.
#[tokio::test]
async fn a_word_in_a_message_never_sends_a_row_again() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::QuotaInPrompt.always());
    place.write("rows.jsonl", foxes(&["a"]));
    for _ in 0..3 {
        let ended = batch(&place, &server, &[]).ends(7).await;
        ended.says(&["1 unresolved"]);
        assert_eq!(server.create_requests(), 1);
    }
}

/// What stands in front of the service would refuse all rows alike, and charges nothing.
#[tokio::test]
async fn a_firewall_stops_it_and_the_same_command_goes_on() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::FirewallText);
    place.write("rows.jsonl", foxes(&["a", "b"]));
    let ended = batch(&place, &server, IN_TURN).ends(1).await;
    ended.says(&["blocked the request", "2 not created"]);
    assert_eq!(server.create_requests(), 1);
    batch(&place, &server, IN_TURN).ends(0).await;
    assert_eq!(place.names("out"), files(&["a", "b"]));
}

#[tokio::test]
async fn enough_failures_stop_it() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Plan::of(Ending::nsfw()).always());
    place.write("rows.jsonl", foxes(&["a", "b", "c", "d"]));
    let more = ["--max-failures", "2", "--jobs", "1"];
    let ended = batch(&place, &server, &more).ends(3).await;
    ended.says(&[
        "nothing more is created: as many rows failed as --max-failures allows",
        "4 rows: 0 succeeded, 2 failed, 2 not created; 2 created",
    ]);
    assert_eq!(server.create_requests(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_in_flight_in_another_process_holds_it_back() {
    let place = Place::new();
    let server = server().await;
    let id = created(&place, &server).await;
    server.on_poll(Plan::of(Fault::Hang).id(&id).always());
    let wait = place.paperboat(["wait", &id]).at(server.origin()).start();
    requested(&server, 2).await;
    place.write("rows.jsonl", foxes(&["a", "b"]));
    let more = ["--max-in-flight", "1"];
    let mut held = batch(&place, &server, &more).start();
    held.says("waiting until fewer are than --max-in-flight")
        .await;
    assert_eq!(server.create_requests(), 1);
    // What no process waits for does not count.
    wait.interrupt().await;
    wait.ends(130).await;
    held.ends(0).await;
    assert_eq!(server.create_requests(), 3);
}

/// What no row could survive stops the batch; the same command continues when it is fixed.
#[tokio::test]
async fn a_refused_key_and_an_exhausted_quota_stop_it() {
    for (fault, code, said) in [
        (Fault::InvalidToken, 5, "key was refused"),
        (Fault::QuotaFlat, 6, "user quota is not enough"),
        (Fault::IndexPage, 1, "base url"),
    ] {
        let place = Place::new();
        let server = server().await;
        place.write("rows.jsonl", foxes(&["a", "b", "c"]));
        server.on_create(Plan::of(fault).skip(1).always());
        let ended = batch(&place, &server, IN_TURN).ends(code).await;
        ended.says(&[
            "nothing more is created: ",
            said,
            "3 rows: 1 succeeded, 2 not created; 1 created in ",
            "to continue, run the same command again",
        ]);
        assert_eq!(server.create_requests(), 2, "{said}");
        server.clear_plans();
        batch(&place, &server, IN_TURN).ends(0).await;
        assert_eq!(server.create_requests(), 4, "{said}");
        assert_eq!(place.names("out"), files(&["a", "b", "c"]));
    }
}

#[tokio::test]
async fn a_model_that_is_not_offered_stops_its_own_rows() {
    let place = Place::new();
    let server = quick().models([crate::SCHNELL]).start().await.unwrap();
    let other = "{\"model\": \"acme/portrait\", \"prompt\": \"x\"}\n".repeat(3);
    place.write("rows.jsonl", other + &foxes(&["a"]));
    let ended = batch(&place, &server, IN_TURN).ends(1).await;
    ended.says(&["4 rows: 1 succeeded, 3 failed; 1 created", "3 refused"]);
    assert_eq!(server.create_requests(), 2);
    assert_eq!(place.names("out"), files(&["a"]));
}

/// It may have been accepted: it is listed, and sent again only when asked to.
#[tokio::test]
async fn a_create_in_doubt_is_sent_again_only_when_asked_to() {
    let place = Place::new();
    let server = server().await;
    server.on_create(Fault::Close.after_accept());
    server.on_end(Ending::nsfw());
    place.write("rows.jsonl", foxes(&["a", "b"]));
    let ended = batch(&place, &server, IN_TURN).ends(7).await;
    ended.says(&[
        "line 1 (a): unresolved: ",
        "2 rows: 1 succeeded, 1 unresolved; 1 created in ",
        "to find out: paperboat resolve",
        "--retry-unresolved",
    ]);
    let listed = place.listed(&["--unresolved"]).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["row"], "a");

    let again = batch(&place, &server, &["--retry-failed"]).ends(7).await;
    assert_eq!((again.stdout.as_str(), server.create_requests()), ("", 2));
    batch(&place, &server, &["--retry-unresolved"])
        .ends(0)
        .await;
    assert_eq!(server.create_requests(), 3);
    assert_eq!(place.names("out"), files(&["a", "b"]));
}

/// The lines of `--json`, by the line of the file that they are of.
fn results(ended: &Ended) -> Vec<Value> {
    let lines = ended.lines().into_iter();
    let mut rows: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    rows.sort_by_key(|row| row["row"]["line"].as_u64());
    rows
}

#[tokio::test]
async fn json_is_a_line_for_each_row_and_nothing_else() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::failed("no\u{9b}2J\u{7f} way"));
    server.on_create(Plan::of(Fault::Close).skip(1));
    let more = ["--json", "--jobs", "1"];
    let text = "id,prompt,num_outputs,megapixels\na,x,1,0.25\nb,x,1,0.25\n,y,2,0.25\n";
    place.write("rows.csv", text);
    let ended = batch_of(&place, &server, "rows.csv", &more).ends(7).await;
    assert!(
        !ended.stdout.contains(['\u{9b}', '\u{7f}']),
        "{:?}",
        ended.stdout
    );
    let results = results(&ended);
    let held = server.predictions();
    assert_eq!((results.len(), held.len()), (3, 2));
    let outcomes: Vec<_> = results
        .iter()
        .map(|row| row["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["failed", "maybe_accepted", "succeeded"]);
    let ids: Vec<_> = results.iter().map(|row| row["id"].clone()).collect();
    assert_eq!(ids, [json!(held[0].id), Value::Null, json!(held[1].id)]);
    for (row, id) in results.iter().zip([json!("a"), json!("b"), Value::Null]) {
        assert_eq!(row["row"]["id"], id);
        assert_eq!(row["model"], crate::SCHNELL);
        assert_eq!(row["row"]["occurrence"], 1);
        assert_eq!(row["row"]["hash"].as_str().unwrap().len(), 64);
    }
    assert_eq!(results[0]["prediction"]["error"], "no\u{9b}2J\u{7f} way");
    assert!(
        results[0]["error"]
            .as_str()
            .unwrap()
            .contains("no\u{9b}2J\u{7f} way")
    );
    assert_eq!(results[0]["files"], json!([]));
    assert_eq!(results[2]["error"], Value::Null);
    assert_eq!(results[2]["prediction"]["status"], "succeeded");
    let written = results[2]["files"].as_array().unwrap();
    assert_eq!(written.len(), 2);
    for (position, file) in written.iter().enumerate() {
        assert_eq!(file["position"], position);
        assert_eq!(file["media_type"], "image/webp");
        let path = file["path"].as_str().unwrap();
        let name = place.names("out")[position].clone();
        assert!(path.ends_with(&format!("/out/{name}")), "{path}");
        assert_eq!(std::fs::metadata(path).unwrap().len(), file["bytes"]);
    }
}
