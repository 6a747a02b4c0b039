//! What rows are written in, and what they are distinguished by.

use serde_json::json;

use super::{batch, batch_of, files, foxes, inputs};
use crate::place::{Ended, Place};
use crate::{SCHNELL, server};

const NESTED: &str = concat!(
    r#"{"id": "b", "model": "black-forest-labs/flux-schnell", "#,
    r#""input": {"prompt": "1984", "megapixels": "0.25", "seed": 7}}"#,
    "\n\n",
    r#"{"id": "a", "model": "black-forest-labs/flux-schnell", "#,
    r#""input": {"prompt": "a red fox", "megapixels": "0.25"}}"#,
);
const FLAT: &str = concat!(
    "\u{feff}",
    r#"{"id": "b", "prompt": "1984", "megapixels": "0.25", "seed": 7}"#,
    "\r\n",
    r#"{"id": "a", "prompt": "a red fox", "megapixels": "0.25"}"#,
    "\r\n",
);
const TABLE: &str = "id,prompt,megapixels,seed\nb,1984,0.25,7\na,a red fox,0.25,\n";
const TABLE_OF_MODELS: &str = "model,prompt,id,megapixels,seed\n\
    black-forest-labs/flux-schnell,1984,b,0.25,7\n\
    black-forest-labs/flux-schnell,\"a red fox\",a,0.25,\n";

const LIST: &str = r#"[
  {"id": "b", "prompt": "1984", "megapixels": "0.25", "seed": 7},
  {"id": "a", "prompt": "a red fox", "megapixels": "0.25"}
]"#;
const SEMICOLONS: &str =
    "\u{feff}id;prompt;megapixels;seed\r\nb;1984;0.25;7\r\n;;;\r\na;a red fox;0.25;\r\n";
const EXCEL: &str =
    "sep=;\r\nid;prompt;megapixels;seed\r\nb;1984;0.25;7\r\na;\"a red fox\";0.25;\r\n";
const TABS: &str = "id\tprompt\tmegapixels\tseed\nb\t1984\t0.25\t7\na\ta red fox\t0.25\t\n";

/// One thing written in different ways is sent alike, and saved under the same names.
#[tokio::test]
async fn every_form_of_a_row_comes_to_the_same() {
    let rows: [(&str, &str, &[&str]); 15] = [
        ("rows.jsonl", NESTED, &[]),
        ("rows.jsonl", FLAT, &["--model", SCHNELL]),
        ("rows.csv", TABLE, &["--model", SCHNELL]),
        ("rows.csv", TABLE_OF_MODELS, &[]),
        ("rows.txt", TABLE_OF_MODELS, &[]),
        ("rows.json", TABLE_OF_MODELS, &["--format", "csv"]),
        ("-", FLAT, &["--model", SCHNELL]),
        ("-", TABLE_OF_MODELS, &[]),
        ("rows.json", LIST, &["--model", SCHNELL]),
        ("-", LIST, &["--model", SCHNELL]),
        ("rows.csv", SEMICOLONS, &["--model", SCHNELL]),
        ("rows.csv", EXCEL, &["--model", SCHNELL]),
        ("-", EXCEL, &["--model", SCHNELL]),
        ("rows.tsv", TABS, &["--model", SCHNELL]),
        ("-", TABS, &["--model", SCHNELL]),
    ];
    for (name, text, more) in rows {
        let place = Place::new();
        let server = server().await;
        let args = ["batch", name, "-o", "out"];
        let mut call = place.paperboat(args.iter().chain(more)).at(server.origin());
        if name == "-" {
            call = call.stdin(text);
        } else {
            place.write(name, text);
        }
        let ended = call.ends(0).await;
        ended.says(&["2 rows: 2 succeeded; 2 created in "]);
        assert_eq!(place.names("out"), files(&["a", "b"]), "{name}");
        assert_eq!(saved(&place, &ended), files(&["a", "b"]), "{name}");
        let sent = [
            json!({"prompt": "1984", "megapixels": "0.25", "seed": 7}),
            json!({"prompt": "a red fox", "megapixels": "0.25"}),
        ];
        assert_eq!(inputs(&server), sent, "{name}");
    }
}

