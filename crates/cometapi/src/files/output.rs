//! What a model returned, in whatever form.

use cometapi_client::KEY_PLACEHOLDER;
use reqwest::Url;
use serde_json::Value;

use crate::core::prediction::Prediction;
use crate::core::text::shorten_data_uris;
use crate::files::data_uri;
use crate::files::returns::Returns;
use cometapi_models::media;

/// A view of a prediction's output.
///
/// The reference documents a list of URLs; single-file models were observed to return one
/// URL; Replicate documents any JSON. About a quarter of the models there return text: a
/// string, a list of tokens, a list of objects with a `text`.
///
/// ```
/// use cometapi::Output;
/// use serde_json::json;
///
/// let list = json!(["https://a/0.png", "https://a/1.png"]);
/// assert_eq!(Output::of(Some(&list)).urls(), ["https://a/0.png", "https://a/1.png"]);
///
/// let one = json!("https://a/0.png");
/// assert_eq!(Output::of(Some(&one)).urls(), ["https://a/0.png"]);
///
/// let tokens = json!(["A ", "red ", "fox"]);
/// assert_eq!(Output::of(Some(&tokens)).text().as_deref(), Some("A red fox"));
///
/// assert!(Output::of(None).is_null());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output<'a>(Option<&'a Value>);

impl<'a> Output<'a> {
    /// Returns a view of `json`; `None` is null.
    pub fn of(json: Option<&'a Value>) -> Self {
        Self(json.filter(|json| !json.is_null()))
    }

    /// Returns whether there is none.
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the JSON as it came.
    pub fn json(&self) -> Option<&'a Value> {
        self.0
    }

    /// Returns the URL of every file in it: the whole strings that are an `http` or `https` URL
    /// with a host, or a well-formed data URI. They may be anywhere in lists and objects; those
    /// of an object come in the order of its keys.
    ///
    /// A list of strings of which one is no such URL is text, cut into tokens; no file is found
    /// in it.
    pub fn urls(&self) -> Vec<&'a str> {
        let found = self.find_files();
        found.addresses.into_iter().map(|file| file.url).collect()
    }

    /// Returns the URL of its only file; `None` if there is no file or more than one.
    pub fn url(&self) -> Option<&'a str> {
        match self.urls()[..] {
            [url] => Some(url),
            _ => None,
        }
    }

    /// Returns its text: a string, a list of strings joined, or a list of objects that hold a
    /// `text` and nothing else, joined. `None` for anything else: files, numbers, other JSON.
    pub fn text(&self) -> Option<String> {
        match self.0? {
            Value::String(text) => file_url(text).is_none().then(|| text.clone()),
            Value::Array(items) if matches!(Strings::of(items), Strings::Tokens) => {
                Some(items.iter().filter_map(Value::as_str).collect())
            }
            Value::Array(items) if !items.is_empty() => items.iter().map(only_text).collect(),
            _ => None,
        }
    }

    /// Returns its text, as a model gives it that returns `returns`: of one that returns text, a URL
    /// alone is text, too.
    pub(crate) fn text_from(self, returns: Returns) -> Option<String> {
        match (self.0?, returns) {
            (Value::String(text), Returns::Text) => Some(text.clone()),
            _ => self.text(),
        }
    }

    /// Whether it is a list of texts that do not continue each other, such as labels. Their text as
    /// a whole would not show where one ends and the next begins.
    ///
    /// Tokens are cut out of one text: somewhere one ends or begins with white space, is empty, or
    /// begins with a sign that follows a word. Of 222 lists of strings that public models returned,
    /// this is what the model's schema says for all but four.
    pub(crate) fn is_several_texts(self) -> bool {
        let Some(Value::Array(items)) = self.0 else {
            return false;
        };
        let items = items.iter().filter(|item| !item.is_null());
        let texts: Option<Vec<&str>> = items
            .map(|item| item.as_str().or_else(|| only_text(item)))
            .collect();
        texts.is_some_and(|texts| {
            texts.len() > 1 && texts.windows(2).all(|pair| !continues(pair[0], pair[1]))
        })
    }

    /// Returns its JSON in a line for people, shortened.
    pub(crate) fn shown(self) -> String {
        const LONGEST: usize = 300;
        let json = self.0.map_or_else(|| "null".to_owned(), Value::to_string);
        let short = shorten_data_uris(&json);
        match short.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", &short[..end]),
            None => short,
        }
    }

    pub(crate) fn find_files(self) -> Found<'a> {
        let mut found = Found::default();
        if let Some(json) = self.0 {
            found.collect(json, Place::Top);
        }
        found
    }

    /// Returns whether it consists of names of files, such as `out-0.png`, which only their
    /// host could open.
    pub(crate) fn is_file_names(self) -> bool {
        self.0.is_some_and(|json| {
            every_leaf(json, &mut |leaf| match leaf {
                Value::Null => true,
                Value::String(text) => {
                    let name = text.trim();
                    !name.contains(char::is_whitespace)
                        && !name.contains("://")
                        && media::is_media_file_name(name)
                }
                _ => false,
            })
        })
    }
}

