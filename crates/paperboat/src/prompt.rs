//! The argument that is the prompt: one at most, next to pairs.

use cometapi::models::{Field, Model};

use crate::args::field;
use crate::failure::Failure;
use crate::pair::{PROMPT, head, split};

/// Refuses several arguments that could be the prompt, or one that is more likely a slip: a
/// prompt without quotes is several arguments, and a prediction of half a prompt costs as much.
pub(crate) fn check(arguments: &[String], model: Option<&'static Model>) -> Result<(), Failure> {
    let is_lone = |argument: &&String| split(argument).is_none();
    let lone: Vec<_> = arguments.iter().filter(is_lone).collect();
    let Some(first) = lone.first() else {
        return Ok(());
    };
    for word in &lone {
        if let Some(field) = model.and_then(|model| named(word, model)) {
            return Err(field_without_value(word, field));
        }
    }
    if arguments.iter().any(|argument| is_prompt_pair(argument)) {
        return Err(second_prompt(arguments, first));
    }
    if lone.len() > 1 {
        let words: Vec<_> = lone.iter().map(|word| word.as_str()).collect();
        return Err(Failure::usage(format!(
            "the prompt must be one argument, got {}; did you mean {:?}?",
            lone.len(),
            head(&words.join(" "))
        )));
    }
    Ok(())
}

/// The field that has `word` as its name or its flag.
fn named(word: &str, model: &'static Model) -> Option<&'static Field> {
    let is = |field: &&Field| field.name() == word || field::flag(field.name()) == word;
    model.fields().iter().find(is)
}

fn field_without_value(word: &str, field: &Field) -> Failure {
    let name = field.name();
    Failure::usage(format!(
        "{word:?} is a field without a value; write {name}=VALUE"
    ))
    .with_advice(format!("if it is the prompt: {PROMPT}={word}"))
}

fn is_prompt_pair(argument: &str) -> bool {
    split(argument).is_some_and(|(key, _)| key.trim_end_matches(':') == PROMPT)
}

/// The error of `first`, the first argument without a key, where a pair gives the prompt.
fn second_prompt(arguments: &[String], first: &str) -> Failure {
    let is_pair = |argument: &&String| split(argument).is_some();
    let pairs: Vec<_> = arguments.iter().take_while(is_pair).collect();
    let Some(pair) = pairs.last() else {
        return Failure::usage(format!(
            "the prompt is given twice, as {:?} and by {PROMPT}=; give it once",
            head(first)
        ));
    };
    // The words after a value are likely a part of it.
    let rest = arguments.iter().skip(pairs.len());
    let words = rest.take_while(|word| !is_pair(word)).map(String::as_str);
    let (key, value) = split(pair).unwrap_or_default();
    let value: Vec<_> = [value].into_iter().chain(words).collect();
    Failure::usage(format!(
        "expected KEY=VALUE, got {:?}; did you mean {key}={:?}?",
        head(first),
        head(&value.join(" "))
    ))
}

#[cfg(test)]
mod tests {
    use cometapi::models::find;

    use super::*;

    fn refusal(arguments: &[&str]) -> Option<String> {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let checked = check(&arguments, find("flux-schnell"));
        checked.err().map(|failure| failure.to_string())
    }

    #[test]
    fn one_argument_without_a_key_is_taken() {
        for arguments in [
            [].as_slice(),
            &["a red fox"],
            &["fox", "seed=7"],
            &["seed=7", "a sign: x=y"],
            &["prompt=fox", "seed=7"],
            &[""],
        ] {
            assert_eq!(refusal(arguments), None, "{arguments:?}");
        }
    }

    #[test]
    fn several_are_refused_with_the_quotes_that_are_missing() {
        for (arguments, said) in [
            (
                ["a", "red", "fox"].as_slice(),
                "the prompt must be one argument, got 3; did you mean \"a red fox\"?",
            ),
            (
                &["a fox", "seed=7", "at night"],
                "the prompt must be one argument, got 2; did you mean \"a fox at night\"?",
            ),
            (
                &["prompt=a", "red", "fox", "seed=7"],
                "expected KEY=VALUE, got \"red\"; did you mean prompt=\"a red fox\"?",
            ),
            (
                &["prompt=a fox", "resolution=1", "MP"],
                "expected KEY=VALUE, got \"MP\"; did you mean resolution=\"1 MP\"?",
            ),
            (
                &["a fox", "prompt:=\"b\""],
                "the prompt is given twice, as \"a fox\" and by prompt=; give it once",
            ),
        ] {
            assert_eq!(refusal(arguments).as_deref(), Some(said), "{arguments:?}");
        }
    }

    #[test]
    fn the_name_of_a_field_is_not_sent_as_a_prompt() {
        for word in ["go_fast", "go-fast", "prompt", "seed"] {
            for arguments in [vec![word], vec![word, "7"], vec!["prompt=x", word]] {
                let said = refusal(&arguments).unwrap();
                assert!(said.contains("is a field without a value"), "{said}");
            }
        }
        let other = ["seed".to_owned()];
        assert!(check(&other, None).is_ok());
    }
}
