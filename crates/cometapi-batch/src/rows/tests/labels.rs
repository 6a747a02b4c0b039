//! What a row holds besides model and input.

use super::*;

const SCHNELL: Option<&str> = Some("black-forest-labs/flux-schnell");
const DEV: Option<&str> = Some("black-forest-labs/flux-dev");

fn table_of(text: &str, model: Option<&str>) -> Result<Vec<Row>, String> {
    let rows = all(text, stated(Format::Csv), model)?;
    Ok(rows.into_iter().map(Result::unwrap).collect())
}

/// Input, labels and notes of each row.
fn parts(rows: Vec<Row>) -> Vec<Value> {
    rows.into_iter()
        .map(|row| {
            let notes: Vec<_> = row.notes.iter().map(ToString::to_string).collect();
            json!([row.id, row.input, row.labels, notes])
        })
        .collect()
}

#[test]
fn a_column_that_is_no_field_of_a_known_model_is_a_label_and_noted_once() {
    let text = "\u{feff}ID;Prompt;Aspect Ratio;Größe cm;Client;seeds;Num-Outputs\r\n\
                fox;ein Fuchs;16:9; 30 ;ACME;;2\r\n\
                boat;\"a;b\";;;ACME;7;\r\n";
    let note = |name: &str| {
        format!("line 1: column {name:?} is not a field of flux-schnell: kept as a label")
    };
    assert_eq!(
        parts(table_of(text, SCHNELL).unwrap()),
        [
            json!([
                "fox",
                {"prompt": "ein Fuchs", "aspect_ratio": "16:9", "num_outputs": 2},
                {"Größe cm": "30", "Client": "ACME"},
                [note("Größe cm"), note("Client")]
            ]),
            json!([
                "boat",
                {"prompt": "a;b"},
                {"Client": "ACME", "seeds": "7"},
                [format!("{}; did you mean seed?", note("seeds"))]
            ]),
        ]
    );
    // No slip for a field that has a column.
    let rows = table_of("prompt,seed,seeds\nx,1,2\n", SCHNELL).unwrap();
    assert_eq!(rows[0].notes[0].to_string(), note("seeds"));
}

#[test]
fn a_column_is_what_it_is_to_the_model_of_the_row() {
    let text =
        "model,prompt,guidance,Note\nflux-schnell,a,3.5,x\nflux-dev,b,3.5,\nacme/p,c,3.5,y\n";
    let rows = table_of(text, None).unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| json!([row.input, row.labels]))
        .collect();
    assert_eq!(
        shown,
        [
            json!([{"prompt": "a"}, {"guidance": "3.5", "Note": "x"}]),
            json!([{"prompt": "b", "guidance": 3.5}, {}]),
            json!([{"prompt": "c", "guidance": 3.5, "Note": "y"}, {}]),
        ]
    );
}

#[test]
fn a_name_that_no_field_can_have_is_a_label_of_any_model() {
    let rows = table_of("Prompt,seed,My notes\na,1,x\n", Some("a/b")).unwrap();
    assert_eq!(
        parts(rows),
        [json!([
            null,
            {"prompt": "a", "seed": 1},
            {"My notes": "x"},
            ["line 1: column \"My notes\" cannot be a field: kept as a label"]
        ])]
    );
}

#[test]
fn rows_that_are_sent_unchecked_have_every_column_that_can_be_a_field() {
    let text = "prompt,new_field,My notes\na,1,x\n";
    let rows = |text| Rows::reader(text, Format::Csv).unchecked(true);
    let row = all(text, rows, SCHNELL).unwrap().remove(0).unwrap();
    assert_eq!(json!(row.input), json!({"prompt": "a", "new_field": 1}));
    assert_eq!(json!(row.labels), json!({"My notes": "x"}));
}

#[test]
fn two_columns_that_are_one_field_are_refused_by_name() {
    for (text, model, said) in [
        (
            "prompt,Prompt\na,b\n",
            Some("a/b"),
            "\"prompt\" and \"Prompt\" are both prompt",
        ),
        (
            "id,prompt,ID\na,b,c\n",
            SCHNELL,
            "\"id\" and \"ID\" are both id",
        ),
        (
            "prompt,model,Model\na,b,c\n",
            SCHNELL,
            "\"model\" and \"Model\" are both model",
        ),
        (
            "prompt,Aspect Ratio,aspect-ratio\na,1:1,1:1\n",
            SCHNELL,
            "\"Aspect Ratio\" and \"aspect-ratio\" are both aspect_ratio",
        ),
    ] {
        let refused = table_of(text, model).unwrap_err();
        assert!(refused.starts_with("line 1: the columns"), "{refused}");
        assert!(refused.contains(said), "{refused}");
    }
    // To another model they are two things.
    assert!(table_of("prompt,a_b,a-b\nx,1,2\n", Some("a/b")).is_ok());
}

#[test]
fn a_header_of_any_names_is_one_if_a_column_is_known() {
    for rows in [
        &Rows::detect as &dyn Fn(_) -> _,
        &stated(Format::Csv),
        &named("p.csv"),
    ] {
        for text in [
            "Kunde & Ort,Prompt\nACME,a fox\n",
            "客户\tprompt\nACME\ta fox\n",
            "Kunde Nr.;Num Outputs;prompt\n1;;a fox\n",
        ] {
            let read = all(text, rows, SCHNELL).unwrap().remove(0).unwrap();
            assert_eq!(json!(read.input), json!({"prompt": "a fox"}), "{text}");
            assert_eq!(read.labels.len(), 1, "{text}");
        }
    }
}