impl Prediction {
    /// Returns the output of the model.
    pub fn output(&self) -> Output<'_> {
        Output::of(self.wire().output.as_ref())
    }

    /// Returns the text that the model returned: a string, or a list of tokens, joined without a
    /// separator as Replicate's own clients join it. `None` if the output is something else, or is
    /// not there yet.
    ///
    /// A URL alone is a file and not text, unless the prediction names a model that is known to
    /// return text. See [`Output::text`] for what else is text.
    ///
    /// ```
    /// let json = r#"{"id": "p1", "status": "succeeded", "output": ["A ", "red ", "fox"]}"#;
    /// let done: cometapi::Prediction = serde_json::from_str(json)?;
    /// assert_eq!(done.text().as_deref(), Some("A red fox"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn text(&self) -> Option<String> {
        self.output().text_from(Returns::of(self.model()))
    }
}

/// The files in an output.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    pub(crate) addresses: Vec<Address<'a>>,
    /// Whether there are values besides them.
    pub(crate) has_values: bool,
    /// Whether the names of an object's members tell them apart.
    pub(crate) has_names: bool,
}

/// Where a file can be fetched, and where in the output that is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Address<'a> {
    pub(crate) url: &'a str,
    pub(crate) place: Place<'a>,
}

/// Where in an output a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place<'a> {
    /// Alone, or in a list.
    Top,
    /// In an object, under a key that says no more than that it is an address.
    Keyless,
    /// In an object, under this key.
    Key(&'a str),
}

impl<'a> Place<'a> {
    fn under(self, key: &'a str) -> Self {
        match (key, self) {
            ("url" | "uri" | "href" | "src" | "data" | "value", Self::Top) => Self::Keyless,
            ("url" | "uri" | "href" | "src" | "data" | "value", outer) => outer,
            (key, _) => Self::Key(key),
        }
    }
}

impl<'a> Found<'a> {
    /// Whether the files alone are less than the output.
    pub(crate) fn has_more(&self) -> bool {
        self.has_values || self.has_names
    }

    fn collect(&mut self, json: &'a Value, place: Place<'a>) {
        match json {
            Value::Null => {}
            Value::String(text) => match file_url(text) {
                Some(url) => self.addresses.push(Address { url, place }),
                None => self.has_values |= !text.is_empty(),
            },
            Value::Array(items) => match Strings::of(items) {
                Strings::Tokens => self.has_values = true,
                Strings::Files(urls) => {
                    let files = urls.into_iter().map(|url| Address { url, place });
                    self.addresses.extend(files);
                }
                Strings::Mixed => items.iter().for_each(|item| self.collect(item, place)),
            },
            Value::Object(fields) => {
                // A map keeps the order of the wire or not, by a feature of the whole build.
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_unstable_by_key(|(key, _)| *key);
                let mut with_files = 0;
                for (key, value) in fields {
                    let before = self.addresses.len();
                    self.collect(value, place.under(key));
                    with_files += usize::from(self.addresses.len() > before);
                }
                self.has_names |= with_files > 1;
            }
            Value::Bool(_) | Value::Number(_) => self.has_values = true,
        }
    }
}

/// What the items of a list are together.
enum Strings<'a> {
    /// Each string is the URL of a file.
    Files(Vec<&'a str>),
    /// Text: not each string is a file.
    Tokens,
    /// Not all are strings.
    Mixed,
}

