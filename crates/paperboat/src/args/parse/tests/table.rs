//! The flags and the help, held to a table of the models that was transcribed without the spec
//! from which they are made.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::{field, input_of, refusal, what};

/// A model of the table.
struct Row(Value);

fn table() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../contract/data/models.yaml");
    let text = fs::read_to_string(path).unwrap();
    let rows: Vec<Value> = serde_saphyr::from_str(&text).unwrap();
    rows.into_iter().map(Row).collect()
}

impl Row {
    fn model(&self) -> &str {
        self.0["model"].as_str().unwrap()
    }

    fn fields(&self) -> impl Iterator<Item = &Value> {
        self.0["fields"].as_array().unwrap().iter()
    }

    fn extras(&self) -> impl Iterator<Item = &str> {
        let extras = self.0["extras"].as_array().into_iter().flatten();
        extras.map(|extra| extra["name"].as_str().unwrap())
    }

    /// The help of each of its flags, in one line each.
    fn help(&self) -> BTreeMap<String, String> {
        let help = refusal(&["run", self.model(), "--help"]);
        let heading = format!("Input of {}:\n", self.model());
        let (_, help) = help.split_once(&heading).unwrap();
        let end = format!("\n\n{}: ", self.model());
        let (help, _) = help.split_once(&end).unwrap();
        let mut flags = BTreeMap::new();
        // One of them has a short form, too.
        let help = format!("\n{}", help.replace("\n  -n, --", "\n      --"));
        for flag in help.split("\n      --").skip(1) {
            let end = flag.find([' ', '[', '\n']).unwrap();
            let words: Vec<_> = flag[end..].split_whitespace().collect();
            flags.insert(flag[..end].to_owned(), words.join(" "));
        }
        flags
    }
}

fn name(field: &Value) -> &str {
    field["name"].as_str().unwrap()
}

/// What a flag's help says that it takes.
fn takes(field: &Value) -> String {
    let limit = |at: &str| field[at].as_f64().map(|limit| limit.to_string());
    match (field["type"].as_str().unwrap(), &field["enum"]) {
        ("string", Value::Array(words)) => {
            let words: Vec<_> = words.iter().map(|word| word.as_str().unwrap()).collect();
            words.join(" | ")
        }
        ("string", _) => "text".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        ("image", _) => "a URL or @FILE".to_owned(),
        ("images", _) => {
            let least = field["min_items"].as_u64().filter(|least| *least > 0);
            "a URL or @FILE, once for each".to_owned() + &items(least, field)
        }
        ("array", _) => "a list of strings".to_owned() + &items(field["min_items"].as_u64(), field),
        ("any", _) => "any json".to_owned(),
        ("integer", Value::Array(choices)) => {
            let choices: Vec<_> = choices.iter().map(Value::to_string).collect();
            choices.join(" | ")
        }
        (kind, _) => match (limit("minimum"), limit("maximum")) {
            (Some(minimum), Some(maximum)) => format!("{minimum}–{maximum}"),
            (Some(minimum), None) => format!("{minimum} or more"),
            (None, Some(maximum)) => format!("{maximum} or less"),
            (None, None) if kind == "integer" => "a whole number".to_owned(),
            (None, None) => "a number".to_owned(),
        },
    }
}

/// What a flag's help says of the length of a list.
fn items(least: Option<u64>, field: &Value) -> String {
    match (least, field["max_items"].as_u64()) {
        (Some(least), Some(most)) => format!(", {least}–{most}"),
        (Some(least), None) => format!(", {least} at least"),
        (None, Some(most)) => format!(", {most} at most"),
        (None, None) => String::new(),
    }
}

