//! An input held to what is known of its model, before anything is sent or shown.

use cometapi::models::{self, Model};
use serde_json::{Map, Value};

use crate::args::What;
use crate::failure::Failure;
use crate::print;

/// Refuses an input that does not fit, unless it is forced; says what there is to say of one
/// that may be sent.
pub(crate) fn check(what: &What, input: &Map<String, Value>) -> Result<(), Failure> {
    let name = what.model.to_string();
    for note in notes(&name, input, what.force)? {
        print::stderr(format_args!("note: {note}"));
    }
    Ok(())
}

fn notes(name: &str, input: &Map<String, Value>, force: bool) -> Result<Vec<String>, Failure> {
    let Some(model) = models::find(name) else {
        return Ok(unknown(name).into_iter().collect());
    };
    match model.check(input) {
        Ok(warnings) => Ok(warnings.iter().map(ToString::to_string).collect()),
        Err(invalid) => {
            let problems = invalid.problems().iter().map(ToString::to_string);
            if force {
                Ok(problems.collect())
            } else {
                Err(refusal(model, problems))
            }
        }
    }
}

fn refusal(model: &Model, problems: impl Iterator<Item = String>) -> Failure {
    let name = model.name();
    let message = format!("the input does not fit {name}, and nothing was sent");
    problems
        .fold(Failure::usage(message), Failure::with_advice)
        .with_advice(format!(
            "what it takes: paperboat run {name} --help, or paperboat schema {name}"
        ))
        .with_advice("to send it anyway: --force")
}

fn unknown(name: &str) -> Option<String> {
    let near = models::nearest(name)?.name();
    Some(format!(
        "{name} is not a model known here; did you mean {near}? it is sent unchecked"
    ))
}
