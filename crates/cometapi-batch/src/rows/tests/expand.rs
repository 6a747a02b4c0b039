//! One row as several.

use std::collections::BTreeSet;

use serde_json::Map;

use super::*;
use crate::rows::identity::{identify, number_by_value};

fn expanded(text: &str, rows: impl Fn(Rows) -> Rows) -> Result<Vec<Value>, String> {
    let rows = |text| rows(Rows::reader(text, Format::JsonLines));
    let found = all(text, rows, Some("a/b"))?;
    Ok(found
        .into_iter()
        .map(|row| match row {
            Ok(row) => json!([row.id, row.input]),
            Err(problems) => json!(problems[0].to_string()),
        })
        .collect())
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn numbers(values: impl IntoIterator<Item = i64>) -> Vec<Value> {
    values.into_iter().map(Value::from).collect()
}

#[test]
fn defaults_are_for_what_a_row_lacks() {
    let defaults = fields(json!({"seed": 1, "prompt": "p"}));
    let read = |text: &str| expanded(text, |rows| rows.defaults(defaults.clone()));
    assert_eq!(
        read("{\"id\": \"a\", \"prompt\": \"x\"}\n{\"seed\": null}\n{}\n").unwrap(),
        [
            json!(["a", {"prompt": "x", "seed": 1}]),
            json!([null, {"prompt": "p", "seed": null}]),
            json!([null, {"prompt": "p", "seed": 1}]),
        ]
    );
    let empty = expanded("{}\n", |rows| rows).unwrap();
    assert_eq!(empty, [json!("line 1: the input holds nothing")]);
}

#[test]
fn a_row_is_repeated_and_swept() {
    let text = "{\"id\": \"fox\", \"x\": 1}\n{\"x\": 2, \"seed\": 9}\n";
    let read = |rows: &dyn Fn(Rows) -> Rows| expanded(text, rows).unwrap();
    assert_eq!(
        read(&|rows| rows.repeat(2)),
        [
            json!(["fox-1", {"x": 1}]),
            json!(["fox-2", {"x": 1}]),
            json!([null, {"x": 2, "seed": 9}]),
            json!([null, {"x": 2, "seed": 9}]),
        ]
    );
    assert_eq!(read(&|rows| rows.repeat(1)).len(), 2);
    // A row that has the field keeps its own.
    assert_eq!(
        read(&|rows| rows.sweep("seed", numbers(7..9))),
        [
            json!(["fox-7", {"x": 1, "seed": 7}]),
            json!(["fox-8", {"x": 1, "seed": 8}]),
            json!([null, {"x": 2, "seed": 9}]),
        ]
    );
    let both = read(&|rows| {
        rows.sweep("seed", numbers([7, -1]))
            .sweep("style", [json!("ink"), json!(1.0)])
            .repeat(2)
    });
    let ids: Vec<_> = both.iter().filter_map(|row| row[0].as_str()).collect();
    assert_eq!(
        ids,
        [
            "fox-7-ink-1",
            "fox-7-ink-2",
            "fox-7-1-1",
            "fox-7-1-2",
            "fox--1-ink-1",
            "fox--1-ink-2",
            "fox--1-1-1",
            "fox--1-1-2",
        ]
    );
    assert_eq!(both.len(), 8 + 4);
    // A sweep alone is an input; it wins over a default.
    let alone = expanded("{\"id\": \"k\"}", |rows| {
        rows.sweep("seed", numbers([3]))
            .defaults(fields(json!({"seed": 1})))
    });
    assert_eq!(alone.unwrap(), [json!(["k-3", {"seed": 3}])]);
}

#[test]
fn only_the_rows_that_are_asked_for_are_read() {
    let text = "{\"id\": \"a\", \"x\": 1}\n{\"id\": \"b\", \"x\": 2}\n{\"x\": 3}\n";
    let read = |ids: &'static [&str], times| {
        let rows = expanded(text, |rows| rows.only(ids.iter().copied()).repeat(times));
        rows.map(|rows| rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>())
    };
    assert_eq!(read(&["b"], 1).unwrap(), [json!("b")]);
    assert_eq!(read(&["b"], 2).unwrap(), [json!("b-1"), json!("b-2")]);
    assert_eq!(
        read(&["a-2", "b-1"], 2).unwrap(),
        [json!("a-2"), json!("b-1")]
    );
    assert_eq!(read(&["c"], 1).unwrap_err(), "no row has the id \"c\"");
    assert_eq!(
        read(&["a", "d", "c", "a-1"], 1).unwrap_err(),
        "no row has the ids \"a-1\", \"c\", \"d\""
    );
    let bad = expanded("nope\n", |rows| rows.only(["a"]));
    assert_eq!(
        bad.unwrap_err(),
        "no row has the id \"a\"; 1 row could not be read"
    );
    let many: Vec<_> = (10..30).map(|n| n.to_string()).collect();
    let said = expanded(text, |rows| rows.only(many.clone())).unwrap_err();
    assert!(said.ends_with("\"19\" and 10 more"), "{said}");
}

