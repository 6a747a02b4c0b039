//! The index that each batch leaves, and the rows that `--json` prints of a batch that is over.

use cometapi_mock::{Ending, Fault};
use serde_json::{Value, json};

use super::{batch, foxes};
use crate::place::Place;
use crate::{SCHNELL, server};

fn read(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path("out").join(name)).unwrap()
}

/// The lines of the index, without what differs from run to run.
fn records(place: &Place) -> Vec<Value> {
    let text = read(place, "index.jsonl");
    let lines = text.lines().map(|line| {
        let mut json: Value = serde_json::from_str(line).unwrap();
        let (id, seconds) = (json["id"].take(), json["seconds"].take());
        assert!(id.is_string() && (seconds.is_null() || seconds.as_f64().unwrap() >= 0.0));
        json
    });
    lines.collect()
}

const SHEET: &str = "id,prompt,seed,num_outputs,Customer,status\n\
                     fox,a red fox,7,2,\"=M,X\",new\n\
                     animals/boat,\"a \"\"paper\"\" boat\",8,,,\n\
                     cat,@cat,,,+5,\n";

#[tokio::test]
async fn the_index_lists_every_row_and_file() {
    let place = Place::new();
    let server = server().await;
    server.on_end(cometapi_mock::Plan::of(Ending::nsfw()).skip(2));
    place.write("sheet.csv", SHEET);
    let args = [
        "batch",
        "sheet.csv",
        "--model",
        SCHNELL,
        "-o",
        "out",
        "--jobs",
        "1",
    ];
    let run = |more: &[&str], code| {
        let args = args.iter().chain(more).copied().collect::<Vec<_>>();
        place.paperboat(args).at(server.origin()).ends(code)
    };
    run(&["--dry-run"], 0).await;
    assert!(!place.path("out").exists());
    run(&[], 3).await;
    let first = records(&place);
    let files: Vec<_> = first.iter().map(|it| &it["file"]).collect();
    assert_eq!(
        files,
        [
            &json!("fox.webp"),
            &json!("fox__2.webp"),
            &json!("animals/boat.webp"),
            &Value::Null
        ]
    );
    let labels = json!({"Customer": "=M,X", "status": "new"});
    assert_eq!(first[0]["labels"], labels);
    let seconds_and_ids = |line: &str| {
        // What differs from run to run.
        let mut cells: Vec<_> = line.split(',').collect();
        if cells.len() > 8 {
            cells[1] = "ID";
        }
        cells.join(",")
    };
    let table: Vec<_> = read(&place, "index.csv")
        .lines()
        .map(seconds_and_ids)
        .collect();
    assert_eq!(
        table[0],
        "row,ID,file,model,prompt,seed,status,reason,seconds,cost,version,Customer,label:status"
    );
    assert!(
        table[1].starts_with(&format!(
            "fox,ID,fox.webp,{SCHNELL},a red fox,7,succeeded,,"
        )),
        "{}",
        table[1]
    );
    assert!(table[1].ends_with(",1,\"'=M,X\",new"), "{}", table[1]);
    assert!(
        table[3].contains(",\"a \"\"paper\"\" boat\",8,"),
        "{}",
        table[3]
    );
    assert!(table[4].contains(",'@cat,,failed,"), "{}", table[4]);
    assert!(table[4].ends_with(",1,+5,"), "{}", table[4]);

    // Complete also when nothing was left to do.
    std::fs::remove_file(place.path("out/index.jsonl")).unwrap();
    run(&[], 3).await;
    assert_eq!(records(&place), first);
}

/// The sum of the column is what the batch costs.
#[tokio::test]
async fn the_cost_of_a_prediction_is_in_the_index_once() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.csv", "id,prompt,num_outputs\na,x,2\nb,y,1\n");
    let args = ["batch", "rows.csv", "--model", "acme/painter", "-o", "out"];
    let more = ["--limit", "1", "--jobs", "1", "--assume-price", "0.5"];
    let call = place.paperboat(args.iter().chain(&more));
    call.at(server.origin()).ends(0).await;
    let text = read(&place, "index.jsonl");
    let found = text.lines().map(|line| {
        let json: Value = serde_json::from_str(line).unwrap();
        ["row", "status", "cost"].map(|name| json[name].clone())
    });
    let expected = [
        [json!("a"), json!("succeeded"), json!("0.5")],
        [json!("a"), json!("succeeded"), Value::Null],
        [json!("b"), json!("planned"), json!("0.5")],
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_file_that_is_no_index_is_left_alone() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a", "index"]));
    std::fs::create_dir(place.path("out")).unwrap();
    place.write("out/index.csv", "prompt\na fox\n");
    let ended = batch(&place, &server, &[]).ends(0).await;
    ended.says(&["note: the index of out was not written: another file has its name"]);
    assert_eq!(read(&place, "index.csv"), "prompt\na fox\n");
    assert_eq!(place.names("out"), ["a.webp", "~69ndex.webp"]);
}

