//! Published schemas become components. A changed component or note is looked at, then
//! accepted with `INSTA_UPDATE=always`.

use std::fmt::Write;
use std::fs;

use cometapi_codegen::{
    Error, ImportOptions, ImportOutput, Imported, Importer, PREDICTIONS, import_model, read,
};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{generate, root};

fn published(file: &str) -> String {
    let folder = root().join("crates/cometapi-codegen/tests/data/published");
    fs::read_to_string(folder.join(file)).unwrap()
}

fn options() -> ImportOptions {
    ImportOptions::default()
        .model("acme/thing")
        .output(ImportOutput::Single)
}

fn imported(file: &str, options: &ImportOptions) -> Imported {
    import_model(&published(file), options).unwrap()
}

/// Component and notes, as a person sees them.
fn shown(imported: &Imported) -> String {
    let mut shown = imported.yaml.clone();
    for note in &imported.notes {
        write!(shown, "\nnote: {note}").unwrap();
    }
    shown
}

fn refusal(published: &str, options: &ImportOptions) -> String {
    match import_model(published, options) {
        Err(error @ Error::Published { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The component as it reads back.
fn component(imported: &Imported) -> Value {
    let mut whole = read(&imported.yaml).unwrap();
    whole[&imported.component].take()
}

#[test]
fn a_model_with_nested_references_and_an_order_of_its_own() {
    let imported = imported("studio.json", &ImportOptions::default());
    assert_eq!(imported.component, "StudioPortraitInput");
    assert_eq!(imported.model, "acme/studio-portrait");
    assert_snapshot!("studio", shown(&imported));
}

#[test]
fn a_version_in_the_words_of_openapi_3_1() {
    let options = ImportOptions::default().model("acme/in-paint-2");
    assert_snapshot!("version", shown(&imported("version.json", &options)));
}

#[test]
fn the_input_alone() {
    assert_snapshot!("bare", shown(&imported("bare.json", &options())));
}

#[test]
fn what_cannot_be_kept_is_said() {
    assert_snapshot!("odd", shown(&imported("odd.json", &options())));
}

#[test]
fn texts_that_yaml_would_take_for_something_else() {
    let imported = imported("hostile.json", &options());
    assert_snapshot!("hostile", shown(&imported));

    let source: Value = serde_json::from_str(&published("hostile.json")).unwrap();
    let component = component(&imported);
    for (name, field) in source["properties"].as_object().unwrap() {
        let written = &component["properties"][name];
        assert_eq!(written["enum"], field["enum"], "{name}");
        if let Some(default) = field["default"].as_str() {
            assert_eq!(written["x-default"], default, "{name}");
        }
        let description = field["description"].as_str().unwrap().replace("\r\n", "\n");
        assert_eq!(written["description"], description, "{name}");
    }
}

#[test]
fn each_line_fits_but_for_what_cannot_be_broken() {
    for (file, options) in [
        ("studio.json", ImportOptions::default()),
        ("version.json", options()),
        ("odd.json", options()),
    ] {
        let imported = imported(file, &options);
        for line in imported.yaml.lines() {
            assert!(line.chars().count() <= 92, "{line}");
            assert_eq!(line.trim_end(), line);
        }
    }
}

#[test]
fn the_spec_takes_what_was_imported() {
    for (file, options) in [
        ("studio.json", ImportOptions::default()),
        ("version.json", options()),
        ("bare.json", options()),
        ("odd.json", options()),
    ] {
        let imported = imported(file, &options);
        let spec = format!("{}\n{}", crate::spec_text(), imported.yaml);
        if let Err(error) = generate(&spec) {
            panic!("{file}: {error}");
        }
    }
}

#[test]
fn a_secret_is_printed_nowhere() {
    let shown = shown(&imported("odd.json", &options()));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn model_and_output_as_asked_win_and_that_is_said() {
    let options = ImportOptions::default()
        .model("other/name")
        .output(ImportOutput::Single);
    let imported = imported("studio.json", &options);
    assert_eq!(imported.component, "NameInput");
    let component = component(&imported);
    assert_eq!(component["x-model"], "other/name");
    assert_eq!(component["x-output"], "single");
    for place in ["`x-model`: ", "`Output`: "] {
        assert!(
            imported.notes.iter().any(|note| note.starts_with(place)),
            "{:?}",
            imported.notes
        );
    }
}

#[test]
fn what_is_missing_is_asked_for() {
    let nothing = ImportOptions::default();
    let model = ImportOptions::default().model("acme/thing");
    for (published, options, words) in [
        (published("version.json"), &nothing, "--model owner/name"),
        (published("bare.json"), &model, "--output list"),
    ] {
        let refusal = refusal(&published, options);
        assert!(refusal.contains(words), "{refusal}");
    }
}

#[test]
fn an_output_is_read_as_the_clients_of_the_publisher_read_it() {
    let uri = json!({"type": "string", "format": "uri"});
    let string = json!({"type": "string"});
    let found = json!({"$ref": "#/components/schemas/Found"});
    let tokens = |items: &Value, display: Value| {
        let mut schema = json!({"type": "array", "items": items, "x-cog-array-type": "iterator"});
        schema["x-cog-array-display"] = display;
        schema
    };
    let model = ImportOptions::default().model("acme/thing");
    for (output, word, note) in [
        (uri.clone(), "single", None),
        (
            json!({"anyOf": [uri, {"type": "null"}]}),
            "single",
            Some("may be null"),
        ),
        (json!({"type": "array", "items": uri}), "list", None),
        (tokens(&uri, Value::Null), "list", None),
        (string.clone(), "text", None),
        (
            json!({"type": "string", "nullable": true}),
            "text",
            Some("may be null"),
        ),
        (json!({"enum": ["yes", "no"]}), "text", None),
        (tokens(&string, "concatenate".into()), "text", None),
        (
            tokens(&string, Value::Null),
            "json",
            Some("parts of one text"),
        ),
        (
            json!({"type": "array", "items": string}),
            "json",
            Some("parts of one text"),
        ),
        (json!({"type": "array", "items": found}), "json", None),
        (json!({"type": "array"}), "json", Some("items")),
        (
            json!({"type": "array", "items": {"type": "array", "items": uri}}),
            "json",
            None,
        ),
        (found, "json", None),
        (json!({"type": "number"}), "json", None),
        (json!({"type": "boolean"}), "json", None),
        (json!({"title": "Output"}), "json", Some("gives no type")),
        (
            json!({"anyOf": [uri, {"type": "array", "items": uri}]}),
            "json",
            Some("several types"),
        ),
        (
            json!({"$ref": "#/components/schemas/Nowhere"}),
            "json",
            Some("nothing stands"),
        ),
    ] {
        let published = json!({"components": {"schemas": {
            "Input": {"properties": {"a": {"type": "string", "description": "A."}}},
            "Output": output,
            "Found": {"type": "object"},
        }}});
        let published = published.to_string();
        let imported = import_model(&published, &model).unwrap();
        assert_eq!(imported.output.word(), word, "{output}");
        assert_eq!(component(&imported)["x-output"], word, "{output}");
        let notes: Vec<_> = imported
            .notes
            .iter()
            .filter(|note| note.starts_with("`Output`"))
            .collect();
        assert_eq!(
            notes.len(),
            usize::from(note.is_some()),
            "{output}: {notes:?}"
        );
        let said = note.is_none_or(|note| notes[0].contains(note));
        assert!(said, "{output}: {notes:?}");

        // What is asked for wins, whatever is stated.
        let asked = model.clone().output(ImportOutput::List);
        let imported = import_model(&published, &asked).unwrap();
        assert_eq!(imported.output, ImportOutput::List);
    }
}

#[test]
fn a_document_without_output_is_any_json_and_that_is_said() {
    let schemas = json!({"Input": {"properties": {"a": {"type": "string"}}}});
    let published = json!({"components": {"schemas": schemas}}).to_string();
    let model = ImportOptions::default().model("acme/thing");
    let imported = import_model(&published, &model).unwrap();
    assert_eq!(imported.output, ImportOutput::Json);
    let said = "`Output`: no schema describes it; it is `json`";
    assert!(
        imported.notes.iter().any(|note| note == said),
        "{:?}",
        imported.notes
    );

    let asked = import_model(&published, &model.output(ImportOutput::Text)).unwrap();
    assert_eq!(asked.output, ImportOutput::Text);
    assert!(!asked.notes.iter().any(|note| note.starts_with("`Output`")));
}

#[test]
fn what_is_no_published_schema_is_refused_with_a_reason() {
    let input = |input: Value| {
        json!({"components": {"schemas": {"Input": input}}, "openapi": "3.0.2"}).to_string()
    };
    let field = |name: &str| json!({"properties": {name: {"type": "string"}}}).to_string();
    let deep = "[".repeat(4000);
    let many = (0..=1000).map(|index| (format!("a{index}"), json!({})));
    let many = json!({"properties": many.collect::<Value>()});
    let mut fan = json!({"Input": {"$ref": "#/components/schemas/A0"}});
    for level in 0..40 {
        let next = json!({"$ref": format!("#/components/schemas/A{}", level + 1)});
        fan[format!("A{level}")] = json!({"allOf": [next, next], "properties": {"a": {}}});
    }
    let rows = [
        (String::new(), "no JSON that can be read: EOF"),
        ("openapi: 3.0.2".into(), "no JSON that can be read"),
        (deep, "recursion limit"),
        ("[1]".into(), "no JSON object"),
        (
            r#"{"a": 1, "a": 2}"#.into(),
            r#"the key "a" is given twice"#,
        ),
        ("{}".into(), "no `properties`"),
        (r#"{"results": [{}]}"#.into(), "a list of versions"),
        (r#"{"latest_version": null}"#.into(), "no `latest_version`"),
        (r#"{"latest_version": {}}"#.into(), "no `openapi_schema`"),
        (
            r#"{"openapi_schema": {}}"#.into(),
            "no `components.schemas.Input`",
        ),
        (
            r#"{"openapi_schema": 7}"#.into(),
            "no `components.schemas.Input`",
        ),
        (input(json!({})), "has no properties"),
        (input(json!({"properties": []})), "has no properties"),
        (input(many), "has 1001 fields"),
        (input(json!("Input")), "is no schema"),
        (
            input(json!({"$ref": "#/components/schemas/Input"})),
            "refers to itself",
        ),
        (
            json!({"components": {"schemas": fan}}).to_string(),
            "fan out without end",
        ),
        (field(""), "the field `` has no name"),
        (
            field("\u{1b}[2Ja"),
            r"the field `\u{1b}[2Ja` has a control character",
        ),
        (field(&"a".repeat(2000)), "more than 128 bytes"),
    ];
    for (published, words) in rows {
        let refusal = refusal(&published, &options());
        assert!(refusal.contains(words), "{words}: {refusal}");
        assert!(!refusal.contains('\u{1b}'), "{refusal}");
    }
    for model in [
        "thing", "acme/", "/thing", "a/b/c", "a/b:c", "a/../b", "a/b\n", "a/-",
    ] {
        let refusal = refusal(&published("bare.json"), &options().model(model));
        assert!(refusal.contains("write `owner/name`"), "{refusal}");
    }
}

#[test]
fn a_long_chain_of_references_does_not_exhaust_the_stack() {
    let mut schemas = json!({"Input": {"properties": {
        "a": {"$ref": "#/components/schemas/A0"},
    }}});
    for level in 0..20_000 {
        schemas[format!("A{level}")] =
            json!({"$ref": format!("#/components/schemas/A{}", level + 1)});
    }
    let published = json!({"components": {"schemas": schemas}}).to_string();
    let imported = import_model(&published, &options()).unwrap();
    assert!(
        imported
            .notes
            .iter()
            .any(|note| note.contains("nested too deep")),
        "{:?}",
        imported.notes
    );
}

#[test]
fn a_choice_says_what_all_of_its_members_say() {
    let uri = json!({"type": "string", "format": "uri"});
    let nothing = json!({"type": "null"});
    for (schema, written) in [
        (
            json!({"anyOf": [uri, nothing]}),
            json!({"type": "string", "format": "uri", "nullable": true}),
        ),
        (
            json!({"anyOf": [{"oneOf": [{"enum": ["a"]}, nothing]}, {"const": "b"}]}),
            json!({"type": "string", "nullable": true, "enum": ["a", "b"]}),
        ),
        (
            json!({"type": "string", "anyOf": [{"format": "uri"}, {"maxLength": 3}]}),
            json!({"type": "string"}),
        ),
        (
            json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "number", "minimum": 1}]}),
            json!({"type": "number", "minimum": 1}),
        ),
        (
            json!({"allOf": [{"type": "number", "minimum": 1}, {"type": "integer", "minimum": 2}]}),
            json!({"type": "integer", "minimum": 2}),
        ),
        (
            json!({"anyOf": [uri, {"type": "array", "items": uri}]}),
            json!({}),
        ),
        (
            json!({"type": ["string", "null"]}),
            json!({"type": "string", "nullable": true}),
        ),
        (json!({"type": ["string", "integer"]}), json!({})),
    ] {
        let published = json!({"properties": {"a": schema}}).to_string();
        let imported = import_model(&published, &options()).unwrap();
        let mut property = component(&imported)["properties"]["a"].take();
        for word in ["x-order", "description"] {
            property.as_object_mut().unwrap().remove(word);
        }
        assert_eq!(property, written, "{schema}");
    }
}

#[test]
fn models_are_named_as_the_spec_names_them() {
    for (model, component) in [
        ("black-forest-labs/flux-2-klein-4b", "Flux2Klein4bInput"),
        (
            "black-forest-labs/flux-1.1-pro-ultra",
            "Flux11ProUltraInput",
        ),
        ("acme/4x_upscaler", "Model4xUpscalerInput"),
        ("acme/Already.Camel", "AlreadyCamelInput"),
    ] {
        let imported = imported("bare.json", &options().model(model));
        assert_eq!(imported.component, component);
    }
    let spec = read(&crate::spec_text()).unwrap();
    for (name, schema) in spec["components"]["schemas"].as_object().unwrap() {
        if let Some(model) = schema["x-model"].as_str() {
            let imported = imported("bare.json", &options().model(model));
            assert_eq!(imported.component, *name);
        }
    }
}

#[test]
fn two_models_never_share_a_component_or_a_module() {
    let spec = read(&crate::spec_text()).unwrap();
    let mut importer = Importer::for_spec(&spec);
    let mut import =
        |model: &str| importer.import(&published("bare.json"), &options().model(model));
    let mut spec = crate::spec_text();
    for (model, component) in [
        ("acme/brush", "BrushInput"),
        ("other/brush", "OtherBrushInput"),
        ("other-/brush", "OtherBrushV2Input"),
        ("o/BRUSH", "OBRUSHInput"),
        ("acme/flux-dev", "AcmeFluxDevInput"),
        ("acme/fluxDev", "AcmeFluxDevV2Input"),
        ("acme/4x", "Model4xInput"),
        ("4ever/4x", "Model4ever4xInput"),
        ("acme/_", "AcmeInput"),
        ("_x/option", "OptionInput"),
        ("acme/self", "SelfInput"),
        ("acme/image", "ImageInput"),
    ] {
        let made = import(model).unwrap();
        assert_eq!(made.component, component, "{model}");
        spec = spec + "\n" + &made.yaml;
    }
    PREDICTIONS.artifacts(&spec).unwrap();

    for (model, component) in [
        ("acme/brush", "BrushInput"),
        ("Acme/Brush", "BrushInput"),
        ("black-forest-labs/flux-dev", "FluxDevInput"),
    ] {
        let expected = Error::AlreadyThere {
            model: model.to_owned(),
            component: component.to_owned(),
        };
        assert_eq!(import(model).unwrap_err(), expected);
    }
    let refusal = refusal(&published("bare.json"), &options().model("_/_"));
    assert!(
        refusal.contains("no letters to name a type after"),
        "{refusal}"
    );
}

/// Texts of the kinds that break YAML, and any others.
fn text() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        " ",
        "  ",
        "\n",
        "\n\n",
        "\t",
        "\r\n",
        ": ",
        " #",
        "- ",
        "'",
        "\"",
        "\\",
        "a",
        "word",
        "yes",
        "1",
        ".",
        "{",
        "[",
        ",",
        "|",
        ">",
        "%",
        "&",
        "*",
        "!",
        "?",
        "---",
        "...",
        "é",
        "🦊",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{e000}",
        "\u{10ffff}",
    ]);
    prop_oneof![
        prop::collection::vec(parts, 0..40).prop_map(|parts| parts.concat()),
        prop::collection::vec("[a-z:#,]{1,12}", 0..40).prop_map(|words| words.join(" ")),
        any::<String>(),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "string", "integer", "number", "boolean", "array", "object", "null", "odd",
    ]);
    let word = prop_oneof![
        kind.prop_map(|kind| json!({"type": kind})),
        text().prop_map(|text| json!({"description": text})),
        scalar().prop_map(|value| json!({"default": value})),
        scalar().prop_map(|value| json!({"minimum": value})),
        scalar().prop_map(|value| json!({"maximum": value})),
        scalar().prop_map(|value| json!({"title": value})),
        scalar().prop_map(|value| json!({"x-order": value})),
        prop::collection::vec(scalar(), 0..6).prop_map(|values| json!({"enum": values})),
        any::<bool>().prop_map(|nullable| json!({"nullable": nullable})),
        Just(json!({"format": "uri"})),
        Just(json!({"$ref": "#/components/schemas/other"})),
    ];
    let words = prop::collection::vec(word, 0..6).prop_map(|words| {
        let words = words
            .into_iter()
            .filter_map(|word| word.as_object().cloned());
        words.flatten().collect::<Value>()
    });
    words.prop_recursive(3, 12, 3, |inner| {
        let key = prop::sample::select(vec!["allOf", "anyOf", "oneOf"]);
        prop_oneof![
            (key, prop::collection::vec(inner.clone(), 0..3))
                .prop_map(|(key, members)| json!({key: members})),
            inner.prop_map(|items| json!({"type": "array", "items": items})),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_published_is_imported_or_refused(
        fields in prop::collection::vec((text(), schema()), 1..6),
        required in prop::collection::vec(0_usize..6, 0..3),
        other in schema(),
        description in text(),
    ) {
        let required: Vec<_> = required
            .into_iter()
            .filter_map(|index| fields.get(index))
            .map(|(name, _)| name.clone())
            .collect();
        let properties: Value = fields.iter().cloned().collect();
        let published = json!({"components": {"schemas": {
            "Input": {
                "description": description, "required": required, "properties": properties,
            },
            "other": other,
        }}});
        match import_model(&published.to_string(), &options()) {
            Ok(imported) => {
                let component = component(&imported);
                let described = description.trim().replace("\r\n", "\n").replace('\r', "\n");
                if !described.is_empty() {
                    prop_assert_eq!(&component["description"], &described);
                }
                let written = component["properties"].as_object().unwrap();
                let properties = properties.as_object().unwrap();
                prop_assert_eq!(written.len(), properties.len());
                for (order, (name, field)) in written.iter().enumerate() {
                    prop_assert!(properties.contains_key(name));
                    prop_assert_eq!(&field["x-order"], &json!(order));
                }
                for note in &imported.notes {
                    prop_assert!(!note.contains(char::is_control), "{:?}", note);
                }
            }
            // The names are the only thing for which an import may be refused here.
            Err(error) => {
                let error = error.to_string();
                prop_assert!(error.contains("the field `"), "{}", error);
            }
        }
    }

    #[test]
    fn prose_reads_back_as_it_was(text in text()) {
        let published = json!({"properties": {"a": {"type": "string", "description": text}}});
        let imported = import_model(&published.to_string(), &options()).unwrap();
        let text = text.trim().replace("\r\n", "\n").replace('\r', "\n");
        let component = component(&imported);
        let written = component["properties"]["a"]["description"].as_str();
        let none = "Not described by its publisher.";
        prop_assert_eq!(written.unwrap(), if text.is_empty() { none } else { &text });
    }

    #[test]
    fn text_that_is_no_schema_is_refused_without_panic(text in any::<String>()) {
        prop_assert!(import_model(&text, &options()).is_err());
    }
}
