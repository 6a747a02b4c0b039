//! A property of a model's input, read.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::variants::variants as names_in_code;

/// A field of a model's input.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Field {
    /// On the wire.
    pub(super) wire: String,
    /// In code. Set, as `enum_name` is, once all fields of the model are known.
    pub(super) ident: String,
    /// What its enum is called, when it has one.
    pub(super) enum_name: Option<String>,
    pub(super) description: String,
    pub(super) source: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) nullable: bool,
    pub(super) default: Option<String>,
    pub(super) only_with: Option<When>,
    pub(super) not_with: Option<When>,
    pub(super) rounded_to: Option<i64>,
    pub(super) deprecated: bool,
    pub(super) gateway_only: bool,
    pub(super) order: u64,
}

/// Another field, and the value of it that the meaning of this one hangs on.
pub(super) struct When {
    pub(super) field: String,
    pub(super) value: String,
}

pub(super) enum Kind {
    Text,
    Choice(Vec<Variant>),
    IntegerChoice(Vec<i64>),
    Integer(Limits<i64>),
    Number(Limits<f64>),
    Boolean,
    Image {
        accepts: Vec<String>,
    },
    Images {
        accepts: Vec<String>,
        items: Limits<u64>,
    },
    Strings {
        items: Limits<u64>,
    },
    Json,
}

/// The smallest and the largest value, or number of items.
#[derive(Clone, Copy)]
pub(super) struct Limits<T> {
    pub(super) minimum: Option<T>,
    pub(super) maximum: Option<T>,
}

impl<T: Copy + PartialOrd> Limits<T> {
    fn include(self, value: T) -> bool {
        self.minimum.is_none_or(|minimum| minimum <= value)
            && self.maximum.is_none_or(|maximum| value <= maximum)
    }
}

/// A word of an enum, and what it is called in code.
pub(super) struct Variant {
    pub(super) wire: String,
    pub(super) name: String,
}