#[test]
fn the_help_lists_every_flag_with_what_it_takes_and_its_default() {
    for row in table() {
        let mut help = row.help();
        for field in row.fields() {
            let at = format!("{} {}", row.model(), name(field));
            let said = help.remove(&field::flag(name(field)));
            let said = said.unwrap_or_else(|| panic!("{at}: no flag"));
            let mut notes = vec![takes(field)];
            if field["required"] == true {
                notes.push("required".to_owned());
            }
            // The help does not say that a list is empty by default.
            if let Some(default) = field["default"].as_str().filter(|text| *text != "[]") {
                notes.push(format!("default: {default}"));
            }
            for (relation, word) in [("only_with", "only with"), ("not_with", "not with")] {
                for (other, value) in field[relation].as_object().into_iter().flatten() {
                    notes.push(format!("{word} {other}={}", value.as_str().unwrap()));
                }
            }
            if field["deprecated"] == true {
                notes.push("deprecated".to_owned());
            }
            for note in &notes {
                assert!(said.contains(&format!("[{note}]")), "{at}: {note}\n{said}");
            }
            if field["default"].is_null() {
                assert!(!said.contains("[default"), "{at}\n{said}");
            }
        }
        assert!(help.is_empty(), "{}: {:?}", row.model(), help.keys());
    }
}

/// A value as it is typed, and as it must be sent.
fn samples(field: &Value) -> Vec<(String, Value)> {
    const IMAGE: &str = "https://files.example.com/a.png";
    let same = |value: &Value| (value.to_string(), value.clone());
    match (field["type"].as_str().unwrap(), &field["enum"]) {
        ("string", Value::Array(words)) => {
            let word = |word: &Value| (word.as_str().unwrap().to_owned(), word.clone());
            words.iter().map(word).collect()
        }
        ("string", _) => vec![("1984".into(), json!("1984"))],
        ("boolean", _) => vec![same(&json!(true)), same(&json!(false))],
        ("image", _) => vec![(IMAGE.into(), json!(IMAGE))],
        ("images", _) => vec![(IMAGE.into(), json!([IMAGE]))],
        ("array", _) => vec![("x".into(), json!(["x"]))],
        ("any", _) => vec![same(&json!({"a": [1]}))],
        ("integer", Value::Array(choices)) => choices.iter().map(same).collect(),
        _ => {
            let limits = [&field["minimum"], &field["maximum"]];
            let limits: Vec<_> = limits.into_iter().filter(|it| !it.is_null()).collect();
            if limits.is_empty() {
                return vec![same(&json!(-7))];
            }
            limits.into_iter().map(same).collect()
        }
    }
}

#[test]
fn every_flag_sets_its_field() {
    for row in table() {
        for field in row.fields() {
            for (text, value) in samples(field) {
                let flag = format!("--{}={text}", field::flag(name(field)));
                let what = what(&["create", row.model(), &flag]).unwrap();
                let read = input_of(&what).unwrap();
                let expected = json!({ name(field): value });
                assert_eq!(Value::from(read), expected, "{} {flag}", row.model());
            }
        }
    }
}

/// What only the gateway's pages show is let through, and is no flag.
#[test]
fn extras_are_given_as_pairs_alone() {
    for row in table() {
        let model = cometapi::models::find(row.model()).unwrap();
        for extra in row.extras() {
            let flag = format!("--{}=https://example.com/a.png", field::flag(extra));
            assert!(what(&["create", row.model(), &flag]).is_err(), "{flag}");
            let pair = format!("{extra}=https://example.com/a.png");
            let required = row.fields().filter(|field| field["required"] == true);
            let required = required.map(|field| format!("{}={}", name(field), samples(field)[0].0));
            let required: Vec<_> = required.collect();
            let mut words = vec!["create", row.model(), &pair];
            words.extend(required.iter().map(String::as_str));
            let what = what(&words).unwrap();
            let warnings = model.check(&input_of(&what).unwrap()).unwrap();
            assert_eq!(warnings[0].field(), extra);
            let help = refusal(&["run", row.model(), "--help"]);
            let help: Vec<_> = help.split_whitespace().collect();
            let help = help.join(" ");
            let (_, named) = help.split_once("gateway's pages alone: ").unwrap();
            assert!(named.contains(extra), "{help}");
        }
    }
}
