//! Values that a schema allows, drawn by proptest so that a fault shrinks to its least form.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::string::string_regex;
use serde_json::{Map, Value, json};

use contract_spec::oracle::{Oracle, members};

/// Texts that have broken a parser somewhere.
const ODD_TEXTS: [&str; 12] = [
    "",
    " ",
    "null",
    "0",
    "\u{0}",
    "\u{feff}x",
    "é\u{301}\u{202e}任务",
    "a\"b\\c\n\t",
    "</script>",
    "{\"id\":\"x\"}",
    "🦊",
    "request id: ()",
];

/// Values that fit `schema`.
pub(crate) fn valid(oracle: &Oracle, schema: &Value, depth: u32) -> BoxedStrategy<Value> {
    let schema = oracle.resolve(schema);
    let inner = depth.saturating_sub(1);
    if let Some(Value::Array(words)) = schema.get("enum") {
        return select(words.clone()).boxed();
    }
    for union in ["anyOf", "oneOf"] {
        if let Some(Value::Array(variants)) = schema.get(union) {
            let all = variants.iter().map(|one| valid(oracle, one, depth));
            return proptest::strategy::Union::new(all).boxed();
        }
    }
    let some = match schema.get("type").and_then(Value::as_str) {
        Some("object") => object(oracle, schema, depth),
        Some("array") => vec(valid(oracle, &schema["items"], inner), 0..3)
            .prop_map(Value::from)
            .boxed(),
        Some("string") => text(schema).prop_map(Value::from).boxed(),
        Some("integer") => prop_oneof![
            Just(0_i64),
            Just(-1),
            Just(i64::MAX),
            Just(i64::MIN),
            any::<i64>()
        ]
        .prop_map(Value::from)
        .boxed(),
        Some("number") => prop_oneof![
            Just(json!(0)),
            Just(json!(7)),
            Just(json!(-0.5)),
            (-1e9..1e9_f64).prop_map(Value::from)
        ]
        .boxed(),
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        _ => any_json(depth.min(2)),
    };
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        return prop_oneof![4 => some, 1 => Just(Value::Null)].boxed();
    }
    some
}

/// Any JSON at all.
pub(crate) fn any_json(depth: u32) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        odd_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((odd_text(), inner), 0..3)
                .prop_map(|pairs| pairs.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
    .boxed()
}

/// A string that a user may send.
pub(crate) fn odd_text() -> BoxedStrategy<String> {
    prop_oneof![
        select(&ODD_TEXTS[..]).prop_map(str::to_owned),
        "[a-z0-9]{1,12}",
        any::<String>(),
    ]
    .boxed()
}

fn text(schema: &Value) -> BoxedStrategy<String> {
    if let Some(words) = schema.get("x-extensible-enum").and_then(Value::as_array) {
        let words: Vec<_> = words
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        return prop_oneof![4 => select(words), 1 => "[a-z]{12}"].boxed();
    }
    let Some(pattern) = schema.get("pattern").and_then(Value::as_str) else {
        return odd_text();
    };
    let most = schema
        .get("maxLength")
        .and_then(Value::as_u64)
        .unwrap_or(64);
    // The longest valid text has its own chance: it is where a limit is off by one.
    let longest = usize::try_from(most).unwrap_or(64);
    match string_regex(pattern.trim_start_matches('^').trim_end_matches('$')) {
        Ok(strategy) => strategy
            .prop_map(move |text| text.chars().take(longest).collect::<String>())
            .boxed()
            .prop_union(Just("a".repeat(longest)).boxed())
            .boxed(),
        Err(_) => odd_text(),
    }
}

fn object(oracle: &Oracle, schema: &Value, depth: u32) -> BoxedStrategy<Value> {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut whole = Just(Map::new()).boxed();
    for (name, property) in members(schema.get("properties")) {
        let name = name.clone();
        let value = valid(oracle, property, depth.saturating_sub(1));
        let maybe = if required.contains(&name.as_str()) {
            value.prop_map(Some).boxed()
        } else {
            proptest::option::of(value).boxed()
        };
        whole = (whole, maybe)
            .prop_map(move |(mut map, value)| {
                if let Some(value) = value {
                    map.insert(name.clone(), value);
                }
                map
            })
            .boxed();
    }
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        return whole.prop_map(Value::Object).boxed();
    }
    let extras = vec(("x_[a-z]{1,4}|ключ", any_json(depth.min(1))), 0..2);
    (whole, extras)
        .prop_map(|(mut map, extras)| {
            map.extend(extras);
            Value::Object(map)
        })
        .boxed()
}

type Make = fn() -> Value;

/// What stands in for a part of a value, and what it is called in the list of tolerances.
const REPLACEMENTS: [(&str, Make); 8] = [
    ("null", || Value::Null),
    ("bool", || Value::Bool(true)),
    ("integer", || json!(7)),
    ("fraction", || json!(1.5)),
    ("text", || json!("..")),
    ("empty text", || json!("")),
    ("list", || json!([])),
    ("object", || json!({})),
];

/// A value with one thing about it changed.
pub(crate) struct Mutant {
    /// The place, its list indices as `*`.
    pub(crate) at: String,
    pub(crate) what: &'static str,
    pub(crate) value: Value,
}

/// Every value that differs from `value` in one place that the schema names.
pub(crate) fn mutants(oracle: &Oracle, schema: &Value, value: &Value) -> Vec<Mutant> {
    let mut places = vec![(String::new(), String::new())];
    named_places(oracle, schema, value, "", "", &mut places);
    let mut found = Vec::new();
    for (pointer, at) in places {
        for (what, replacement) in REPLACEMENTS {
            let mut changed = value.clone();
            if let Some(place) = changed.pointer_mut(&pointer) {
                *place = replacement();
            }
            if changed != *value {
                found.push(Mutant {
                    at: at.clone(),
                    what,
                    value: changed,
                });
            }
        }
        if let Some((parent, key)) = pointer.rsplit_once('/') {
            let mut changed = value.clone();
            let gone = changed.pointer_mut(parent).and_then(Value::as_object_mut);
            if gone.is_some_and(|object| object.remove(key).is_some()) {
                found.push(Mutant {
                    at: at.clone(),
                    what: "removed",
                    value: changed,
                });
            }
        }
    }
    let mut more = value.clone();
    if let Some(object) = more.as_object_mut() {
        object.insert("not_in_the_spec".to_owned(), json!(1));
        found.push(Mutant {
            at: String::new(),
            what: "unknown field",
            value: more,
        });
    }
    found
}

fn named_places(
    oracle: &Oracle,
    schema: &Value,
    value: &Value,
    pointer: &str,
    at: &str,
    found: &mut Vec<(String, String)>,
) {
    let schema = oracle.resolve(schema);
    for variant in schema["anyOf"].as_array().into_iter().flatten() {
        named_places(oracle, variant, value, pointer, at, found);
    }
    for (name, property) in members(schema.get("properties")) {
        if let Some(child) = value.get(name) {
            let (pointer, at) = (format!("{pointer}/{name}"), format!("{at}/{name}"));
            if !found.iter().any(|(known, _)| *known == pointer) {
                found.push((pointer.clone(), at.clone()));
                named_places(oracle, property, child, &pointer, &at, found);
            }
        }
    }
    if let Some(items) = schema.get("items") {
        for (index, child) in value.as_array().into_iter().flatten().enumerate() {
            let (pointer, at) = (format!("{pointer}/{index}"), format!("{at}/*"));
            found.push((pointer.clone(), at.clone()));
            named_places(oracle, items, child, &pointer, &at, found);
        }
    }
}