/// What is wrong with a property, by the rule that says so.
#[derive(Default)]
pub(super) struct Faults(pub(super) Vec<(&'static str, String)>);

impl Faults {
    fn add(&mut self, rule: &'static str, message: impl Into<String>) {
        self.0.push((rule, message.into()));
    }
}

/// The words that a property may have; each has its part in what is made.
const WORDS: &[&str] = &[
    "deprecated",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "nullable",
    "type",
    "x-accepts",
    "x-default",
    "x-gateway-only",
    "x-not-with",
    "x-only-with",
    "x-order",
    "x-rounded-to",
    "x-source",
];

pub(super) fn read(
    wire: &str,
    property: &Value,
    required: bool,
    model_source: &str,
) -> Result<Field, Faults> {
    let mut faults = Faults::default();
    let none = Map::new();
    let words = property.as_object().unwrap_or(&none);
    if let Some(unknown) = words.keys().find(|word| !WORDS.contains(&word.as_str())) {
        faults.add(
            "model-words",
            format!(
                "`{unknown}` has no meaning for a model's field; write one of {}",
                WORDS.join(", ")
            ),
        );
    }
    let text = |word: &str| words.get(word).and_then(Value::as_str);
    let flag = |word: &str| words.get(word) == Some(&Value::Bool(true));
    let description = clean(text("description").unwrap_or_default());
    if description.is_empty() {
        faults.add(
            "model-words",
            "it has no `description`; people are shown it",
        );
    }
    let order = words
        .get("x-order")
        .and_then(Value::as_u64)
        .unwrap_or_else(|| {
            faults.add("model-order", "it has no `x-order`, counted from 0");
            0
        });
    let kind = kind(words, &mut faults);
    let field = Field {
        wire: wire.to_owned(),
        ident: String::new(),
        enum_name: None,
        description,
        source: text("x-source").map_or_else(|| model_source.to_owned(), clean),
        kind,
        required,
        nullable: flag("nullable"),
        default: text("x-default").map(str::to_owned),
        only_with: when(words, "x-only-with", &mut faults),
        not_with: when(words, "x-not-with", &mut faults),
        rounded_to: words.get("x-rounded-to").and_then(Value::as_i64),
        deprecated: flag("deprecated"),
        gateway_only: flag("x-gateway-only"),
        order,
    };
    let default = words.get("x-default");
    if default.is_some()
        && !field
            .default
            .as_deref()
            .is_some_and(|text| field.takes(text))
    {
        faults.add(
            "model-default",
            "its `x-default` is not a value that the field takes; quote it, as it would be typed",
        );
    }
    if words.contains_key("x-rounded-to") && field.rounded_to.is_none_or(|step| step < 1) {
        faults.add("model-shape", "`x-rounded-to` is no whole number from 1");
    }
    if required && field.gateway_only {
        faults.add(
            "model-shape",
            "what only the gateway shows cannot be required",
        );
    }
    if faults.0.is_empty() {
        Ok(field)
    } else {
        Err(faults)
    }
}

fn kind(words: &Map<String, Value>, faults: &mut Faults) -> Kind {
    let text = |word: &str| words.get(word).and_then(Value::as_str);
    let of_items = |word: &str| words.get("items")?.get(word)?.as_str();
    let accepts = || strings(words.get("x-accepts"));
    let count = |word: &str| words.get(word).and_then(Value::as_u64);
    let items = Limits {
        minimum: count("minItems"),
        maximum: count("maxItems"),
    };
    match (text("type"), text("format")) {
        (None, _) if !words.contains_key("enum") => Kind::Json,
        (Some("string"), Some("uri")) => Kind::Image { accepts: accepts() },
        (Some("string"), _) if words.contains_key("enum") => Kind::Choice(variants(words, faults)),
        (Some("string"), _) => Kind::Text,
        (Some("integer"), _) if words.contains_key("enum") => {
            let values = words.get("enum").and_then(Value::as_array);
            let numbers: Vec<_> = values
                .into_iter()
                .flatten()
                .filter_map(Value::as_i64)
                .collect();
            if numbers.is_empty() || values.map(Vec::len) != Some(numbers.len()) {
                faults.add("model-enum", "its `enum` holds what is no whole number");
            }
            Kind::IntegerChoice(numbers)
        }
        (Some("integer"), _) => Kind::Integer(limits(words, Value::as_i64, faults)),
        (Some("number"), _) if !words.contains_key("enum") => {
            Kind::Number(limits(words, Value::as_f64, faults))
        }
        (Some("boolean"), _) => Kind::Boolean,
        (Some("array"), _) if of_items("format") == Some("uri") => Kind::Images {
            accepts: accepts(),
            items,
        },
        (Some("array"), _) if of_items("type") == Some("string") => Kind::Strings { items },
        _ => {
            faults.add(
                "model-shape",
                "its type is none that a field can have; leave `type` out for any JSON",
            );
            Kind::Json
        }
    }
}

fn limits<T: Copy + PartialOrd>(
    words: &Map<String, Value>,
    read: fn(&Value) -> Option<T>,
    faults: &mut Faults,
) -> Limits<T> {
    let [minimum, maximum] = ["minimum", "maximum"].map(|word| {
        let limit = words.get(word);
        let number = limit.and_then(read);
        if limit.is_some() && number.is_none() {
            faults.add(
                "model-shape",
                format!("its `{word}` is no number of its type"),
            );
        }
        number
    });
    if minimum
        .zip(maximum)
        .is_some_and(|(least, most)| least > most)
    {
        faults.add("model-shape", "its `minimum` is above its `maximum`");
    }
    Limits { minimum, maximum }
}

fn variants(words: &Map<String, Value>, faults: &mut Faults) -> Vec<Variant> {
    let values = strings(words.get("enum"));
    let distinct: BTreeSet<_> = values.iter().collect();
    let whole = words.get("enum").and_then(Value::as_array).map(Vec::len) == Some(values.len());
    if values.is_empty() || !whole || distinct.len() != values.len() {
        faults.add("model-enum", "its `enum` is no list of distinct texts");
    }
    let names = names_in_code(&values);
    values
        .into_iter()
        .zip(names)
        .map(|(wire, name)| Variant { wire, name })
        .collect()
}

fn when(words: &Map<String, Value>, word: &str, faults: &mut Faults) -> Option<When> {
    let condition = words.get(word)?;
    let pair = condition.as_object().filter(|pair| pair.len() == 1);
    if let Some((field, Value::String(value))) = pair.and_then(|pair| pair.iter().next()) {
        return Some(When {
            field: field.clone(),
            value: value.clone(),
        });
    }
    faults.add(
        "model-condition",
        format!("write `{word}: {{ field: value }}`"),
    );
    None
}

fn strings(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

impl Field {
    /// Its default as JSON.
    pub(super) fn default_json(&self) -> Option<Value> {
        let text = self.default.as_deref()?;
        match self.kind {
            Kind::Text | Kind::Choice(_) | Kind::Image { .. } => Some(text.into()),
            Kind::Json => Some(serde_json::from_str(text).unwrap_or_else(|_| text.into())),
            _ => serde_json::from_str(text).ok(),
        }
    }

    /// Whether `text`, read as its type, is a value of it.
    pub(super) fn takes(&self, text: &str) -> bool {
        let json: Option<Value> = serde_json::from_str(text).ok();
        let is = |test: &dyn Fn(&Value) -> bool| json.as_ref().is_some_and(test);
        match &self.kind {
            Kind::Text | Kind::Image { .. } | Kind::Json => true,
            Kind::Choice(variants) => variants.iter().any(|variant| variant.wire == text),
            Kind::IntegerChoice(values) => {
                is(&|json| json.as_i64().is_some_and(|number| values.contains(&number)))
            }
            Kind::Integer(limits) => is(&|json| json.as_i64().is_some_and(|n| limits.include(n))),
            Kind::Number(limits) => is(&|json| json.as_f64().is_some_and(|n| limits.include(n))),
            Kind::Boolean => is(&Value::is_boolean),
            Kind::Images { .. } | Kind::Strings { .. } => is(&Value::is_array),
        }
    }
}

/// A description of the spec as one paragraph.
pub(super) fn clean(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