#[test]
fn a_decimal_comma_is_read_between_semicolons_alone() {
    let semicolons = table_of("prompt;guidance\na;3,5\n", DEV).unwrap();
    assert_eq!(semicolons[0].input["guidance"], json!(3.5));
    let tabs = table_of("prompt\tguidance\na\t3,5\n", DEV).unwrap();
    assert_eq!(tabs[0].input["guidance"], json!("3,5"));
    let prompt = table_of("prompt;guidance\n3,5;\n", DEV).unwrap();
    assert_eq!(prompt[0].input["prompt"], json!("3,5"));
}

#[test]
fn a_row_of_json_may_have_labels() {
    let read = |line: &str, model| {
        let row = all(line, stated(Format::JsonLines), model)
            .unwrap()
            .remove(0);
        row.map(|row| json!([row.input, row.labels]))
            .map_err(|problems| problems[0].to_string())
    };
    let labels = r#""labels": {"client": "ACME", "no": 7.50, "paid": true, "x": null, "y": ""}"#;
    let texts = json!({"client": "ACME", "no": "7.5", "paid": "true"});
    let input = json!({"prompt": "a"});
    let flat = format!(r#"{{"prompt": "a", {labels}}}"#);
    let nested = format!(r#"{{"input": {{"prompt": "a"}}, {labels}}}"#);
    assert_eq!(read(&flat, SCHNELL), Ok(json!([input, texts])));
    assert_eq!(read(&nested, SCHNELL), Ok(json!([input, texts])));
    assert_eq!(read(&nested, Some("a/b")), Ok(json!([input, texts])));
    // It may be a field.
    let sent = read(&flat, Some("a/b")).unwrap();
    assert_eq!(sent[0]["labels"]["client"], "ACME");
    for (bad, said) in [
        (
            r#"{"prompt": "a", "labels": "x"}"#,
            "line 1, labels: must be an object",
        ),
        (
            r#"{"prompt": "a", "labels": {"b": []}}"#,
            "line 1, labels: b must be a string, a number, true or false",
        ),
    ] {
        let refused = read(bad, SCHNELL).unwrap_err();
        assert!(refused.starts_with(said), "{refused}");
    }
    // Unknown keys are left to the check.
    let row = read(r#"{"prompt": "a", "client": "ACME"}"#, SCHNELL).unwrap();
    assert_eq!(row, json!([{"prompt": "a", "client": "ACME"}, {}]));
}

#[test]
fn a_column_for_people_is_not_read_and_one_for_a_label_is_not_noted() {
    let text = "id,model,#reason,prompt,label:client,label:steps\n\
                a,a/b,\"NSFW, so it failed\",x,ACME,\n\
                b,flux-schnell,,y,,7\n";
    assert_eq!(
        parts(table_of(text, None).unwrap()),
        [
            json!(["a", {"prompt": "x"}, {"client": "ACME"}, []]),
            json!(["b", {"prompt": "y"}, {"steps": "7"}, []]),
        ]
    );
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[ -~\r\n]{0,12}".prop_map(Value::from),
        "[0-9tfn{\"\\[].{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    /// What is written to be edited is the same row when it is not.
    #[test]
    fn a_cell_is_read_as_the_value_that_it_was_written_for(
        value in values(),
        field in prop_oneof![Just("prompt"), Just("seed"), Just("go_fast"), Just("note")],
        model in prop_oneof![Just("a/b"), Just("black-forest-labs/flux-schnell")],
    ) {
        let of = model.parse().unwrap();
        if let Some(cell) = csv_cell(&of, field, &value, false) {
            let mut table = csv::Writer::from_writer(Vec::new());
            table.write_record(["id", field]).unwrap();
            table.write_record(["x", &cell]).unwrap();
            let text = String::from_utf8(table.into_inner().unwrap()).unwrap();
            let rows = table_of(&text, Some(model)).unwrap();
            prop_assert_eq!(&rows[0].input[field], &value, "{}", text);
        }
    }
}

#[test]
fn most_values_have_a_cell() {
    let other = "a/b".parse().unwrap();
    for value in [
        json!("a fox"),
        json!("7"),
        json!("true"),
        json!("a, \"b\"\nc"),
        json!("a\0b"),
        json!(7),
        json!(1.5),
        json!(true),
        json!({"a": [1, "x"]}),
        json!(""),
    ] {
        assert!(csv_cell(&other, "note", &value, false).is_some(), "{value}");
    }
    // A name that is no field's is a label's column.
    assert_eq!(csv_cell(&other, "a note", &json!("x"), false), None);
    let schnell = "flux-schnell".parse().unwrap();
    assert_eq!(csv_cell(&schnell, "note", &json!("x"), false), None);
    assert_eq!(
        csv_cell(&schnell, "note", &json!("x"), true).as_deref(),
        Some("x")
    );
    // An empty cell is not sent.
    assert_eq!(csv_cell(&schnell, "prompt", &json!(""), false), None);
}
