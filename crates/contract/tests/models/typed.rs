//! Every field is reachable by a typed input, under the name that people would look for. The
//! inputs are written by `build.rs` from the table.

use cometapi::ModelInput;
use cometapi::models::*;
use schemars::{Schema, schema_for};
use serde::Serialize;
use serde_json::{Value, json};

use crate::table::table;

/// A model's typed inputs, as JSON with what is expected.
struct Typed {
    model: &'static str,
    /// The required fields alone.
    required: [Value; 2],
    /// Every field.
    all: [Value; 2],
    exported: Schema,
    /// The words of each field that is an enum.
    enums: Vec<(&'static str, Vec<&'static str>)>,
}

fn typed<R, I: ModelInput<Returns = R> + Serialize>(
    required: (I, Value),
    all: (I, Value),
    exported: Schema,
    enums: Vec<(&'static str, Vec<&'static str>)>,
) -> Typed {
    let with_json = |(input, expected): (I, Value)| {
        assert!(input.check().is_ok(), "{:?}", input.check());
        let json = serde_json::to_value(&input).unwrap();
        assert_eq!(json, Value::Object(input.to_input().into_fields()));
        [json, expected]
    };
    Typed {
        model: I::MODEL,
        required: with_json(required),
        all: with_json(all),
        exported,
        enums,
    }
}

macro_rules! words {
    ($field:literal, $($ty:tt)+) => {
        ($field, <$($ty)+>::ALL.iter().map(|word| {
            assert_eq!(word.as_str().parse(), Ok(*word));
            word.as_str()
        }).collect())
    };
}

#[allow(deprecated, reason = "deprecated fields are reachable, too")]
fn every_typed_input() -> Vec<Typed> {
    include!(concat!(env!("OUT_DIR"), "/typed.rs"))
}

#[test]
fn every_field_has_a_setter_and_what_is_not_set_is_not_sent() {
    for typed in every_typed_input() {
        for [sent, expected] in [&typed.required, &typed.all] {
            assert_eq!(sent, expected, "{}", typed.model);
        }
    }
}

#[test]
fn every_model_of_the_table_has_a_typed_input() {
    let ours: Vec<_> = every_typed_input()
        .iter()
        .map(|typed| typed.model)
        .collect();
    let theirs: Vec<_> = table().iter().map(|row| row.model.as_str()).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn every_list_of_words_is_an_enum_of_them() {
    for (typed, row) in every_typed_input().iter().zip(table()) {
        for (field, ours) in &typed.enums {
            let row = row.fields.iter().find(|row| row.name == *field).unwrap();
            let theirs: Vec<_> = row.choices().iter().filter_map(Value::as_str).collect();
            assert_eq!(*ours, theirs, "{} {field}", typed.model);
        }
    }
}

#[test]
fn types_export_the_published_schema() {
    for typed in every_typed_input() {
        let published: Value = serde_json::from_str(find(typed.model).unwrap().schema()).unwrap();
        assert_eq!(typed.exported.to_value(), published, "{}", typed.model);
    }
}

#[test]
fn a_field_by_name_wins_and_the_content_of_an_image_is_not_printed() {
    let input = flux_kontext_pro::FluxKontextPro::new("p")
        .seed(7)
        .with("seed", 8)
        .with("input_image_2", "https://files.example.com/cat.png")
        .input_image(ImageInput::from_bytes([b'x'; 9000]).unwrap());
    let sent = input.to_input();
    assert_eq!(sent.fields()["seed"], 8);
    assert_eq!(
        sent.fields()["input_image_2"],
        "https://files.example.com/cat.png"
    );
    assert_eq!(
        serde_json::to_value(&input).unwrap(),
        Value::Object(sent.into_fields())
    );
    assert!(format!("{input:?}").len() < 800);
}

/// Fails to compile if a run cannot be spawned, or gives something else.
#[test]
fn a_run_gives_what_the_model_returns() {
    use cometapi::{Completed, OutputFile};

    fn gives<T>(_: impl IntoFuture<Output = Result<T, cometapi::Error>, IntoFuture: Send>) {}
    let client = cometapi::Client::builder().key("k").build().unwrap();
    gives::<Vec<OutputFile>>(client.run(flux_schnell::FluxSchnell::new("p")));
    gives::<OutputFile>(client.run(flux11_pro::Flux11Pro::new("p")));
    gives::<Completed>(client.run(flux11_pro::Flux11Pro::new("p")).completed());
}
