//! What a successful prediction's output consists of, and its text.

use std::fmt;
#[cfg(feature = "download")]
use std::path::Path;

use crate::core::error::Error;
use crate::core::error_kind::ErrorKind;
use crate::core::prediction::Prediction;
#[cfg(feature = "download")]
use crate::files::download::names::{file_stem, id_in_name};
use crate::files::output_file::{FileContext, OutputFile};
use crate::files::returns::Returns;
#[cfg(feature = "download")]
use crate::files::save::{Content, Save};

/// What an output consists of. Returned by [`Client::contents`](crate::Client::contents).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Contents {
    /// Nothing: the output is null.
    Nothing,
    /// Files, and nothing else.
    Files(Vec<OutputFile>),
    /// Files, and values besides them or names that tell the files apart (`{"drums": …, "vocals":
    /// …}`); the text is the whole output as JSON.
    Mixed(Vec<OutputFile>, OutputText),
    /// No files: text, or any other JSON.
    Text(OutputText),
}

impl Contents {
    /// Splits them into the files and the text that is to be kept besides.
    pub fn into_parts(self) -> (Vec<OutputFile>, Option<OutputText>) {
        match self {
            Self::Nothing => (Vec::new(), None),
            Self::Files(files) => (files, None),
            Self::Mixed(files, text) => (files, Some(text)),
            Self::Text(text) => (Vec::new(), Some(text)),
        }
    }
}

/// Returns what the output of a successful prediction consists of: see
/// [`Client::contents`](crate::Client::contents).
pub(crate) fn contents(
    context: &FileContext,
    prediction: &Prediction,
    model: Option<&str>,
) -> Result<Contents, Error> {
    let returns = Returns::of(model.or(prediction.model()));
    let files = || OutputFile::all(context, prediction, model);
    let text = |position| OutputText::read(prediction, returns, position);
    Ok(match Form::of(prediction, returns)? {
        Form::Nothing => Contents::Nothing,
        Form::Files => Contents::Files(files()),
        Form::Mixed => {
            let files = files();
            let text = text(files.len());
            Contents::Mixed(files, text)
        }
        Form::Text => Contents::Text(text(0)),
    })
}

/// Which contents an output has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Nothing,
    Files,
    Mixed,
    Text,
}

impl Form {
    /// Returns the form of the output of a model that returns `returns`.
    fn of(prediction: &Prediction, returns: Returns) -> Result<Self, Error> {
        let output = prediction.output();
        if output.is_null() {
            return match prediction.undecoded_output() {
                Some(why) => {
                    let why = format_args!("{why}; the raw response holds it");
                    Err(unexpected(prediction, why))
                }
                None => Ok(Self::Nothing),
            };
        }
        let is_text = returns == Returns::Text && output.text_from(returns).is_some();
        let found = output.find_files();
        let unusable = if prediction.is_output_empty() {
            Some("is empty")
        } else if output.is_file_names() && !is_text {
            Some("names files instead of giving their urls")
        } else if returns == Returns::Files && found.addresses.is_empty() {
            Some("holds no files, which its model is known to return")
        } else {
            None
        };
        if let Some(why) = unusable {
            let why = format_args!("{why}: {}", output.shown());
            return Err(unexpected(prediction, why));
        }
        Ok(if is_text || found.addresses.is_empty() {
            Self::Text
        } else if found.has_more() {
            Self::Mixed
        } else {
            Self::Files
        })
    }
}

fn unexpected(prediction: &Prediction, why: impl fmt::Display) -> Error {
    let id = prediction.id();
    let message = format!("prediction {id} succeeded, but its output {why}");
    Error::new(ErrorKind::UnexpectedOutput, message).with_prediction(prediction.clone())
}

/// The text of an output, or the output as JSON where it is no text.
#[derive(Clone)]
pub struct OutputText {
    id: String,
    /// Its place after the files of the same output.
    #[cfg_attr(
        not(feature = "download"),
        expect(dead_code, reason = "names are for saving")
    )]
    position: usize,
    text: String,
    is_json: bool,
}

