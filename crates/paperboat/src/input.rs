//! A model's input: the fields of `--input`, then the arguments, then stdin for a prompt that none
//! of them gives.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use cometapi::models::{self, Field, JsonErrorKind, Kind, Model, parse_json};
use serde_json::{Map, Value};

use crate::args::What;
use crate::failure::Failure;
use crate::file::{self, Content, Limits, decode};
use crate::pair::{Given, PROMPT, Reader, split};
use crate::stdin::{Offer, Stdin};
use crate::{check, print, prompt};

/// The input that the arguments spell, with the prompt from stdin if they give none. Numbers,
/// booleans and choices are read from their other spellings, as they are when they are sent, unless
/// the input is forced.
pub(crate) fn read(what: &What) -> Result<Map<String, Value>, Failure> {
    read_fields(what)?.single()
}

/// The same for a command that can create a prediction for each of several values.
pub(crate) fn read_fields(what: &What) -> Result<Fields, Failure> {
    let mut stdin = Stdin::new();
    let Fields {
        values: mut fields,
        sweeps,
    } = given(what, &mut stdin)?;
    let model = models::find(&what.model.to_string());
    if model.is_none() && fields.is_empty() && matches!(stdin.offer(), Offer::Data(_)) {
        print::stderr(
            "note: stdin is not read for a model that is not known here; to send it: prompt=-",
        );
    }
    let takes_prompt = model.filter(|model| model.field(PROMPT).is_some());
    if let Some(model) = takes_prompt.filter(|_| !fields.contains_key(PROMPT))
        && let Some(prompt) = piped(what, model, &fields, &mut stdin)?
    {
        fields.insert(PROMPT.to_owned(), prompt.into());
    }
    Ok(Fields {
        values: fields,
        sweeps,
    })
}

/// The input `base` with the changes that the arguments make. A field that is given nothing, or `null`, is
/// left out.
pub(crate) fn changed(what: &What, mut base: Map<String, Value>) -> Result<Fields, Failure> {
    let reader = reader(what);
    prompt::check(&what.pairs, reader.model)?;
    let mut pairs = Vec::new();
    let mut named = Vec::new();
    for pair in &what.pairs {
        let split = split(pair);
        named.extend(split.map(|(key, _)| key.trim_end_matches(':').trim().to_owned()));
        match split {
            Some((key, "")) if !key.ends_with(':') => _ = base.remove(key.trim()),
            _ => pairs.push(pair.clone()),
        }
    }
    let mut fields = Fields::of(&reader, base, &pairs, &mut Stdin::new())?;
    let is_removed = |key: &String, value: &Value| value.is_null() && named.contains(key);
    fields.values.retain(|key, value| !is_removed(key, value));
    if let Some(model) = reader.model.filter(|_| !what.force) {
        model.normalize(&mut fields.values);
    }
    Ok(fields)
}

fn reader(what: &What) -> Reader {
    Reader {
        model: models::find(&what.model.to_string()),
        limits: Limits {
            bytes: what.files.max_file_size,
            pixels: what.files.image_max,
        },
    }
}

/// The prompt that was piped to this command. A prompt that is given leaves stdin alone, so that a
/// loop around the command keeps it.
fn piped(
    what: &What,
    model: &'static Model,
    fields: &Map<String, Value>,
    stdin: &mut Stdin,
) -> Result<Option<String>, Failure> {
    let offer = stdin.offer();
    if !what.force && !matches!(offer, Offer::Nothing) {
        // What is wrong with the other fields is not worth a wait.
        let mut rest = fields.clone();
        rest.insert(PROMPT.to_owned(), "x".into());
        check::fits(what, model, &rest)?;
    }
    let is_needed = model.field(PROMPT).is_some_and(Field::is_required) && !what.force;
    match offer {
        Offer::Nothing => Ok(None),
        Offer::InUse if is_needed => Err(Failure::usage(
            "prompt is missing, and stdin has been read in part by another command",
        )
        .with_advice("give the prompt as an argument")
        .with_advice("to read the rest of stdin: prompt=-")),
        Offer::InUse => Ok(None),
        Offer::Data(offered) => match stdin.accept(offered)? {
            Some(bytes) => Content::of_stdin(PROMPT, bytes).text().map(Some),
            None => Ok(None),
        },
    }
}