/// A photo may be called `Berlin, 2024.png`.
#[test]
fn a_list_that_is_the_id_of_a_row_is_that_row() {
    let read = |ids: &[&str], lists: &'static [&str], times| {
        let lines = ids.iter().map(|id| json!({"id": id, "x": 1}).to_string());
        let text = lines.collect::<Vec<_>>().join("\n");
        let rows = expanded(&text, |rows| {
            rows.only_listed(lists.iter().copied()).repeat(times)
        });
        rows.map(|rows| {
            let ids = rows.iter().map(|row| row[0].as_str().unwrap().to_owned());
            ids.collect::<Vec<_>>()
        })
    };
    let all = ["a", "b", "a, b", "c"];
    assert_eq!(read(&all, &["a, b"], 1).unwrap(), ["a, b"]);
    assert_eq!(read(&all, &["b,a"], 1).unwrap(), ["a", "b"]);
    assert_eq!(read(&all, &["b,c", "a, b"], 1).unwrap(), ["a, b", "b", "c"]);
    assert_eq!(read(&all, &["a, b", "a"], 1).unwrap(), ["a, b", "a"]);
    assert_eq!(read(&all, &["a, b-2"], 2).unwrap(), ["a, b-2"]);
    assert_eq!(
        read(&all, &["a-2,b-1", "c"], 2).unwrap(),
        ["c-1", "c-2", "a-2", "b-1"]
    );
    assert_eq!(
        read(&all, &["a,d", "e"], 1).unwrap_err(),
        "no row has the ids \"d\", \"e\""
    );
    assert_eq!(
        read(&["a"], &["a, b"], 1).unwrap_err(),
        "no row has the id \"b\""
    );
}

#[test]
fn what_would_make_no_row_or_too_many_is_refused() {
    type Change = fn(Rows) -> Rows;
    let rows: [(Change, &str); 5] = [
        (|rows| rows.repeat(0), "rows are to be repeated 0 times"),
        (|rows| rows.sweep("seed", []), "no value is given for seed"),
        (
            |rows| {
                rows.sweep("seed", numbers(0..2))
                    .sweep("seed", numbers(0..2))
            },
            "the values of seed are given twice",
        ),
        (
            |rows| rows.sweep("seed", numbers(0..50_001)).repeat(2),
            "each row would become more than 100000",
        ),
        (
            |rows| rows.sweep("seed", numbers(0..2)).repeat(usize::MAX),
            "each row would become more than 100000",
        ),
    ];
    for (change, said) in rows {
        let refused = expanded("{\"x\": 1}\n", change).unwrap_err();
        assert!(refused.starts_with(said), "{refused}");
    }
    let most = expanded("{\"x\": 1}\n", |rows| {
        rows.sweep("seed", numbers(0..50_000)).repeat(2)
    });
    assert_eq!(most.unwrap().len(), 100_000);
}

