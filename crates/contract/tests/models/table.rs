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
    pub(crate) extras: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default)]
    pub(crate) nullable: bool,
    #[serde(default)]
    pub(crate) deprecated: bool,
    #[serde(rename = "enum")]
    pub(crate) words: Option<Vec<String>>,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) max_items: Option<usize>,
    pub(crate) multiple_of: Option<i64>,
    pub(crate) default: Option<String>,
    pub(crate) only_with: Option<BTreeMap<String, String>>,
    pub(crate) not_with: Option<BTreeMap<String, String>>,
}

pub(crate) static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let json = cometapi_codegen::read(include_str!("../../data/models.yaml")).unwrap();
    let rows: Vec<Row> = serde_json::from_value(json).unwrap();
    assert_eq!(rows.len(), 10);
    assert_eq!(rows.iter().map(|row| row.fields.len()).sum::<usize>(), 101);
    rows
});

/// Runs `test` with every field of every model.
pub(crate) fn each_field(mut test: impl FnMut(&Row, &Field)) {
    for row in TABLE.iter() {
        row.fields.iter().for_each(|field| test(row, field));
    }
}

const PICTURE: &str = "https://files.example.com/a.png";

impl Field {
    /// The least that can be run, this field set to `value`, and what it hangs on.
    pub(crate) fn input(&self, value: Value) -> Value {
        let mut input = json!({"prompt": "a red fox"});
        for (other, word) in self.only_with.iter().flatten() {
            input[other] = word.as_str().into();
        }
        input[&self.name] = value;
        input
    }

    /// Values that it takes, its limits among them.
    pub(crate) fn good(&self) -> Vec<Value> {
        let mut good = match (self.kind.as_str(), &self.words) {
            ("string", Some(words)) => words.iter().map(|word| json!(word)).collect(),
            ("string", None) => vec![json!("x"), json!("1984"), json!("ein Fuchs 🦊")],
            ("boolean", _) => vec![json!(true), json!(false)],
            ("image", _) => vec![json!(PICTURE), json!("data:image/png;base64,AAAA")],
            ("images", _) => {
                let most = self.max_items.unwrap();
                vec![json!([]), json!([PICTURE]), json!(vec![PICTURE; most])]
            }
            ("integer", _) if self.minimum.is_none() => vec![json!(0), json!(-1), json!(42)],
            ("integer", _) => vec![json!(self.least()), json!(self.most())],
            ("number", _) => vec![
                json!(self.minimum),
                json!(self.maximum),
                json!(f64::midpoint(self.minimum.unwrap(), self.maximum.unwrap())),
            ],
            other => panic!("{other:?}"),
        };
        if self.nullable {
            good.push(Value::Null);
        }
        good
    }

    /// Values that it does not take.
    pub(crate) fn bad(&self) -> Vec<Value> {
        let mut bad = match (self.kind.as_str(), &self.words) {
            ("string", Some(words)) => vec![json!(7), json!(words[0].clone() + "x"), json!("")],
            ("string", None) => vec![json!(7), json!(["x"])],
            ("boolean", _) => vec![json!("true"), json!(1)],
            ("image", _) => vec![json!(7), json!("cat.png"), json!([PICTURE])],
            ("images", _) => {
                let most = self.max_items.unwrap();
                vec![json!(PICTURE), json!([7]), json!(vec![PICTURE; most + 1])]
            }
            ("integer", _) if self.minimum.is_none() => vec![json!("7"), json!(1.5)],
            ("integer", _) => vec![
                json!(self.least() - 1),
                json!(self.most() + 1),
                json!("7"),
                json!(1.5),
            ],
            ("number", _) => vec![
                json!(self.minimum.unwrap() - 0.01),
                json!(self.maximum.unwrap() + 0.01),
                json!("0.5"),
            ],
            other => panic!("{other:?}"),
        };
        if !self.nullable {
            bad.push(Value::Null);
        }
        bad
    }

    #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
    pub(crate) fn least(&self) -> i64 {
        self.minimum.unwrap() as i64
    }

    #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
    pub(crate) fn most(&self) -> i64 {
        self.maximum.unwrap() as i64
    }
}