/// The fields that the arguments spell.
pub(crate) fn given(what: &What, stdin: &mut Stdin) -> Result<Fields, Failure> {
    let reader = reader(what);
    prompt::check(&what.pairs, reader.model)?;
    let fields = match &what.input {
        Some(path) => object(path, stdin)?,
        None => Map::new(),
    };
    let mut fields = Fields::of(&reader, fields, &what.pairs, stdin)?;
    if let Some(model) = reader.model.filter(|_| !what.force) {
        model.normalize(&mut fields.values);
    }
    Ok(fields)
}

/// What arguments give for the fields of an input.
pub(crate) struct Fields {
    pub(crate) values: Map<String, Value>,
    /// The fields that take each of several values, each in a prediction of its own.
    pub(crate) sweeps: Vec<(String, Vec<Value>)>,
}

impl Fields {
    /// The input of one prediction.
    pub(crate) fn single(self) -> Result<Map<String, Value>, Failure> {
        match self.sweeps.first() {
            None => Ok(self.values),
            Some((key, _)) => Err(Failure::usage(format!(
                "{key} is given a range, and this command creates one prediction"
            ))
            .with_advice("give it one number")),
        }
    }

    /// `values` with those that `pairs` give. A pair wins over the value that is there.
    pub(crate) fn of(
        reader: &Reader,
        mut values: Map<String, Value>,
        pairs: &[String],
        stdin: &mut Stdin,
    ) -> Result<Self, Failure> {
        let mut sweeps = Vec::new();
        let mut seen = BTreeSet::new();
        for pair in pairs {
            let (key, given) = reader.read(pair, stdin)?;
            let is_new = seen.insert(key.clone());
            match given {
                Given::Value(value) if is_new => _ = values.insert(key, value),
                Given::Value(value) => again(reader, &mut values, key, value)?,
                Given::Sweep(numbers) if is_new => {
                    values.remove(&key);
                    sweeps.push((key, numbers));
                }
                Given::Sweep(_) => return Err(given_twice(&key)),
            }
        }
        Ok(Self { values, sweeps })
    }
}

fn given_twice(key: &str) -> Failure {
    Failure::usage(format!("{key:?} is given twice; give it once"))
}

/// A field once more: a list grows by it.
fn again(
    reader: &Reader,
    fields: &mut Map<String, Value>,
    key: String,
    value: Value,
) -> Result<(), Failure> {
    let is_list = reader
        .field(&key)
        .is_some_and(|field| matches!(field.kind(), Kind::Images { .. } | Kind::Strings { .. }));
    match (fields.get_mut(&key), value) {
        (Some(Value::Array(items)), Value::Array(more)) if is_list => {
            items.extend(more);
            Ok(())
        }
        _ => Err(given_twice(&key)),
    }
}

/// The JSON object in a file, or on stdin.
fn object(path: &Path, stdin: &mut Stdin) -> Result<Map<String, Value>, Failure> {
    let (name, bytes) = if path.as_os_str() == "-" {
        let bytes = stdin.read("--input", file::MAX_SIZE)?;
        ("stdin".to_owned(), bytes)
    } else {
        let name = path.display().to_string();
        let read = File::open(path).and_then(|file| file::read(file, file::MAX_SIZE));
        let bytes = read
            .map_err(|e| Failure::usage(format!("--input: {name} cannot be read")).caused_by(&e))?;
        (name, bytes)
    };
    let text =
        decode(&bytes).map_err(|what| Failure::usage(format!("--input: {name} is {what}")))?;
    let json = parse_json(text).map_err(|e| match e.kind() {
        JsonErrorKind::DuplicateKey | JsonErrorKind::Number => {
            Failure::usage(format!("--input: {name}: {e}"))
        }
        _ => Failure::usage(format!("--input: {name} is not json")).caused_by(&e),
    })?;
    match json {
        Value::Object(fields)
            if fields.len() == 1 && fields.get("input").is_some_and(Value::is_object) =>
        {
            Err(Failure::usage(format!(
                "--input: {name} holds a whole request; give what is inside its \"input\""
            )))
        }
        Value::Object(fields) => Ok(fields),
        _ => Err(Failure::usage(format!(
            "--input: {name} is not a json object such as {{\"prompt\": \"…\"}}"
        ))),
    }
}
