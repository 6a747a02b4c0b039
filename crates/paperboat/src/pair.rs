//! `key=value`, and what a value means. An argument of another form is the prompt.

mod range;

use std::path::Path;

use cometapi::models::{Field, JsonError, JsonErrorKind, Kind, Model, json_or_text, parse_json};
use serde_json::Value;

use crate::failure::Failure;
use crate::file::{Content, Limits};
use crate::stdin::Stdin;

/// The field that an argument without a key is for.
pub(crate) const PROMPT: &str = "prompt";

/// What an argument gives for a field.
#[derive(Debug, PartialEq)]
pub(crate) enum Given {
    Value(Value),
    /// Each of these, in a prediction of its own: `seed=1..20`.
    Sweep(Vec<Value>),
}

/// The field of every model that is a whole number, if there is one of that name.
const SEED: &str = "seed";

/// What decides over the meaning of a value.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    /// The model, when its input is known.
    pub(crate) model: Option<&'static Model>,
    /// What a file may have to be sent inside the request.
    pub(crate) limits: Limits,
}

impl Reader {
    /// The field and what `argument` gives for it: a pair, or the prompt. Whether a value fits is not
    /// asked here.
    pub(crate) fn read(
        &self,
        argument: &str,
        stdin: &mut Stdin,
    ) -> Result<(String, Given), Failure> {
        let Some((key, text)) = split(argument) else {
            let key = PROMPT.to_owned();
            let value = self.value(PROMPT, argument, stdin)?;
            return Ok((key, Given::Value(value)));
        };
        if let Some(key) = key.strip_suffix(':') {
            let key = named(key, argument)?;
            return match parse_json(text) {
                Ok(value) => Ok((key, Given::Value(value))),
                Err(e) if is_changed(&e) => Err(refused(&key, &e)),
                Err(e) => Err(
                    Failure::usage(format!("{key}: what follows := is not json"))
                        .caused_by(&e)
                        .with_advice(format!("for text: {key}=TEXT")),
                ),
            };
        }
        let key = named(key, argument)?;
        if self.takes_range(&key)
            && let Some((from, to)) = text.split_once("..")
        {
            return Ok((key.clone(), Given::Sweep(range::read(&key, from, to)?)));
        }
        let value = self.value(&key, text, stdin)?;
        Ok((key, Given::Value(value)))
    }

    /// Whether `A..B` means the whole numbers from A to B, and not that text.
    fn takes_range(&self, key: &str) -> bool {
        match (self.model, self.field(key)) {
            (_, Some(field)) => matches!(
                field.kind(),
                Kind::Integer { .. } | Kind::IntegerChoice { .. }
            ),
            (Some(_), None) => false,
            (None, None) => key == SEED,
        }
    }

    /// The value that `text` means after `key=`.
    fn value(&self, key: &str, text: &str, stdin: &mut Stdin) -> Result<Value, Failure> {
        let max = self.limits.to_read();
        match text.strip_prefix('@') {
            Some("") => Err(Failure::usage(format!(
                "{key}: no file is named after @; for the text itself write {key}:='\"@\"'"
            ))),
            Some("-") => self.content(key, &Content::of_stdin(key, stdin.read(key, max)?)),
            Some(path) => self.content(key, &Content::of(key, Path::new(path), max)?),
            None if key == PROMPT && text == "-" => {
                self.content(key, &Content::of_stdin(key, stdin.read(key, max)?))
            }
            None => self.plain(key, text),
        }
    }

    pub(crate) fn field(&self, key: &str) -> Option<&'static Field> {
        self.model?.field(key)
    }

    fn content(&self, key: &str, content: &Content<'_>) -> Result<Value, Failure> {
        let data_uri = || content.data_uri(self.limits).map(Value::from);
        match self.field(key).map(Field::kind) {
            Some(Kind::Image { .. }) => data_uri(),
            Some(Kind::Images { .. }) => Ok(Value::Array(vec![data_uri()?])),
            Some(_) => self.plain(key, &content.text()?),
            None if key != PROMPT && content.is_binary() => data_uri(),
            None => Ok(content.text()?.into()),
        }
    }

    /// What a field that is known reads as what it is; what it cannot read, and a field that is
    /// not known, is JSON where it parses as JSON, and text otherwise.
    fn plain(&self, key: &str, text: &str) -> Result<Value, Failure> {
        if let Some(Ok(value)) = self.field(key).map(|field| field.read(text)) {
            return Ok(value);
        }
        if key == PROMPT {
            return Ok(text.into());
        }
        json_or_text(text).map_err(|e| refused(key, &e))
    }
}

/// Whether it is JSON that would be sent as something else than is written.
fn is_changed(error: &JsonError) -> bool {
    matches!(
        error.kind(),
        JsonErrorKind::DuplicateKey | JsonErrorKind::Number
    )
}

fn refused(key: &str, error: &JsonError) -> Failure {
    Failure::usage(format!("{key}: {error}")).with_advice(format!("for text: {key}:='\"TEXT\"'"))
}

/// The key with its `:`, if it has one, and the value of an argument that is a pair. No field has
/// whitespace in its name: `a sign: x=y` is a prompt.
pub(crate) fn split(argument: &str) -> Option<(&str, &str)> {
    let pair = argument.split_once('=');
    pair.filter(|(key, _)| !key.contains(char::is_whitespace))
}

