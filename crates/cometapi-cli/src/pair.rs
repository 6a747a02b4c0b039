//! `key=value`, and what a value means.

use std::path::Path;

use serde_json::Value;

use crate::data_uri;
use crate::failure::Failure;

/// Fields whose values are text although they look like JSON, by model; the empty model
/// stands for all. `megapixels` takes the words "1" and "0.25" (documented by Replicate).
const TEXT_FIELDS: [(&str, &str); 3] = [
    ("", "prompt"),
    ("black-forest-labs/flux-schnell", "megapixels"),
    ("black-forest-labs/flux-dev", "megapixels"),
];

/// The field and the value that `pair` gives to `model`.
pub(crate) fn read(model: &str, pair: &str) -> Result<(String, Value), Failure> {
    let Some((key, text)) = pair.split_once('=') else {
        return Err(no_pair(pair));
    };
    if let Some(key) = key.strip_suffix(':') {
        let key = named(key, pair)?;
        let value = serde_json::from_str(text).map_err(|e| {
            Failure::usage(format!("{key}: what follows := is not json"))
                .caused_by(&e)
                .with_advice(format!("for text: {key}=TEXT"))
        })?;
        return Ok((key, value));
    }
    let key = named(key, pair)?;
    let value = match text.strip_prefix('@') {
        Some("") => {
            return Err(Failure::usage(format!(
                "{key}: no file is named after @; for the text itself write {key}:='\"@\"'"
            )));
        }
        Some(path) => data_uri::value(&key, Path::new(path))?,
        None => plain(model, &key, text),
    };
    Ok((key, value))
}

fn named(key: &str, pair: &str) -> Result<String, Failure> {
    if key.is_empty() {
        return Err(Failure::usage(format!(
            "{:?} names no field before the =",
            head(pair)
        )));
    }
    // No field is called so: it is a text that happens to hold a =.
    if key.contains(char::is_whitespace) {
        return Err(no_pair(pair));
    }
    Ok(key.to_owned())
}

fn no_pair(text: &str) -> Failure {
    Failure::usage(format!("{:?} is not key=value", head(text)))
        .with_advice("a value with blanks is quoted: prompt='a red fox'")
}

/// As much of a text as helps to find it again.
fn head(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn plain(model: &str, key: &str, text: &str) -> Value {
    let is_text = TEXT_FIELDS
        .iter()
        .any(|(of, field)| *field == key && (of.is_empty() || *of == model));
    let json = (!is_text)
        .then(|| serde_json::from_str(text).ok())
        .flatten();
    json.unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(pair: &str) -> Value {
        read("black-forest-labs/flux-schnell", pair).unwrap().1
    }

    #[test]
    fn values_are_json_where_they_parse_and_text_otherwise() {
        for (pair, expected) in [
            ("steps=4", json!(4)),
            ("go_fast=false", json!(false)),
            ("seed=null", json!(null)),
            ("aspect_ratio=16:9", json!("16:9")),
            ("list=[1,2]", json!([1, 2])),
            ("note=", json!("")),
            ("a=b=c", json!("b=c")),
            ("prompt=1984", json!("1984")),
            ("prompt=null", json!("null")),
            ("megapixels=1", json!("1")),
            ("size:=\"1\"", json!("1")),
            ("prompt:=1984", json!(1984)),
        ] {
            assert_eq!(value(pair), expected, "{pair}");
        }
        assert_eq!(read("other/model", "megapixels=1").unwrap().1, json!(1));
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for bad in [
            "a red fox",
            "=x",
            ":=1",
            "x:=nope",
            "x=@",
            "x=@/does/not/exist",
        ] {
            assert!(read("a/b", bad).is_err(), "{bad}");
        }
    }
}
