//! Predictions once more, and several of one command.

use cometapi_mock::{Ending, MockServer};
use serde_json::{Value, json};

use crate::place::{Ended, Place};
use crate::{SCHNELL, created, fox, server};

/// The inputs that were sent, in order.
fn inputs(server: &MockServer) -> Vec<Value> {
    let creates = server.requests().into_iter();
    let creates = creates.filter(|sent| sent.method == "POST");
    creates
        .map(|sent| serde_json::from_slice::<Value>(&sent.body).unwrap()["input"].take())
        .collect()
}

async fn again(place: &Place, server: &MockServer, args: &[&str], code: i32) -> Ended {
    let args = ["again"].iter().chain(args);
    place.paperboat(args).at(server.origin()).ends(code).await
}

#[tokio::test]
async fn a_prediction_is_repeated_with_changes() {
    let place = Place::new();
    let server = server().await;
    let run = fox(&place, "run", &["-o", "fox.png", "seed=7"]);
    let ended = run.at(server.origin()).ends(0).await;
    let id = ended.id();
    let first =
        json!({"prompt": "a red fox", "megapixels": "0.25", "seed": 7, "output_format": "png"});
    assert_eq!(inputs(&server), std::slice::from_ref(&first));

    let ended = again(&place, &server, &["fox.png"], 0).await;
    assert!(ended.stdout.ends_with(".png\n"), "{}", ended.stdout);
    again(
        &place,
        &server,
        &[id, "a blue fox", "seed=", "-o", "blue"],
        0,
    )
    .await;
    again(
        &place,
        &server,
        &["./fox.png", "seed:=null", "output_format:=null"],
        0,
    )
    .await;
    let named = again(&place, &server, &[id, "-o", "fox.webp"], 0).await;
    assert_eq!(named.stdout, "fox-2.webp\n");
    let changed = |change: Value| {
        let mut input = first.clone();
        for (key, value) in change.as_object().unwrap() {
            match value {
                Value::Null => _ = input.as_object_mut().unwrap().remove(key),
                value => input[key] = value.clone(),
            }
        }
        input
    };
    assert_eq!(
        inputs(&server)[1..],
        [
            first.clone(),
            changed(json!({"prompt": "a blue fox", "seed": null})),
            changed(json!({"seed": null, "output_format": null})),
            changed(json!({"output_format": "webp"})),
        ]
    );
    let dry = again(&place, &server, &[id, "--dry-run", "--json"], 0).await;
    assert_eq!(dry.json()["input"], first);
    assert_eq!(server.create_requests(), 5);
}

#[tokio::test]
async fn a_file_of_a_batch_names_its_row() {
    let place = Place::new();
    let server = server().await;
    place.write(
        "rows.jsonl",
        r#"{"id": "a/fox", "prompt": "a fox", "seed": 3}"#,
    );
    let batch = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "out"];
    place.paperboat(batch).at(server.origin()).ends(0).await;
    again(&place, &server, &["out/a/fox.webp", "seed=4"], 0).await;
    assert_eq!(inputs(&server)[1], json!({"prompt": "a fox", "seed": 4}));
}