/// The names of the files on stdout, sorted: rows end in any order.
fn saved(place: &Place, ended: &Ended) -> Vec<String> {
    let folder = place.path("out").canonicalize().unwrap();
    let paths = ended.lines().into_iter().map(std::path::Path::new);
    let mut names: Vec<_> = paths
        .map(|path| path.strip_prefix(&folder).unwrap().display().to_string())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn given_again_it_does_nothing() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["a", "b", "c"]));
    batch(&place, &server, &[]).ends(0).await;
    let requests = server.requests().len();

    for (more, lines) in [(&[][..], 0), (&["--json"], 3)] {
        let again = batch(&place, &server, more).ends(0).await;
        assert_eq!(again.lines().len(), lines);
        again.says(&["3 rows: 3 succeeded; 0 created in "]);
    }
    assert_eq!(server.requests().len(), requests);
    assert_eq!(server.file_requests().len(), 3);

    // Neither does another process's word for the same folder.
    std::fs::create_dir(place.path("sub")).unwrap();
    let args = [
        "batch",
        "rows.jsonl",
        "--model",
        SCHNELL,
        "-o",
        "sub/../out/",
    ];
    let again = place.paperboat(args).at(server.origin()).ends(0).await;
    assert_eq!(again.stdout, "");
    assert_eq!(server.create_requests(), 3);

    // A file that is gone is fetched again, and not made again: it ended when it ended.
    let listed = async || {
        let ended = place.listed(&[]).await;
        let ends = ended.iter().map(|row| row["ended_at"].clone());
        ends.collect::<Vec<_>>()
    };
    let ends = listed().await;
    std::fs::remove_file(place.path("out/b.webp")).unwrap();
    let again = batch(&place, &server, &[]).ends(0).await;
    assert_eq!(saved(&place, &again), files(&["b"]));
    assert_eq!(listed().await, ends);
    assert_eq!(server.create_requests(), 3);
}

#[tokio::test]
async fn a_row_that_comes_goes_or_moves_concerns_no_other() {
    let place = Place::new();
    let server = server().await;
    let row = |prompt: &str| format!("{{\"prompt\": \"{prompt}\", \"megapixels\": \"0.25\"}}\n");
    let (a, b, c) = (&row("a"), &row("b"), &row("c"));

    place.write("rows.jsonl", [a, b].map(String::as_str).concat());
    batch(&place, &server, &[]).ends(0).await;
    let first = place.names("out");
    assert_eq!((first.len(), server.create_requests()), (2, 2));

    // Moved, one new between them, empty lines, keys in another order.
    let turned = "{\"megapixels\": \"0.25\", \"prompt\": \"a\"}\n";
    place.write("rows.jsonl", [b, "\n", c, "\n", turned].concat());
    let more = batch(&place, &server, &[]).ends(0).await;
    more.says(&["3 rows: 3 succeeded; 1 created in "]);
    assert_eq!((more.lines().len(), server.create_requests()), (1, 3));

    // One taken out; and the same once more is one more.
    place.write("rows.jsonl", [c, a, c].map(String::as_str).concat());
    let more = batch(&place, &server, &[]).ends(0).await;
    more.says(&["3 rows: 3 succeeded; 1 created in "]);
    assert_eq!(server.create_requests(), 4);
    let names = place.names("out");
    assert_eq!(names.len(), 4);
    assert!(first.iter().all(|name| names.contains(name)), "{names:?}");
    let is_second = |name: &String| name.ends_with("-2.webp");
    assert_eq!(names.iter().filter(|name| is_second(name)).count(), 1);
}