fn named(key: &str, pair: &str) -> Result<String, Failure> {
    if key.is_empty() {
        return Err(Failure::usage(format!(
            "{:?} names no field before the =",
            head(pair)
        )));
    }
    Ok(key.to_owned())
}

/// The start of a string, enough to find it again.
pub(crate) fn head(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use cometapi::models::find;
    use serde_json::json;

    use super::*;

    fn reader(model: &str) -> Reader {
        Reader {
            model: find(&format!("black-forest-labs/{model}")),
            limits: Limits {
                bytes: 1024,
                pixels: None,
            },
        }
    }

    fn given(model: &str, argument: &str) -> Result<(String, Given), Failure> {
        reader(model).read(argument, &mut Stdin::new())
    }

    fn read(model: &str, argument: &str) -> Result<(String, Value), Failure> {
        match given(model, argument)? {
            (key, Given::Value(value)) => Ok((key, value)),
            (_, Given::Sweep(values)) => panic!("{argument}: {values:?}"),
        }
    }

    #[test]
    fn a_range_of_whole_numbers_is_a_sweep() {
        for (model, argument, expected) in [
            ("flux-schnell", "seed=1..3", json!([1, 2, 3])),
            ("flux-schnell", "seed= -1 .. 1 ", json!([-1, 0, 1])),
            ("flux-schnell", "num_outputs=4..4", json!([4])),
            ("none", "seed=7..8", json!([7, 8])),
        ] {
            let (_, given) = given(model, argument).unwrap();
            let Given::Sweep(values) = given else {
                panic!("{argument}: {given:?}");
            };
            assert_eq!(Value::from(values), expected, "{argument}");
        }
        for (model, argument) in [
            ("none", "steps=1..3"),
            ("none", "prompt=1..3"),
            ("flux-schnell", "prompt=from 1..3"),
            ("flux-schnell", "megapixels=1..3"),
            ("flux-schnell", "hat=1..3"),
        ] {
            let (key, text) = argument.split_once('=').unwrap();
            assert_eq!(
                read(model, argument).unwrap(),
                (key.to_owned(), json!(text)),
                "{argument}"
            );
        }
    }

    #[test]
    fn an_argument_that_is_not_a_pair_is_the_prompt() {
        for model in ["none", "flux-schnell"] {
            for prompt in ["a red fox", "fox", "", "a sign: x=y", "1984", "a := b"] {
                let (key, value) = read(model, prompt).unwrap();
                assert_eq!((key.as_str(), value), ("prompt", json!(prompt)));
            }
            assert!(read(model, "@/does/not/exist").is_err());
        }
    }

    #[test]
    fn values_of_an_unknown_model_are_json_where_they_parse_and_text_otherwise() {
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
            ("megapixels=1", json!(1)),
            ("size:=\"1\"", json!("1")),
            ("prompt:=1984", json!(1984)),
        ] {
            assert_eq!(read("none", pair).unwrap().1, expected, "{pair}");
        }
    }

    #[test]
    fn values_of_a_known_model_are_read_by_their_fields() {
        for (model, pair, expected) in [
            ("flux-schnell", "prompt=1984", json!("1984")),
            ("flux-schnell", "megapixels=1", json!("1")),
            ("flux-schnell", "megapixels:=1", json!(1)),
            ("flux-schnell", "num_outputs= 2", json!(2)),
            ("flux-schnell", "go_fast=TRUE", json!(true)),
            ("flux-2-dev", "seed=null", json!(null)),
            ("flux-2-pro", "input_images=a,b", json!(["a,b"])),
            ("flux-2-pro", "input_images=[\"a\"]", json!(["a"])),
            // What does not fit is left to the check.
            ("flux-schnell", "seed=null", json!(null)),
            ("flux-schnell", "num_outputs=many", json!("many")),
            ("flux-schnell", "go_fast=1", json!(1)),
            ("flux-schnell", "steps=[1]", json!([1])),
        ] {
            assert_eq!(read(model, pair).unwrap().1, expected, "{pair}");
        }
    }

    #[test]
    fn json_that_would_change_is_refused_for_a_known_field_too() {
        for (model, pair, said) in [
            (
                "flux-schnell",
                "seed=18446744073709551616",
                "seed: the number 184",
            ),
            (
                "flux-dev",
                "guidance=1e400",
                "guidance: the number 1e400 is too large",
            ),
            (
                "flux-2-pro",
                "input_images=[{\"a\":1,\"a\":2}]",
                "input_images: \"a\" is given twice",
            ),
        ] {
            let refused = read(model, pair).unwrap_err().to_string();
            assert!(refused.starts_with(said), "{refused}");
        }
        let prompt = read("flux-schnell", "prompt=1e400").unwrap();
        assert_eq!(prompt.1, json!("1e400"));
    }

    #[test]
    fn a_pair_without_a_key_or_with_a_value_that_cannot_be_sent_is_refused() {
        for bad in [
            "=x",
            ":=1",
            "x:=nope",
            "x=@",
            "x:={\"a\":1,\"a\":2}",
            "x={\"a\":{\"b\":1,\"b\":2}}",
            "seed=18446744073709551616",
            "seed:=-9223372036854775809",
            "scale=1e400",
            "x=@/does/not/exist",
        ] {
            assert!(read("none", bad).is_err(), "{bad}");
        }
    }
}
