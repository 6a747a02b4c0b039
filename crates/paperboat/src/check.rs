//! A model's name and its input, checked before anything is sent or shown.

mod paths;

use cometapi::models::{self, InputProblem, InputProblemKind, InvalidInput, Model};
use serde_json::{Map, Value};

use crate::args::What;
use crate::failure::Failure;
use crate::pair::{PROMPT, split};
use crate::{advice, print};

/// Refuses a misspelled name and an input that does not fit, unless they are forced; prints the notes
/// on what may be sent.
pub(crate) fn check(what: &What, input: &Map<String, Value>) -> Result<(), Failure> {
    let name = what.model.to_string();
    for note in notes(what, &name, input)? {
        print::stderr(format_args!("note: {note}"));
    }
    Ok(())
}

/// Refuses an input that does not fit its model.
pub(crate) fn fits(what: &What, model: &Model, input: &Map<String, Value>) -> Result<(), Failure> {
    match model.check(input) {
        Ok(_) => Ok(()),
        Err(invalid) => Err(refusal(what, model, input, &invalid)),
    }
}

fn notes(what: &What, name: &str, input: &Map<String, Value>) -> Result<Vec<String>, Failure> {
    let force = what.force;
    let Some(model) = models::find(name) else {
        if let Some(meant) = models::misspelled(name).filter(|_| !force) {
            return Err(misspelling(name, meant));
        }
        refuse_empty_prompt(input, force)?;
        let notes = unknown(name).into_iter();
        return Ok(notes.chain(paths::notes(input, None)).collect());
    };
    match model.check(input) {
        Ok(warnings) => {
            refuse_empty_prompt(input, force)?;
            let notes = warnings.iter().map(ToString::to_string);
            Ok(notes.chain(paths::notes(input, Some(model))).collect())
        }
        Err(invalid) if force => {
            let problems = invalid.problems().iter();
            Ok(problems.map(ToString::to_string).collect())
        }
        Err(invalid) => Err(refusal(what, model, input, &invalid)),
    }
}

/// Refuses a prompt of whitespace also for a model that does not require one, or is not known: it is
/// likely a variable that was not set.
fn refuse_empty_prompt(input: &Map<String, Value>, force: bool) -> Result<(), Failure> {
    let prompt = input.get(PROMPT).and_then(Value::as_str);
    if force || prompt.is_none_or(|prompt| !prompt.trim().is_empty()) {
        return Ok(());
    }
    Err(Failure::usage("the prompt is empty, and nothing was sent")
        .with_advice("leave it out, or give one"))
}

/// The argument that gave the field `name`, which the model does not have, if it is more likely a prompt with a
/// `=` in it.
fn prompt_with_equals<'w>(what: &'w What, model: &Model, name: &str) -> Option<&'w str> {
    if model.nearest_field(name).is_some() || model.field(PROMPT).is_none() {
        return None;
    }
    let is_text = |pair: &&String| {
        split(pair).is_some_and(|(key, _)| key == name) && pair.contains(char::is_whitespace)
    };
    what.pairs.iter().find(is_text).map(String::as_str)
}

fn refusal(
    what: &What,
    model: &Model,
    input: &Map<String, Value>,
    invalid: &InvalidInput,
) -> Failure {
    let name = model.name();
    let message = format!("the input does not fit {name}, and nothing was sent");
    let mut failure = Failure::usage(message);
    let prompt_of = |problem: &InputProblem| match problem.kind() {
        InputProblemKind::UnknownField => prompt_with_equals(what, model, problem.field()),
        _ => None,
    };
    let has_prompt = invalid.problems().iter().any(|it| prompt_of(it).is_some());
    for problem in invalid.problems() {
        failure = failure.with_advice(problem.to_string());
        for advice in paths::advice(input, problem.field()) {
            failure = failure.with_advice(advice);
        }
        if let Some(prompt) = prompt_of(problem) {
            let prompt = advice::shell_word(prompt);
            failure = failure.with_advice(format!("if it is the prompt: {PROMPT}={prompt}"));
        }
        if problem.field() == PROMPT && !input.contains_key(PROMPT) && !has_prompt {
            let advice = "give it as an argument, or on stdin:";
            failure = failure.with_advice(format!("{advice} paperboat run {name} \"a red fox\""));
        }
    }
    let failure = failure.with_advice(format!(
        "what it takes: paperboat run {name} --help, or paperboat schema {name}"
    ));
    // A typo is corrected; only where the model may have changed is the check in the way.
    let is_typo = |problem: &InputProblem| match problem.kind() {
        InputProblemKind::Missing => true,
        InputProblemKind::UnknownField => {
            model.nearest_field(problem.field()).is_some() || prompt_of(problem).is_some()
        }
        _ => false,
    };
    if invalid.problems().iter().all(is_typo) {
        failure
    } else {
        failure.with_advice("to send it anyway: --force")
    }
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