/// A spreadsheet rewrites 1 as 1.0, and other tools write it in yet other ways.
#[tokio::test]
async fn a_number_written_in_another_way_is_the_same_row() {
    let place = Place::new();
    let server = server().await;
    for (spelling, created) in [("1", 1), ("1.0", 0), ("1e0", 0), ("10e-1", 0), ("2", 1)] {
        let row = format!("{{\"prompt\": \"a\", \"megapixels\": \"0.25\", \"seed\": {spelling}}}");
        place.write("rows.jsonl", row);
        let ended = batch(&place, &server, &[]).ends(0).await;
        ended.says(&[&format!("1 succeeded; {created} created in ")]);
        place.write(
            "rows.csv",
            format!("prompt,megapixels,seed\na,0.25,{spelling}\n"),
        );
        let ended = batch_of(&place, &server, "rows.csv", &[]).ends(0).await;
        ended.says(&["1 succeeded; 0 created in "]);
    }
    assert_eq!(server.create_requests(), 2);
}

/// An id names the files, wherever it points; and it stands for one input.
#[tokio::test]
async fn an_id_is_a_name_and_a_promise() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.jsonl", foxes(&["red fox", "夕暮れ/x?", "007"]));
    batch(&place, &server, &[]).ends(0).await;
    assert_eq!(place.names("out"), ["007.webp", "red fox.webp", "夕暮れ"]);
    assert_eq!(place.names("out/夕暮れ"), files(&["x~3f"]));
    assert_eq!(place.names(""), [".local", "out", "rows.jsonl"]);

    let changed = foxes(&["red fox", "夕暮れ/x?"]) + r#"{"id": "007", "prompt": "a wolf"}"#;
    place.write("rows.jsonl", changed);
    let ended = batch(&place, &server, &[]).ends(2).await;
    ended.says(&["line 3, id: \"007\" was created with another megapixels and prompt"]);
    let ended = batch(&place, &server, &["--skip-bad"]).ends(0).await;
    ended.says(&[
        "skipped: line 3, id: \"007\"",
        "2 rows: 2 succeeded, 1 skipped",
    ]);
    assert_eq!(server.create_requests(), 3);
}

/// An id is only known where it was made.
#[tokio::test]
async fn a_folder_belongs_to_one_service() {
    let place = Place::new();
    let (one, other) = (server().await, server().await);
    place.write("rows.jsonl", foxes(&["a"]));
    batch(&place, &one, &[]).ends(0).await;
    for more in [&[][..], &["--dry-run"]] {
        let ended = batch(&place, &other, more).ends(2).await;
        ended.says(&[
            "the batch in ",
            &format!("was begun at {}", one.base_url()),
            "continue there, or name another folder",
        ]);
        assert_eq!(ended.stdout, "");
    }
    assert!(other.requests().is_empty());
}

/// Once, whatever the number of rows.
#[tokio::test]
async fn a_model_with_a_similar_name_is_noted_once() {
    let place = Place::new();
    let server = server().await;
    let near = "black-forest-labs/flux_schnell";
    place.write("rows.csv", "prompt\na\nb\nc\n");
    let args = ["batch", "rows.csv", "--model", near, "-o", "out"];
    let ended = place.paperboat(args).at(server.origin()).ends(0).await;
    let note = format!("{near} is not a model known here; did you mean {SCHNELL}?");
    ended.says(&[&note]);
    assert_eq!(ended.stderr.matches("did you mean").count(), 1);
    assert_eq!(server.create_requests(), 3);
}

#[tokio::test]
async fn a_row_of_a_misspelled_model_is_refused_unless_it_is_forced() {
    let place = Place::new();
    let server = server().await;
    let near = "black-forest-labs/flux-schnel";
    place.write(
        "rows.csv",
        format!("model,prompt\n{SCHNELL},a\n{near},b\n{near},c\n"),
    );
    let args = ["batch", "rows.csv", "-o", "out"];
    let ended = place.paperboat(args).at(server.origin()).ends(2).await;
    let said = format!("line 3, model: {near} is not a model known here; did you mean {SCHNELL}?");
    ended.says(&["nothing was sent", &said]);
    assert_eq!(server.create_requests(), 0);
    let default = ["batch", "rows.csv", "-o", "out", "--model", near];
    place.write("rows.csv", "prompt\na\n");
    place.paperboat(default).at(server.origin()).ends(2).await;
    assert_eq!(server.create_requests(), 0);
    let forced = default.iter().chain(&["--force"]);
    let ended = place.paperboat(forced).at(server.origin()).ends(0).await;
    ended.says(&["did you mean"]);
    assert_eq!(server.predictions()[0].model, near);
}