impl<'a> Strings<'a> {
    fn of(items: &'a [Value]) -> Self {
        let mut files = Some(Vec::with_capacity(items.len()));
        for item in items {
            match item {
                Value::Null => {}
                // Beside files it stands for one that was not made; beside words it adds nothing.
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => {
                    files = files.and_then(|mut files| {
                        files.push(file_url(text)?);
                        Some(files)
                    });
                }
                _ => return Self::Mixed,
            }
        }
        files.map_or(Self::Tokens, Self::Files)
    }
}

/// Whether the text `before` is likely to go on with `next`.
fn continues(before: &str, next: &str) -> bool {
    let follows_a_word = |c: char| c.is_whitespace() || ".,;:!?)]}，。！？、；：".contains(c);
    before.is_empty()
        || next.is_empty()
        || before.ends_with(char::is_whitespace)
        || next.starts_with(follows_a_word)
}

/// The text of an object that holds nothing else.
fn only_text(item: &Value) -> Option<&str> {
    let fields = item.as_object()?;
    let text = fields.get("text")?.as_str()?;
    (fields.len() == 1).then_some(text)
}

/// Whether `test` holds for every value that is neither list nor object.
fn every_leaf(json: &Value, test: &mut dyn FnMut(&Value) -> bool) -> bool {
    match json {
        Value::Array(items) => items.iter().all(|item| every_leaf(item, test)),
        Value::Object(fields) => fields.values().all(|value| every_leaf(value, test)),
        leaf => test(leaf),
    }
}