impl OutputText {
    /// Returns the output of `prediction` as text: [`Prediction::text`] if it is text, else JSON.
    ///
    /// A list of strings that do not continue each other (`["cat", "dog"]`) is JSON, too, unless its
    /// model is known to return text: joined, it would not show where one ends.
    pub fn of(prediction: &Prediction) -> Self {
        let returns = Returns::of(prediction.model());
        let files = match returns {
            Returns::Text => 0,
            _ => prediction.output().find_files().addresses.len(),
        };
        Self::read(prediction, returns, files)
    }

    /// Returns the output of a model that returns `returns` as text.
    fn read(prediction: &Prediction, returns: Returns, position: usize) -> Self {
        let output = prediction.output();
        let is_one_text = returns == Returns::Text || !output.is_several_texts();
        let text = output.text_from(returns).filter(|_| is_one_text);
        Self {
            id: prediction.id().to_owned(),
            position,
            is_json: text.is_none(),
            text: text.unwrap_or_else(|| {
                let json = output.json().unwrap_or(&serde_json::Value::Null);
                format!("{json:#}")
            }),
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether it is JSON.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// Returns `text/plain` or `application/json`.
    pub fn media_type(&self) -> &'static str {
        if self.is_json {
            "application/json"
        } else {
            "text/plain"
        }
    }
}

#[cfg(feature = "download")]
impl OutputText {
    /// Returns the name that [`save_in`](Self::save_in) uses, without its extension: the prediction's
    /// id, followed by a position where the output holds files, too: `ID__2`.
    pub fn stem(&self) -> String {
        file_stem(&id_in_name(&self.id), self.position)
    }

    /// Saves it in `folder` as `ID.txt` or `ID.json`. [`Save::name`] gives it another name.
    pub fn save_in(&self, folder: impl AsRef<Path>) -> Save<'_> {
        let content = Content::Text {
            text: &self.text,
            media_type: self.media_type(),
            prediction_id: &self.id,
        };
        Save::in_folder(content, folder.as_ref(), &self.stem())
    }
}

