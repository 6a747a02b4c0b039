//! The table, and values on either side of each of its limits.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) model: String,
    pub(crate) output: String,
    pub(crate) fields: Vec<Field>,
    #[serde(default)]
    pub(crate) extras: Vec<Field>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) required: bool,
    /// The media types of an image.
    #[serde(default)]
    pub(crate) accepts: Vec<String>,
    #[serde(default)]
    pub(crate) nullable: bool,
    #[serde(default)]
    pub(crate) deprecated: bool,
    #[serde(rename = "enum", default)]
    choices: Vec<Value>,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) min_items: Option<usize>,
    pub(crate) max_items: Option<usize>,
    pub(crate) multiple_of: Option<i64>,
    pub(crate) default: Option<String>,
    pub(crate) only_with: Option<BTreeMap<String, String>>,
    pub(crate) not_with: Option<BTreeMap<String, String>>,
}

/// Returns the rows of the table. If it cannot be read, every test that asks says why.
pub(crate) fn table() -> &'static [Row] {
    static TABLE: LazyLock<Result<Vec<Row>, String>> = LazyLock::new(|| {
        let json = cometapi_codegen::read(include_str!("../../data/models.yaml"));
        let json = json.map_err(|e| e.to_string())?;
        serde_json::from_value(json).map_err(|e| e.to_string())
    });
    let rows = TABLE.as_deref();
    rows.unwrap_or_else(|e| panic!("crates/contract/data/models.yaml: {e}"))
}

/// Runs `test` with every field of every model.
pub(crate) fn each_field(mut test: impl FnMut(&Row, &Field)) {
    for row in table() {
        row.fields.iter().for_each(|field| test(row, field));
    }
}

const FILE: &str = "https://files.example.com/a.png";

impl Row {
    /// The smallest valid input.
    pub(crate) fn input(&self) -> Value {
        let required = self.fields.iter().filter(|field| field.required);
        required
            .map(|field| (field.name.clone(), field.good()[0].clone()))
            .collect()
    }

    /// The smallest valid input, with `field` set to `value` and the fields that it depends on.
    pub(crate) fn input_with(&self, field: &Field, value: Value) -> Value {
        let mut input = self.input();
        for (other, word) in field.only_with.iter().flatten() {
            input[other] = word.as_str().into();
        }
        input[&field.name] = value;
        input
    }
}

impl Field {
    pub(crate) fn choices(&self) -> &[Value] {
        &self.choices
    }

    /// Values that it takes, its limits among them.
    pub(crate) fn good(&self) -> Vec<Value> {
        let mut good = match self.kind.as_str() {
            _ if !self.choices.is_empty() => self.choices.clone(),
            "string" => vec![json!("x"), json!("1984"), json!("ein Fuchs 🦊")],
            "boolean" => vec![json!(true), json!(false)],
            "image" => vec![json!(FILE), json!("data:image/png;base64,AAAA")],
            "images" => self.lists(FILE, 0),
            "array" => self.lists("x", 0),
            "integer" if self.limits().is_empty() => vec![json!(0), json!(-1), json!(42)],
            "integer" => self.limits().into_iter().map(whole).collect(),
            "number" if self.limits().is_empty() => vec![json!(0), json!(-0.5), json!(1e9)],
            "number" => {
                let middle = self.minimum.zip(self.maximum);
                let middle = middle.map(|(least, most)| f64::midpoint(least, most));
                self.limits()
                    .into_iter()
                    .chain(middle)
                    .map(Value::from)
                    .collect()
            }
            "any" => vec![json!({"a": [1]}), json!("x"), json!(7), Value::Null],
            other => panic!("{}: {other:?} is not a type", self.name),
        };
        if self.nullable && self.kind != "any" {
            good.push(Value::Null);
        }
        good
    }

    /// Values that it does not take.
    pub(crate) fn bad(&self) -> Vec<Value> {
        let outside = |step: f64| {
            let below = self.minimum.map(|least| least - step);
            below
                .into_iter()
                .chain(self.maximum.map(|most| most + step))
        };
        let mut bad = match (self.kind.as_str(), self.choices.first()) {
            ("string", Some(word)) => {
                vec![
                    json!(7),
                    json!(format!("{}x", word.as_str().unwrap())),
                    json!(""),
                ]
            }
            ("string", None) => vec![json!(7), json!(["x"])],
            ("boolean", _) => vec![json!("true"), json!(1)],
            ("image", _) => vec![json!(7), json!("cat.png"), json!([FILE])],
            ("images", _) => [self.lists(FILE, 1), vec![json!(FILE), json!([7])]].concat(),
            ("array", _) => [self.lists("x", 1), vec![json!("x"), json!([7])]].concat(),
            ("integer", Some(_)) => vec![json!(i64::MIN), json!("7"), json!(1.5)],
            ("integer", None) => {
                let outside = outside(1.0).map(whole);
                outside.chain([json!("7"), json!(1.5)]).collect()
            }
            ("number", _) => outside(0.01)
                .map(Value::from)
                .chain([json!("0.5")])
                .collect(),
            ("any", _) => vec![],
            other => panic!("{}: {other:?} is not a type", self.name),
        };
        if !self.nullable && self.kind != "any" {
            bad.push(Value::Null);
        }
        bad
    }

    fn limits(&self) -> Vec<f64> {
        self.minimum.into_iter().chain(self.maximum).collect()
    }

    /// Lists with as many items as its limits allow, or by `beyond` more and fewer.
    fn lists(&self, item: &str, beyond: usize) -> Vec<Value> {
        let least = match (beyond, self.min_items) {
            (0, least) => Some(least.unwrap_or(0)),
            (_, least) => least.and_then(|least| least.checked_sub(beyond)),
        };
        let most = self.max_items.map(|most| most + beyond);
        let counts = least.into_iter().chain(most);
        counts.map(|count| json!(vec![item; count])).collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "limits are whole and small"
)]
fn whole(limit: f64) -> Value {
    json!(limit as i64)
}