/// Returns the URL that `text` is as a whole.
fn file_url(text: &str) -> Option<&str> {
    let url = text.trim();
    if let Some(rest) = data_uri::strip(url) {
        return data_uri::decode(rest).map(|_| url);
    }
    let (scheme, rest) = url.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    // None of these is in a URL; all are in text that begins with one.
    let is_text = |c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '`' | '\u{fffd}')
    };
    if !is_web
        || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '[')
        || url.contains(is_text)
    {
        return None;
    }
    let has_host = |url: &str| Url::parse(url).is_ok_and(|url| url.has_host());
    // The placeholder of a key is not allowed in a host; the URL is refused later, with a reason.
    let is_url = has_host(url) || has_host(&url.replace(KEY_PLACEHOLDER, "key"));
    is_url.then_some(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::core::prediction::is_empty;

    const PNG: &str = "data:image/png;base64,aGk=";

    fn urls(json: &Value) -> Vec<&str> {
        Output::of(Some(json)).urls()
    }

    #[test]
    fn urls_are_found_wherever_they_are() {
        for (json, expected) in [
            (json!("https://a/0"), vec!["https://a/0"]),
            (json!(" https://a/0\n"), vec!["https://a/0"]),
            (json!("https://a"), vec!["https://a"]),
            (json!("https://[::1]:8080/0"), vec!["https://[::1]:8080/0"]),
            (json!("https://[key].a/0"), vec!["https://[key].a/0"]),
            (json!("https://a/?b=[key]"), vec!["https://a/?b=[key]"]),
            (
                json!(["https://a/0", "data:text/plain,x"]),
                vec!["https://a/0", "data:text/plain,x"],
            ),
            (json!([PNG, null, "http://a"]), vec![PNG, "http://a"]),
            (
                json!({"b": {"image": "HTTP://a/1"}, "a": ["https://a/0"], "c": 3}),
                vec!["https://a/0", "HTTP://a/1"],
            ),
            (
                json!([{"z": "https://a/0", "text": "no"}, {"a": "https://a/1"}]),
                vec!["https://a/0", "https://a/1"],
            ),
            (
                json!([["https://a/0"], ["https://a/1", "https://a/2"]]),
                vec!["https://a/0", "https://a/1", "https://a/2"],
            ),
            (
                json!({"image": "https://a/0", "logs": ["see ", "https://a/1"]}),
                vec!["https://a/0"],
            ),
        ] {
            assert_eq!(urls(&json), expected, "{json}");
        }
    }

    #[test]
    fn text_that_looks_like_a_url_is_none() {
        for text in [
            "plain",
            "Data: the chart shows 5 bars",
            "data: the chart shows 5 bars, of which 2",
            "https://",
            "https:// ",
            "http://",
            "https:///path",
            "https:a/b",
            "https:/a/b",
            "https://a/0.png is the image",
            "https://a/0\nhttps://a/1",
            "https://a/0\u{fffd}",
            "https://a/\u{0}",
            "https://a/0.png\">here</a>",
            "https://…",
            "see https://a/0",
            "ftp://a/0",
            "file:///etc/passwd",
            "https://a b/c",
            "",
        ] {
            let json = json!(text);
            assert_eq!(urls(&json), Vec::<&str>::new(), "{text:?}");
            assert_eq!(Output::of(Some(&json)).text().as_deref(), Some(text));
        }
    }

    #[test]
    fn an_empty_string_beside_files_is_no_text() {
        let json = json!(["", "https://a/0.png"]);
        let output = Output::of(Some(&json));
        assert_eq!(output.urls(), ["https://a/0.png"]);
        assert_eq!(output.text(), None);
        assert!(!output.find_files().has_more());
    }

    #[test]
    fn a_list_of_tokens_is_text_as_a_whole() {
        for (json, text) in [
            (json!(["a", "b"]), "ab"),
            (
                json!(["Visit ", "https://", "example.com", " now"]),
                "Visit https://example.com now",
            ),
            (
                json!(["Visit ", "https://example.com/a.png"]),
                "Visit https://example.com/a.png",
            ),
            (json!(["data", ":", " 5"]), "data: 5"),
            (json!(["a", null, "b"]), "ab"),
            (json!([{"text": "a "}, {"text": "fox"}]), "a fox"),
            (json!(["", "a", ""]), "a"),
            (json!("a"), "a"),
        ] {
            let output = Output::of(Some(&json));
            assert_eq!(output.text().as_deref(), Some(text), "{json}");
            assert_eq!(output.urls(), Vec::<&str>::new(), "{json}");
        }
        for json in [
            json!("https://a/0"),
            json!(["https://a/0", null]),
            json!(["a", 1]),
            json!({}),
            json!([]),
            json!([null]),
            json!(7),
            json!([{"text": "a", "start": 0.5}]),
            json!([{"text": 1}]),
            json!(null),
        ] {
            assert_eq!(Output::of(Some(&json)).text(), None, "{json}");
        }
    }

    #[test]
    fn a_url_is_text_of_a_model_that_returns_text() {
        for (json, of_any, of_text) in [
            (json!("https://a/0.png"), None, Some("https://a/0.png")),
            (json!("a fox"), Some("a fox"), Some("a fox")),
            (json!(["a ", "fox"]), Some("a fox"), Some("a fox")),
            (json!(""), Some(""), Some("")),
            (json!(["https://a/0", "https://a/1"]), None, None),
            (json!(7), None, None),
            (json!(null), None, None),
        ] {
            let output = Output::of(Some(&json));
            for returns in [Returns::Anything, Returns::Files] {
                assert_eq!(output.text_from(returns).as_deref(), of_any, "{json}");
            }
            assert_eq!(
                output.text_from(Returns::Text).as_deref(),
                of_text,
                "{json}"
            );
        }
    }

    #[test]
    fn a_prediction_has_text_once_it_has_an_output_of_text() {
        let text = |output: Value| {
            let json = json!({"id": "p1", "status": "succeeded", "output": output});
            serde_json::from_value::<Prediction>(json).unwrap().text()
        };
        assert_eq!(text(json!(["a", "b"])).as_deref(), Some("ab"));
        assert_eq!(text(json!("a")).as_deref(), Some("a"));
        for none in [json!(null), json!("https://a/0.png"), json!({"text": "a"})] {
            assert_eq!(text(none), None);
        }
    }

    #[test]
    fn the_place_of_a_url_is_its_nearest_key_that_says_something() {
        let json = json!({
            "images": [{"url": "https://a/0"}],
            "source": "https://a/1",
            "url": "https://a/2",
        });
        let found = Output::of(Some(&json)).find_files();
        let places: Vec<_> = found.addresses.iter().map(|file| file.place).collect();
        assert_eq!(
            places,
            [Place::Key("images"), Place::Key("source"), Place::Keyless]
        );
    }

    #[test]
    fn what_is_besides_the_files_is_seen() {
        for (json, has_more) in [
            (json!({"image": "https://a/0", "seed": 7}), true),
            (json!({"image": "https://a/0", "caption": "a fox"}), true),
            (
                json!({"image": "https://a/0", "caption": ["a ", "fox"]}),
                true,
            ),
            (
                json!({"image": "https://a/0", "mask": null, "text": ""}),
                false,
            ),
            (json!([["https://a/0"], ["a", "b"]]), true),
            (json!(["https://a/0", null]), false),
            (json!({"file": {"url": "https://a/0"}}), false),
        ] {
            let found = Output::of(Some(&json)).find_files();
            assert_eq!(
                (found.addresses.len(), found.has_more()),
                (1, has_more),
                "{json}"
            );
        }
    }

    #[test]
    fn names_that_tell_files_apart_are_more_than_the_files() {
        for (json, has_more) in [
            (
                json!({"drums": "https://a/0", "vocals": "https://a/1"}),
                true,
            ),
            (
                json!([{"mask": {"url": "https://a/0"}, "url": ["https://a/1"]}]),
                true,
            ),
            (
                json!({"files": ["https://a/0", "https://a/1"], "mask": null}),
                false,
            ),
            (
                json!([{"file": "https://a/0"}, {"file": "https://a/1"}]),
                false,
            ),
        ] {
            let found = Output::of(Some(&json)).find_files();
            assert_eq!(found.addresses.len(), 2, "{json}");
            assert_eq!(found.has_more(), has_more, "{json}");
        }
    }

    #[test]
    fn texts_that_do_not_continue_each_other_are_several() {
        for json in [
            json!(["cat", "dog"]),
            json!(["7689", "8678", null, "7687"]),
            json!(["A red fox.", "A boat on a river.", "#3"]),
            json!([{"text": "a fox"}, {"text": "a boat"}]),
        ] {
            assert!(Output::of(Some(&json)).is_several_texts(), "{json}");
        }
        for json in [
            json!(["a ", "fox"]),
            json!(["a", "\n", "fox"]),
            json!(["lan", "tern", "", "s"]),
            json!(["狐", "狸", "，", "船"]),
            json!(["a fox"]),
            json!([]),
            json!([1, 2]),
            json!(["a", {"text": "b", "start": 1}]),
            json!([{"text": "a "}, {"text": "fox"}]),
            json!("a fox"),
            json!(null),
        ] {
            assert!(!Output::of(Some(&json)).is_several_texts(), "{json}");
        }
    }

    #[test]
    fn empty_outputs_and_file_names_are_recognized() {
        for (json, hollow, names) in [
            (json!([]), true, true),
            (json!([null]), true, true),
            (json!({}), true, true),
            (json!([[], {"a": null}, ""]), true, false),
            (json!("out-0.png"), false, true),
            (json!(["out-0.png", null, "/tmp/out-1.PNG"]), false, true),
            (json!({"mesh": "out.ply"}), false, true),
            (json!("a fox in out.png"), false, false),
            (json!(["out-0.png", "a fox"]), false, false),
            (json!({"mesh": "out.ply", "faces": 3}), false, false),
            (json!("https://a/out.png"), false, false),
            (json!(false), false, false),
            (json!(null), true, false),
        ] {
            let output = Output::of(Some(&json));
            assert_eq!(
                (is_empty(&json), output.is_file_names()),
                (hollow, names),
                "{json}"
            );
        }
    }

    #[test]
    fn an_output_is_shown_short() {
        let json = json!([format!("data:image/png;base64,{}", "A".repeat(4096))]);
        assert_eq!(
            Output::of(Some(&json)).shown(),
            r#"["data:image/png;base64,… (3 kB)"]"#
        );
        assert_eq!(Output::of(None).shown(), "null");
        let long = json!("ü".repeat(1000));
        assert_eq!(Output::of(Some(&long)).shown().chars().count(), 301);
    }

    proptest! {
        #[test]
        fn any_text_is_text_or_a_whole_url(text: String, url in "https://[a-z]{1,9}\\.com/[a-z0-9/._~%?=&-]{0,30}") {
            let json = json!(text);
            let output = Output::of(Some(&json));
            prop_assert_ne!(output.urls().is_empty(), output.text().is_none());
            let json = json!([url, format!("{url} {text}x")]);
            prop_assert_eq!(Output::of(Some(&json)).urls().len(), 0);
            prop_assert_eq!(file_url(&url), Some(url.as_str()));
        }
    }
}
