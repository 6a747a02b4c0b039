//! Several predictions of one row, fields for all rows, and a choice of rows.

use serde_json::json;

use super::{batch_of, files, foxes, inputs};
use crate::place::Place;
use crate::server;

#[tokio::test]
async fn pairs_are_for_the_rows_that_lack_the_field() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.csv", "id,prompt,seed\na,x,\nb,,7\n");
    let more = [
        "a red fox",
        "seed=1",
        "megapixels=0.25",
        "output_format=JPEG",
    ];
    batch_of(&place, &server, "rows.csv", &more).ends(0).await;
    let common = |prompt: &str, seed| json!({"prompt": prompt, "seed": seed, "megapixels": "0.25", "output_format": "jpg"});
    assert_eq!(inputs(&server), [common("a red fox", 7), common("x", 1)]);
    for (pairs, said) in [
        (&["hat=1"][..], "hat is not one of its fields"),
        (&["seed=1", "seed=2"], "\"seed\" is given twice"),
        (&["seed=many"], "seed is \"many\", it takes a whole number"),
        (&["a", "red", "fox"], "did you mean \"a red fox\"?"),
        (
            &["rows.csv"],
            "rows.csv is a second file, and a batch has one file of rows",
        ),
    ] {
        let ended = batch_of(&place, &server, "rows.csv", pairs).ends(2).await;
        ended.says(&[said]);
    }
    let args = [
        "batch",
        "seed=1",
        "rows.csv",
        "--model",
        "flux-schnell",
        "-o",
        "out",
    ];
    let ended = place.paperboat(args).at(server.origin()).ends(2).await;
    ended.says(&["rows.csv is a second file"]);
    let args = ["batch", "seed=1", "-o", "out", "--mock"];
    let ended = place.paperboat(args).ends(2).await;
    ended.says(&[
        "seed=1 cannot be read",
        "name the file of rows before seed=1",
    ]);
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn stdin_is_rows_or_a_prompt_and_not_both() {
    let place = Place::new();
    let args = [
        "batch",
        "-",
        "prompt=-",
        "--model",
        "flux-schnell",
        "-o",
        "out",
        "--mock",
    ];
    let ended = place.paperboat(args).stdin("{\"seed\": 1}\n").ends(2).await;
    ended.says(&["prompt: stdin can be read once, and the file of rows reads it"]);
    place.write("rows.jsonl", "{\"seed\": 1, \"megapixels\": \"0.25\"}\n");
    let server = server().await;
    let call = batch_of(&place, &server, "rows.jsonl", &["prompt=-"]);
    call.stdin("a red fox\n").ends(0).await;
    assert_eq!(inputs(&server)[0]["prompt"], "a red fox");
}

#[tokio::test]
async fn a_range_and_repeats_make_several_of_each_row() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a", "b"]));
    let more = ["seed=7..8", "--repeat", "2"];
    let ended = batch_of(&place, &server, "rows.jsonl", &more).ends(0).await;
    ended.says(&["8 rows: 8 succeeded; 8 created in "]);
    let ids = [
        "a-7-1", "a-7-2", "a-8-1", "a-8-2", "b-7-1", "b-7-2", "b-8-1", "b-8-2",
    ];
    assert_eq!(place.names("out"), files(&ids));
    let seeds: Vec<_> = inputs(&server)
        .iter()
        .map(|input| input["seed"].clone())
        .collect();
    assert_eq!(seeds.iter().filter(|seed| **seed == json!(7)).count(), 4);
    // More of each: the others are done.
    let more = ["seed=7..8", "--repeat", "3"];
    let ended = batch_of(&place, &server, "rows.jsonl", &more).ends(0).await;
    ended.says(&["12 rows: 12 succeeded; 4 created in "]);
    for (pairs, said) in [
        (&["seed=8..7"][..], "seed=8..7 holds no number"),
        (&["seed=1..20..5"], "seed=1..20..5 is not a range"),
        (
            &["seed=1..100000", "--repeat", "2"],
            "each row would become more than 100000",
        ),
        (&["--repeat", "0"], "0 is not in 1..=100000"),
    ] {
        let ended = batch_of(&place, &server, "rows.jsonl", pairs).ends(2).await;
        ended.says(&[said]);
    }
    assert_eq!(server.create_requests(), 12);
}

/// Without ids, they are equal rows, as if they were written several times.
#[tokio::test]
async fn rows_without_ids_are_repeated_too() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.csv", "prompt,megapixels\nx,0.25\n");
    let more = ["--repeat", "3"];
    batch_of(&place, &server, "rows.csv", &more).ends(0).await;
    assert_eq!(place.names("out").len(), 3);
    place.write("rows.csv", "prompt,megapixels\nx,0.25\nx,0.25\nx,0.25\n");
    let ended = batch_of(&place, &server, "rows.csv", &[]).ends(0).await;
    ended.says(&["3 rows: 3 succeeded; 0 created in "]);
}

#[tokio::test]
async fn only_the_rows_that_are_named_run() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a", "b", "c"]));
    let ended = batch_of(&place, &server, "rows.jsonl", &["--only", "c, a"])
        .ends(0)
        .await;
    ended.says(&["2 rows: 2 succeeded; 2 created in "]);
    assert_eq!(place.names("out"), files(&["a", "c"]));
    let ended = batch_of(
        &place,
        &server,
        "rows.jsonl",
        &["--only", "b,d", "--only", "e"],
    );
    let ended = ended.ends(2).await;
    ended.says(&["nothing was sent", "no row has the ids \"d\", \"e\""]);
    assert_eq!(server.create_requests(), 2);
    let ended = batch_of(&place, &server, "rows.jsonl", &[]).ends(0).await;
    ended.says(&["3 rows: 3 succeeded; 1 created in "]);
}

/// One prediction has one value.
#[tokio::test]
async fn a_range_is_refused_where_one_prediction_is_created() {
    let place = Place::new();
    let args = ["create", "flux-schnell", "a fox", "seed=1..3"];
    let ended = place.paperboat(args).at("http://127.0.0.1:9").ends(2).await;
    ended.says(&["seed is given a range, and this command creates one prediction"]);
}