/// In a column, in a row of JSON, and as the model of all rows.
#[tokio::test]
async fn a_short_name_is_enough_in_rows() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.csv", "model,prompt,megapixels\nflux-schnell,a,0.25\n");
    let row = r#"{"model": "flux-schnell", "prompt": "b", "megapixels": "0.25"}"#;
    place.write("rows.jsonl", format!("{row}\n"));
    place.write("plain.csv", "prompt,megapixels\nc,0.25\n");
    for args in [
        ["batch", "rows.csv", "-o", "a"].as_slice(),
        &["batch", "rows.jsonl", "-o", "b"],
        &["batch", "plain.csv", "-o", "c", "--model", "flux-schnell"],
    ] {
        place.paperboat(args).at(server.origin()).ends(0).await;
    }
    let sent = server.predictions();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|prediction| prediction.model == SCHNELL));
    place.write("rows.csv", "model,prompt\nkontext,a\n");
    let ended = place.paperboat(["batch", "rows.csv", "-o", "d"]);
    let ended = ended.at(server.origin()).ends(2).await;
    ended.says(&["line 2, model: \"kontext\" does not name one known model"]);
}

/// A row of JSON may write its numbers in quotes, as a cell has them.
#[tokio::test]
async fn a_number_in_quotes_is_sent_as_the_number_and_is_the_same_row() {
    let place = Place::new();
    let server = server().await;
    let row =
        |seed: &str| format!("{{\"prompt\": \"a\", \"megapixels\": \"0.25\", \"seed\": {seed}}}\n");
    for seed in ["\"7\"", "7"] {
        place.write("rows.jsonl", row(seed));
        batch_of(&place, &server, "rows.jsonl", &[]).ends(0).await;
    }
    assert_eq!(
        inputs(&server),
        [json!({"prompt": "a", "megapixels": "0.25", "seed": 7})]
    );
}

/// A mock of the process is a service of its own; what it knows stays with its files.
#[tokio::test]
async fn a_mock_of_the_process_leaves_nothing_in_the_home_folder() {
    let place = Place::new();
    place.write("rows.jsonl", foxes(&["a"]));
    let args = [
        "batch",
        "rows.jsonl",
        "--model",
        SCHNELL,
        "-o",
        "out",
        "--mock",
    ];
    place.paperboat(args).ends(0).await;
    assert_eq!(place.names(""), ["out", "rows.jsonl"]);
    let again = place.paperboat(args).ends(0).await;
    again.says(&["0 created in "]);
    assert_eq!(again.stdout, "");
    let dry = place
        .paperboat(args.iter().chain(&["--dry-run"]))
        .ends(0)
        .await;
    assert_eq!(dry.lines(), ["to create         0", "done              1"]);
}

/// Columns without a place and files by another name are what they are said to be.
#[tokio::test]
async fn a_cell_is_read_as_its_field_wants_it() {
    let place = Place::new();
    let server = server().await;
    place.write(
        "rows.csv",
        "prompt,go_fast,seed,megapixels\n\"7, or \"\"more\"\"\",FALSE,-1,0.25\ntrue,,,0.25\n",
    );
    batch_of(&place, &server, "rows.csv", &[]).ends(0).await;
    let sent = [
        json!({"prompt": "7, or \"more\"", "go_fast": false, "seed": -1, "megapixels": "0.25"}),
        json!({"prompt": "true", "megapixels": "0.25"}),
    ];
    let mut inputs = inputs(&server);
    inputs.sort_by_key(|input| input.get("go_fast").is_none());
    assert_eq!(inputs, sent);
}
