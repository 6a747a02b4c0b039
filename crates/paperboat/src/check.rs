//! A model's name and its input, checked before anything is sent or shown.

use cometapi::models::{self, Model};
use serde_json::{Map, Value};

use crate::args::What;
use crate::failure::Failure;
use crate::print;

/// Refuses a misspelled name and an input that does not fit, unless they are forced; prints the notes
/// on what may be sent.
pub(crate) fn check(what: &What, input: &Map<String, Value>) -> Result<(), Failure> {
    let name = what.model.to_string();
    for note in notes(&name, input, what.force)? {
        print::stderr(format_args!("note: {note}"));
    }
    Ok(())
}

fn notes(name: &str, input: &Map<String, Value>, force: bool) -> Result<Vec<String>, Failure> {
    let Some(model) = models::find(name) else {
        if let Some(meant) = models::misspelled(name).filter(|_| !force) {
            return Err(misspelling(name, meant));
        }
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

fn misspelling(name: &str, meant: &Model) -> Failure {
    let meant = meant.name();
    Failure::usage(format!(
        "{name} is not a model known here, and nothing was sent"
    ))
    .with_advice(format!("did you mean {meant}?"))
    .with_advice("to send it as it is written, unchecked: --force")
}

fn unknown(name: &str) -> Option<String> {
    let near = models::candidates(name).first()?.name();
    Some(format!(
        "{name} is not a model known here; did you mean {near}? it is sent unchecked"
    ))
}
