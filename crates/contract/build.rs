//! Writes a typed input for each row of `data/models.yaml` as Rust, for the tests of the models:
//! once with the required fields alone, once with every field. The names and values come from
//! the table and not from the spec, so that a wrong name or type in the typed inputs does not
//! compile.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

const TABLE: &str = "data/models.yaml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={TABLE}");
    println!("cargo::rerun-if-changed=build.rs");
    let rows: Vec<Value> = serde_saphyr::from_str(&std::fs::read_to_string(TABLE)?)?;
    let mut code = String::from("vec![\n");
    for row in &rows {
        let model = text(row, "model")?;
        code += &typed(row).map_err(|e| format!("{TABLE}: {model}: {e}"))?;
    }
    code += "]\n";
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("typed.rs"), code)?;
    Ok(())
}

/// A call of the test's function `typed` for a model.
fn typed(row: &Value) -> Result<String, Box<dyn Error>> {
    let (model, fields) = (text(row, "model")?, fields(row)?);
    let (_, short) = model.split_once('/').ok_or("write owner/name")?;
    let name: String = words(short).map(capitalized).collect();
    let path = format!("{}::{name}", snake(&name));
    let returns = match text(row, "output")? {
        "list" => "Files",
        "single" => "OneFile",
        "text" => "Text",
        "json" => "Json",
        other => return Err(format!("{other:?} is not an output").into()),
    };
    let (mut arguments, mut setters, mut enums) = (String::new(), String::new(), String::new());
    let (mut required, mut all) = (Map::new(), Map::new());
    for field in fields {
        let wire = text(field, "name")?;
        let (expression, value) = sample(field, fields)?;
        if field["required"] == true {
            write!(arguments, "{expression}, ")?;
            required.insert(wire.to_owned(), value.clone());
        } else {
            write!(setters, ".{}({expression})", setter(wire))?;
        }
        all.insert(wire.to_owned(), value);
        if field["type"] == "string" && field["enum"].is_array() {
            let name: String = words(&snake(wire)).map(capitalized).collect();
            write!(enums, "words!({wire:?}, {}::{name}), ", snake_path(&path))?;
        }
    }
    let new = format!("{path}::new({arguments})");
    let (required, all) = (Value::Object(required), Value::Object(all));
    Ok(format!(
        "typed::<{returns}, _>(\n    ({new}, json!({required})),\n    \
         ({new}{setters}, json!({all})),\n    schema_for!({path}),\n    vec![{enums}],\n),\n"
    ))
}

/// A value that the field takes, as an argument of its setter and as it is sent. Where other
/// fields depend on a value of this one, it is that value.
fn sample(field: &Value, fields: &[Value]) -> Result<(String, Value), Box<dyn Error>> {
    let wire = text(field, "name")?;
    let url = format!("https://files.example.com/{wire}.png");
    let wanted = fields
        .iter()
        .find_map(|other| other["only_with"][wire].as_str());
    let choices = field["enum"].as_array();
    let last = choices.and_then(|choices| choices.last());
    let limit = |name: &str| field.get(name).filter(|limit| !limit.is_null());
    let number = limit("maximum").or_else(|| limit("minimum"));
    Ok(match (text(field, "type")?, last) {
        ("string", Some(word)) => {
            let word = wanted.or(word.as_str()).ok_or("its words are strings")?;
            (format!("{word:?}.parse().unwrap()"), json!(word))
        }
        ("string", None) => (format!("{wire:?}"), json!(wire)),
        ("integer", last) => {
            let number = last.or(number).and_then(Value::as_i64).unwrap_or(-7);
            (number.to_string(), json!(number))
        }
        ("number", _) => {
            let number = number.and_then(Value::as_f64).unwrap_or(0.5);
            (format!("{number:?}"), json!(number))
        }
        ("boolean", _) => ("true".to_owned(), json!(true)),
        ("image", _) => (format!("{url:?}"), json!(url)),
        ("images", _) => (format!("[{url:?}]"), json!([url])),
        ("array", _) => (format!("[{wire:?}]"), json!([wire])),
        ("any", _) => (format!("json!({{{wire:?}: 1}})"), json!({ wire: 1 })),
        (other, _) => return Err(format!("{wire}: {other:?} is not a type").into()),
    })
}

fn text<'v>(value: &'v Value, key: &str) -> Result<&'v str, String> {
    value[key]
        .as_str()
        .ok_or_else(|| format!("{value} has no text {key:?}"))
}

fn fields(row: &Value) -> Result<&[Value], &'static str> {
    let fields = row["fields"].as_array().ok_or("it has no list of fields")?;
    Ok(fields)
}

/// `flux-1.1-pro` as `flux`, `1`, `1`, `pro`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty())
}

fn capitalized(word: &str) -> String {
    word[..1].to_ascii_uppercase() + &word[1..]
}

/// `Flux11Pro` as `flux11_pro`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        let after_lower =
            snake.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit());
        if c.is_ascii_uppercase() && after_lower {
            snake.push('_');
        }
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

fn snake_path(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

/// The name of a field's method: Rust's keywords, and the methods that every input has, end in `_`.
fn setter(wire: &str) -> String {
    const TAKEN: &str = "abstract as async await become box break check clone const continue crate do dyn else enum \
        extern false final fn for gen if impl in into_input let loop macro match mod more move mut new override priv \
        pub ref return self static struct super to_input trait true try type typeof unsafe unsized use virtual where \
        while with yield";
    let name = snake(wire);
    if TAKEN.split_whitespace().any(|taken| taken == name) {
        return name + "_";
    }
    name
}