impl fmt::Debug for OutputText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text may be long, and is private.
        f.debug_struct("OutputText")
            .field("id", &self.id)
            .field("media_type", &self.media_type())
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Client;
    #[cfg(feature = "models")]
    use crate::core::testing;

    fn contents(output: &Value, model: Option<&str>) -> Result<Contents, Error> {
        let json = json!({"id": "p1", "status": "succeeded", "output": output});
        let prediction = serde_json::from_value(json).unwrap();
        let client = Client::builder().key("k").build().unwrap();
        client.contents(&prediction, model)
    }

    /// The files' URLs and the text.
    fn parts(output: Value) -> (Vec<String>, Option<(String, bool)>) {
        let (files, text) = contents(&output, None).unwrap().into_parts();
        let urls = files.iter().map(|file| file.url().to_owned()).collect();
        let text = text.map(|text| (text.as_str().to_owned(), text.is_json()));
        (urls, text)
    }

    #[test]
    fn an_output_is_files_or_text_or_both_or_nothing() {
        let none = Vec::<String>::new;
        let text = |text: &str, is_json| Some((text.to_owned(), is_json));
        let a = || vec!["https://a/0.png".to_owned()];
        for (output, expected) in [
            (Value::Null, (none(), None)),
            (json!("https://a/0.png"), (a(), None)),
            (json!(["https://a/0.png", null]), (a(), None)),
            (json!({"image": "https://a/0.png"}), (a(), None)),
            (json!("a fox"), (none(), text("a fox", false))),
            (json!(["a ", "fox"]), (none(), text("a fox", false))),
            (json!([{"text": "a fox"}]), (none(), text("a fox", false))),
            (
                json!(["cat", "dog"]),
                (none(), text("[\n  \"cat\",\n  \"dog\"\n]", true)),
            ),
            (json!(0.5), (none(), text("0.5", true))),
            (json!(false), (none(), text("false", true))),
            (json!([1, 2]), (none(), text("[\n  1,\n  2\n]", true))),
            (
                json!({"image": "https://a/0.png", "seed": 7}),
                (
                    a(),
                    text(
                        "{\n  \"image\": \"https://a/0.png\",\n  \"seed\": 7\n}",
                        true,
                    ),
                ),
            ),
        ] {
            assert_eq!(parts(output.clone()), expected, "{output}");
        }
    }

    #[test]
    fn an_output_of_no_use_is_an_error_that_shows_it() {
        for (output, why) in [
            (json!([]), "is empty: []"),
            (json!([null]), "is empty: [null]"),
            (json!({}), "is empty: {}"),
            (json!(""), "is empty: \"\""),
            (
                json!(["out-0.png"]),
                "names files instead of giving their urls: [\"out-0.png\"]",
            ),
        ] {
            let error = contents(&output, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedOutput);
            assert!(error.prediction().is_some());
            assert_eq!(
                error.to_string(),
                format!("prediction p1 succeeded, but its output {why}")
            );
        }
    }

    #[cfg(feature = "models")]
    #[test]
    fn an_output_that_is_too_large_to_be_decoded_is_an_error() {
        let body = format!(
            r#"{{"id":"p1","status":"succeeded","output":[{}1]}}"#,
            r#"{"":1},"#.repeat(100_000)
        );
        for body in [
            body.clone(),
            format!(r#"{{"code":"success","data":{body}}}"#),
        ] {
            let prediction = testing::prediction(&body);
            let client = Client::builder().key("k").build().unwrap();
            let error = client.contents(&prediction, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedOutput);
            assert_eq!(
                error.to_string(),
                "prediction p1 succeeded, but its output holds too many values to be decoded; the \
                 raw response holds it"
            );
        }
    }

    #[test]
    fn what_looks_like_files_is_text_of_a_model_that_returns_text() {
        let prediction = |output: &Value| -> Prediction {
            let json = json!({"id": "p1", "status": "succeeded", "output": output});
            serde_json::from_value(json).unwrap()
        };
        for (output, text) in [
            (json!("https://a/0.png"), "https://a/0.png"),
            (json!("out-0.png"), "out-0.png"),
            (json!(["See ", "https://a/0.png"]), "See https://a/0.png"),
        ] {
            let prediction = prediction(&output);
            let form = Form::of(&prediction, Returns::Text).unwrap();
            assert_eq!(form, Form::Text, "{output}");
            let text_of = OutputText::read(&prediction, Returns::Text, 0);
            assert_eq!((text_of.as_str(), text_of.is_json()), (text, false));
        }
        // What is not text is what it is of any other model.
        for (output, expected) in [
            (json!({"image": "https://a/0.png"}), Form::Files),
            (json!({"image": "https://a/0.png", "seed": 7}), Form::Mixed),
            (json!({"a": 1}), Form::Text),
            (Value::Null, Form::Nothing),
        ] {
            for returns in [Returns::Text, Returns::Anything] {
                let form = Form::of(&prediction(&output), returns).unwrap();
                assert_eq!(form, expected, "{output}");
            }
        }
        for empty in [json!(""), json!([]), json!([""])] {
            assert!(Form::of(&prediction(&empty), Returns::Text).is_err());
        }
    }

    #[test]
    fn text_of_a_model_that_returns_files_is_unexpected() {
        let schnell = Some("black-forest-labs/flux-schnell");
        for output in [
            json!("a fox"),
            json!(["a", "fox"]),
            json!(7),
            json!({"a": 1}),
        ] {
            let error = contents(&output, schnell).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedOutput, "{output}");
            assert!(contents(&output, Some("acme/chat")).is_ok());
        }
        assert!(contents(&json!(null), schnell).is_ok());
        assert!(contents(&json!(["https://a/0.png"]), schnell).is_ok());
    }
}