/// A note on the header is for all rows, whichever are read.
#[test]
fn a_column_is_noted_also_if_its_first_row_is_not_asked_for() {
    let rows = |text| Rows::reader(text, Format::Csv).only(["b"]);
    let text = "id,prompt,Client\na,x,ACME\nb,y,\n";
    let rows = all(text, rows, Some("black-forest-labs/flux-schnell")).unwrap();
    assert_eq!(rows.len(), 1);
    let note = &rows[0].as_ref().unwrap().notes[0];
    assert!(note.what.contains("kept as a label") && note.line == 1);
}

/// A note may explain what is wrong with every row.
#[test]
fn a_column_is_noted_also_if_no_row_can_be_used() {
    let model = "black-forest-labs/flux-kontext-pro".parse().unwrap();
    let notes = |text: &'static str| {
        let rows = Rows::reader(Cursor::new(text), Format::Csv);
        let rows = rows.files(|_, _| Err("is no image".to_owned()));
        let mut bad = 0;
        let notes = read(rows, Some(&model), &mut |row| {
            bad += u32::from(row.is_err());
            true
        });
        assert_eq!(bad, 1);
        let notes = notes.unwrap();
        notes.into_iter().map(|note| note.what).collect::<Vec<_>>()
    };
    let of_column = "column \"promt\" is not a field of flux-kontext-pro: kept as a label; did you mean prompt?";
    assert_eq!(notes("promt,seed\nx,1,2\n"), [of_column]);
    assert_eq!(notes("promt,input_image\nx,@a.png\n"), [of_column]);
    assert_eq!(notes("id,promt\na,x\n"), [of_column]);
    let spans = &notes("prompt,seed\n\"a,1\nb,2\"\n")[0];
    assert!(spans.starts_with("spans 2 lines"), "{spans}");
}

/// What a note is about is the row in the file.
#[test]
fn a_row_that_becomes_several_is_noted_once() {
    let rows = |text| Rows::reader(text, Format::Csv).repeat(3);
    let text = "prompt,Client\na,ACME\n";
    let rows = all(text, rows, Some("black-forest-labs/flux-schnell")).unwrap();
    let notes: Vec<_> = rows
        .iter()
        .map(|row| row.as_ref().unwrap().notes.len())
        .collect();
    assert_eq!(notes, [1, 0, 0]);
    assert!(
        rows.iter()
            .all(|row| row.as_ref().unwrap().labels["Client"] == "ACME")
    );
}

proptest! {
    /// Each combination is there as often as it is repeated, and rows with an id have ids of their own.
    #[test]
    fn every_combination_is_there(
        repeat in 1_usize..4,
        seeds in prop::collection::btree_set(-5_i64..20, 1..5),
        styles in prop::collection::btree_set("[a-z]{1,3}", 0..4),
        own_seed: Option<i8>,
        has_id: bool,
    ) {
        let mut row = fields(json!({"x": 1}));
        if let Some(seed) = own_seed {
            row.insert("seed".to_owned(), seed.into());
        }
        if has_id {
            row.insert("id".to_owned(), "fox".into());
        }
        let found = expanded(&json!(row).to_string(), |rows| {
            let rows = rows.repeat(repeat).sweep("seed", numbers(seeds.iter().copied()));
            if styles.is_empty() {
                rows
            } else {
                rows.sweep("style", styles.iter().map(|style| json!(style)))
            }
        })
        .unwrap();
        let swept = if own_seed.is_some() { 1 } else { seeds.len() };
        let inputs = swept * styles.len().max(1);
        prop_assert_eq!(found.len(), inputs * repeat);
        let hash = |row: &Value| identify("a/b", &fields(row[1].clone())).1;
        let hashes: BTreeSet<_> = found.iter().map(hash).collect();
        prop_assert_eq!(hashes.len(), inputs);
        let ids: BTreeSet<_> = found.iter().filter_map(|row| row[0].as_str()).collect();
        prop_assert_eq!(ids.len(), if has_id { found.len() } else { 0 });
        for row in &found {
            if let (Some(id), Some(seed)) = (row[0].as_str(), row[1]["seed"].as_number())
                && own_seed.is_none()
            {
                let start = format!("fox-{}", number_by_value(seed));
                prop_assert!(id.starts_with(&start), "{}", id);
            }
        }
    }
}