#[tokio::test]
async fn what_the_ledger_does_not_know_is_asked_of_the_service() {
    let place = Place::new();
    let server = server().await;
    let elsewhere = Place::new();
    let id = created(&elsewhere, &server).await;
    again(&place, &server, &[&id], 0).await;
    let inputs = inputs(&server);
    assert_eq!(inputs[0], inputs[1]);

    server.remove_data(&id);
    let ended = again(&place, &server, &[&id, "--no-ledger"], 2).await;
    ended.says(&["the service no longer shows its input; nothing was sent"]);
    let sent = server.requests().len();
    place.write("cat.png", "x");
    for file in ["cat.png", "nofile.png"] {
        let ended = again(&place, &server, &[file], 2).await;
        ended.says(&[
            &format!("{file} is neither the id nor a saved file of a recorded prediction"),
            "nothing was sent",
            "to see recorded predictions: paperboat list",
        ]);
    }
    assert_eq!(server.requests().len(), sent);
    again(&place, &server, &["nosuchid"], 1).await;
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn several_predictions_of_one_command() {
    let place = Place::new();
    let server = server().await;
    let run = async |more: &[&str], code| {
        fox(&place, "run", more)
            .at(server.origin())
            .ends(code)
            .await
    };
    let dry = run(&["--repeat", "2", "seed=1..3", "--dry-run"], 0).await;
    assert_eq!(dry.lines()[0], "to create         6");
    assert_eq!(server.create_requests(), 0);

    let ended = run(&["seed=1..3"], 0).await;
    ended.says(&["3 predictions: 3 succeeded in "]);
    let ids: Vec<_> = server
        .predictions()
        .iter()
        .map(|it| it.id.clone())
        .collect();
    let mut lines = ended.lines();
    lines.sort_unstable();
    let mut names: Vec<_> = ids.iter().map(|id| format!("./{id}.webp")).collect();
    names.sort_unstable();
    assert_eq!(lines, names);
    let mut seeds: Vec<_> = inputs(&server)
        .iter()
        .map(|it| it["seed"].as_i64())
        .collect();
    seeds.sort_unstable();
    assert_eq!(seeds, [Some(1), Some(2), Some(3)]);
    assert!(!place.path("index.csv").exists());

    let ended = run(&["--repeat", "2", "-o", "out/fox.webp", "--json"], 0).await;
    assert_eq!(ended.lines().len(), 2);
    for line in ended.lines() {
        let json: Value = serde_json::from_str(line).unwrap();
        assert_eq!(json["outcome"], "succeeded");
    }
    assert_eq!(place.names("out"), ["fox-2.webp", "fox.webp"]);
    let ended = run(&["seed=5..6", "-o", "out/{seed}.{ext}"], 0).await;
    let mut lines = ended.lines();
    lines.sort_unstable();
    assert_eq!(lines, ["out/5.webp", "out/6.webp"]);
    let again = again(
        &place,
        &server,
        &["out/5.webp", "--repeat", "2", "-o", "more"],
        0,
    )
    .await;
    assert_eq!(again.lines().len(), 2);
    assert_eq!(server.create_requests(), 9);

    for (more, said) in [
        (
            &["--repeat", "2", "--once", "a"][..],
            "--once names one prediction",
        ),
        (&["--repeat", "2", "-o", "-"], "stdout takes one file"),
        (&["seed=3..1"], "seed=3..1 holds no number"),
        (&["num_outputs=3..7"], "num_outputs is 5, it takes 1–4"),
        (&["seed=1..2", "--max-cost", "1"], "the price of"),
    ] {
        run(more, 2).await.says(&[said]);
    }
    let create = fox(&place, "create", &["seed=1..2"]).at(server.origin());
    create
        .ends(2)
        .await
        .says(&["seed is given a range, and this command creates one prediction"]);
    assert_eq!(server.create_requests(), 9);

    server.on_end(Ending::nsfw());
    let ended = run(&["--repeat", "2", "--no-ledger"], 3).await;
    ended.says(&["failed: ", "2 predictions: 1 succeeded, 1 failed in "]);
    assert!(!ended.stderr.contains("line 1"), "{}", ended.stderr);
    assert!(
        !ended.stderr.contains("run the same command"),
        "{}",
        ended.stderr
    );
}

/// What is left of it are predictions, and the same command would create all of them again.
#[tokio::test]
async fn a_limit_of_the_cost_of_several_names_a_next_step() {
    let place = Place::new();
    let limit = ["--max-cost", "0.006", "--assume-price", "0.003"];
    let run = ["run", "--mock", "flux-schnell", "a fox", "seed=1..5"];
    let ended = place.paperboat(run.iter().chain(&limit)).ends(4).await;
    ended.says(&[
        "nothing more is created: none of the 3 predictions that are left fits into --max-cost $0.006",
        "  for more, a higher --max-cost: the same command creates, and pays for, all of them again",
    ]);
    assert!(!ended.stderr.contains("row"), "{}", ended.stderr);
}