#[tokio::test]
async fn waiting_for_all_completes_the_index() {
    let place = Place::new();
    let server = server().await;
    server.on_poll(Fault::BrokenJson.always());
    place.write("rows.jsonl", foxes(&["a"]));
    batch(&place, &server, &["--timeout", "0.1"]).ends(4).await;
    let first = records(&place);
    assert_eq!(
        (&first[0]["file"], &first[0]["status"]),
        (&Value::Null, &json!("running"))
    );
    server.clear_plans();
    place
        .paperboat(["wait", "--all"])
        .at(server.origin())
        .ends(0)
        .await;
    let second = records(&place);
    assert_eq!(
        (&second[0]["file"], &second[0]["status"]),
        (&json!("a.webp"), &json!("succeeded"))
    );
}

#[tokio::test]
async fn json_prints_every_row_of_a_batch_that_is_over() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::nsfw());
    place.write("rows.jsonl", foxes(&["a", "b"]));
    let run = async |more: &[&str], code| -> Vec<Value> {
        let more: Vec<_> = ["--json", "--jobs", "1"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        let ended = batch(&place, &server, &more).ends(code).await;
        let lines = ended.lines().into_iter();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let first = run(&[], 3).await;
    let mut second = run(&[], 3).await;
    assert_eq!((first.len(), second.len()), (2, 2));
    for (first, second) in first.iter().zip(&mut second) {
        assert_eq!(
            (&first["earlier"], &second["earlier"]),
            (&json!(false), &json!(true))
        );
        // The ledger keeps neither.
        (second["row"]["line"], second["prediction"]) =
            (first["row"]["line"].clone(), first["prediction"].clone());
        second["earlier"] = json!(false);
        assert_eq!(first, second);
    }
    let third = run(&["--retry-failed"], 0).await;
    let earlier = |id: &str| {
        let mut rows = third.iter().filter(|row| row["row"]["id"] == id);
        (rows.next().unwrap()["earlier"].clone(), rows.count())
    };
    assert_eq!(earlier("b"), (json!(true), 0));
    assert_eq!(earlier("a"), (json!(false), 0));
}

#[tokio::test]
async fn a_changed_row_is_created_anew_only_with_update() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a", "b"]));
    batch(&place, &server, &[]).ends(0).await;
    let changed = foxes(&["a"]) + r#"{"id": "b", "prompt": "a wolf", "seed": 7}"#;
    place.write("rows.jsonl", &changed);
    let ended = batch(&place, &server, &[]).ends(2).await;
    ended.says(&[
        "line 2, id: \"b\" was created with another megapixels, prompt and seed",
        "to create changed rows anew: --update",
        "to leave them as they are: --skip-bad",
    ]);
    assert_eq!(server.create_requests(), 2);
    place.write("rows.jsonl", changed + "\nnot json\n");
    let ended = batch(&place, &server, &[]).ends(2).await;
    ended.says(&["line 3: not json", "--skip-bad"]);
    let ended = batch(&place, &server, &["--update", "--skip-bad"])
        .ends(0)
        .await;
    assert!(
        ended.stdout.ends_with("/out/b~v2.webp\n"),
        "{}",
        ended.stdout
    );
    assert_eq!(place.names("out"), ["a.webp", "b.webp", "b~v2.webp"]);
    let versions: Vec<_> = records(&place)
        .iter()
        .map(|it| (it["file"].clone(), it["version"].clone()))
        .collect();
    let expected = [("a.webp", 1), ("b.webp", 1), ("b~v2.webp", 2)];
    assert_eq!(
        versions,
        expected.map(|(file, version)| (json!(file), json!(version)))
    );
}

#[tokio::test]
async fn a_template_names_the_files_of_a_batch() {
    let place = Place::new();
    let server = server().await;
    place.write("sheet.csv", SHEET);
    let args = [
        "batch",
        "sheet.csv",
        "--model",
        SCHNELL,
        "-o",
        "out/{Customer}/{prompt:5}.{ext}",
    ];
    let ended = place.paperboat(args).at(server.origin()).ends(0).await;
    assert_eq!(ended.lines().len(), 4);
    let files: Vec<_> = records(&place)
        .iter()
        .map(|it| it["file"].clone())
        .collect();
    assert_eq!(
        files,
        [
            "=M,X/a red.webp",
            "=M,X/a red__2.webp",
            "_/a ~22pa.webp",
            "+5/@cat.webp"
        ]
    );
    let refused = ["batch", "sheet.csv", "--model", SCHNELL, "-o", "-"];
    let refused = place.paperboat(refused).ends(2).await;
    refused.says(&["a batch saves files: name a folder or a template"]);

    // The type that the names have is asked for, unless another is.
    for (more, extension) in [(&[][..], "png"), (&["output_format=jpg"], "jpg")] {
        let folder = format!("{extension}s");
        let names = format!("{folder}/{{prompt:5}}.png");
        let args = ["batch", "sheet.csv", "--model", SCHNELL, "-o", &names];
        let call = place.paperboat(args.iter().chain(more)).at(server.origin());
        call.ends(0).await;
        let names = place.names(&folder);
        let is_of_type = |name: &&String| name.ends_with(&format!(".{extension}"));
        assert_eq!(names.iter().filter(is_of_type).count(), 4, "{names:?}");
    }
}
