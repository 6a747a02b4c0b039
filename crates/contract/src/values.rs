//! Values that a schema allows, drawn by proptest so that a fault shrinks to its least form.

use anyhow::Context;
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

/// Values that fit `schema`, by its own types, patterns, formats and bounds.
pub(crate) fn valid(
    oracle: &Oracle,
    schema: &Value,
    depth: u32,
) -> anyhow::Result<BoxedStrategy<Value>> {
    let judge = oracle.validator(schema)?;
    let fits = move |value: &Value| judge.is_valid(value);
    // Few are drawn that do not fit: those of rules that a draw does not know.
    let drawn = drawn(oracle, schema, depth)?;
    Ok(drawn.prop_filter("the schema refuses it", fits).boxed())
}

fn drawn(oracle: &Oracle, schema: &Value, depth: u32) -> anyhow::Result<BoxedStrategy<Value>> {
    let schema = oracle.resolve(schema);
    for union in ["anyOf", "oneOf"] {
        if let Some(Value::Array(variants)) = schema.get(union) {
            let all = variants.iter().map(|one| drawn(oracle, one, depth));
            let all: Vec<_> = all.collect::<anyhow::Result<_>>()?;
            return Ok(proptest::strategy::Union::new(all).boxed());
        }
    }
    let some = match (schema.get("enum"), schema["type"].as_str()) {
        (Some(Value::Array(words)), _) => select(words.clone()).boxed(),
        (_, Some("object")) => object(oracle, schema, depth)?,
        (_, Some("array")) => list(oracle, schema, depth)?,
        (_, Some("string")) => text(oracle, schema)?.prop_map(Value::from).boxed(),
        (_, Some("integer")) => integer(schema),
        (_, Some("number")) => number(schema),
        (_, Some("boolean")) => any::<bool>().prop_map(Value::from).boxed(),
        _ => any_json(depth.min(2)),
    };
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        return Ok(prop_oneof![4 => some, 1 => Just(Value::Null)].boxed());
    }
    Ok(some)
}

fn list(oracle: &Oracle, schema: &Value, depth: u32) -> anyhow::Result<BoxedStrategy<Value>> {
    let items = drawn(oracle, &schema["items"], depth.saturating_sub(1))?;
    let count = |word: &str| schema[word].as_u64().and_then(|n| usize::try_from(n).ok());
    let least = count("minItems").unwrap_or(0);
    let most = count("maxItems").unwrap_or(usize::MAX).min(least + 2);
    Ok(vec(items, least..=most.max(least))
        .prop_map(Value::from)
        .boxed())
}

fn integer(schema: &Value) -> BoxedStrategy<Value> {
    let (least, most) = match schema["format"].as_str() {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let least = schema["minimum"].as_i64().unwrap_or(least);
    let most = schema["maximum"].as_i64().unwrap_or(most).max(least);
    prop_oneof![
        Just(0_i64.clamp(least, most)),
        Just((-1_i64).clamp(least, most)),
        Just(most),
        Just(least),
        least..=most
    ]
    .prop_map(Value::from)
    .boxed()
}

fn number(schema: &Value) -> BoxedStrategy<Value> {
    let least = schema["minimum"].as_f64().unwrap_or(-1e9);
    let most = schema["maximum"].as_f64().unwrap_or(1e9).max(least);
    let whole = |number: f64| {
        let number = number.clamp(least, most);
        // As a service writes it that has no type for whole numbers.
        if number.fract() == 0.0 && number.abs() < 1e9 {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and small enough")]
            let number = number as i64;
            Value::from(number)
        } else {
            Value::from(number)
        }
    };
    prop_oneof![
        Just(whole(0.0)),
        Just(whole(7.0)),
        Just(whole(-0.5)),
        (least..=most).prop_map(Value::from)
    ]
    .boxed()
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

/// Strings that a pattern may let pass although a path or a parser does not.
const ODD_PARTS: [&str; 6] = [".", "..", "a/b", "a\\b", "%2F", " a"];

/// Strings of the schema's format, where it has one whose form is known.
fn samples(format: Option<&str>) -> &'static [&'static str] {
    match format {
        Some("date-time") => &["2026-03-12T11:27:18.258Z", "2026-03-12T11:27:18+02:00"],
        Some("date") => &["2026-03-12"],
        Some("uri") => &["https://files.example.com/a.png", "data:,x"],
        Some("uuid") => &["7f9c24e8-3b1d-4c0e-9a57-0d2f6b8e1a34"],
        Some("email") => &["a@example.com"],
        _ => &[],
    }
}

fn text(oracle: &Oracle, schema: &Value) -> anyhow::Result<BoxedStrategy<String>> {
    let bound = |word: &str| schema[word].as_u64().and_then(|n| usize::try_from(n).ok());
    let least = bound("minLength").unwrap_or(0);
    let most = bound("maxLength").unwrap_or(usize::MAX).max(least);
    if let Some(words) = schema["x-extensible-enum"].as_array() {
        let words = words.iter().filter_map(Value::as_str);
        let words: Vec<_> = words.map(str::to_owned).collect();
        return Ok(prop_oneof![4 => select(words), 1 => "[a-z]{12}"].boxed());
    }
    let judge = oracle.validator(schema)?;
    let fits = move |text: &str| judge.is_valid(&text.into());
    let odd = ODD_TEXTS.iter().chain(&ODD_PARTS);
    let known = odd.chain(samples(schema["format"].as_str()));
    let known: Vec<_> = known.copied().filter(|text| fits(text)).collect();
    let drawn = match schema["pattern"].as_str() {
        Some(pattern) => {
            let inner = pattern.trim_start_matches('^').trim_end_matches('$');
            string_regex(inner)
                .with_context(|| format!("no string can be drawn from the pattern {pattern}"))?
                .boxed()
        }
        None => prop_oneof![any::<String>(), "[a-z0-9]{1,12}"].boxed(),
    };
    // As long as it may be has its own chance: it is where a limit is off by one.
    let longest = bound("maxLength").unwrap_or(least);
    let drawn = (drawn, any::<bool>()).prop_map(move |(text, is_long)| {
        let wanted = if is_long { longest } else { least };
        let stretched = resized(&text, wanted.max(text.chars().count()), most);
        if fits(&stretched) {
            stretched
        } else {
            resized(&text, least, most)
        }
    });
    if known.is_empty() {
        return Ok(drawn.boxed());
    }
    Ok(prop_oneof![2 => drawn, 1 => select(known).prop_map(str::to_owned)].boxed())
}

/// The string, its last character repeated until it is as long as `least`, cut after `most`.
fn resized(text: &str, least: usize, most: usize) -> String {
    let repeated = text.chars().last().unwrap_or('x');
    let missing = least.saturating_sub(text.chars().count());
    let padding = std::iter::repeat_n(repeated, missing);
    text.chars().chain(padding).take(most).collect()
}

fn object(oracle: &Oracle, schema: &Value, depth: u32) -> anyhow::Result<BoxedStrategy<Value>> {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut whole = Just(Map::new()).boxed();
    for (name, property) in members(schema.get("properties")) {
        let name = name.clone();
        let value = drawn(oracle, property, depth.saturating_sub(1))?;
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
        return Ok(whole.prop_map(Value::Object).boxed());
    }
    let extras = vec(("x_[a-z]{1,4}|ключ", any_json(depth.min(1))), 0..2);
    Ok((whole, extras)
        .prop_map(|(mut map, extras)| {
            map.extend(extras);
            Value::Object(map)
        })
        .boxed())
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
