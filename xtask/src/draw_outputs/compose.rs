//! Composing an output of the same shape, without anything that somebody wrote.

use std::collections::{BTreeSet, HashMap};

use fastrand::Rng;
use serde_json::{Map, Number, Value};

/// How many items of a list, and members of an object, are kept.
const SHORT: usize = 6;

/// How many more are kept if each is of another kind.
const KINDS: usize = 12;

/// A list of this many items is kept whole, once for lists of strings and once for others.
const LONG: std::ops::RangeInclusive<usize> = 150..=400;

/// How many characters of a string are kept.
const TEXT: usize = 160;

/// Two strings keep this many.
const LONG_TEXT: usize = 4000;

/// The host of every address in a fixture.
const HOST: &str = "https://files.example.com";

/// A word of each length.
const WORDS: [&str; 8] = ["", "a", "ox", "fox", "boat", "river", "meadow", "lantern"];

/// What makes a string look like a URL or a file name.
const KEPT: [&str; 14] = [
    "http", "https", "data", "www", "com", "png", "jpg", "jpeg", "webp", "gif", "mp4", "wav",
    "html", "base64",
];

/// Composes outputs, with addresses that differ from each other.
pub(super) struct Composer {
    rng: Rng,
    files: usize,
    /// How many long lists of strings, of others, and long strings are still kept.
    long: [usize; 3],
    /// The addresses of this output by those in the original.
    addresses: HashMap<String, String>,
}

impl Composer {
    pub(super) fn new(rng: Rng) -> Self {
        Self {
            rng,
            files: 0,
            long: [1, 1, 2],
            addresses: HashMap::new(),
        }
    }

    /// Composes an output of the shape of `original`.
    pub(super) fn output(&mut self, original: &Value) -> Value {
        self.addresses.clear();
        self.value(original)
    }

    fn value(&mut self, original: &Value) -> Value {
        match original {
            Value::Null | Value::Bool(_) => original.clone(),
            Value::Number(number) => Value::Number(self.number(number)),
            Value::String(text) => Value::String(self.string(text)),
            Value::Array(items) => {
                let kept = self.kept(items);
                kept.into_iter().map(|at| self.value(&items[at])).collect()
            }
            Value::Object(members) => {
                let values: Vec<&Value> = members.values().collect();
                let names: Vec<&String> = members.keys().collect();
                let mut composed = Map::new();
                for at in short(&values) {
                    let mut name = self.name(names[at]);
                    while composed.contains_key(&name) {
                        name.push_str(" fox");
                    }
                    composed.insert(name, self.value(values[at]));
                }
                Value::Object(composed)
            }
        }
    }

    /// The positions of the items that are kept.
    fn kept(&mut self, items: &[Value]) -> Vec<usize> {
        let left = &mut self.long[usize::from(!items.iter().all(Value::is_string))];
        if *left > 0 && LONG.contains(&items.len()) {
            *left -= 1;
            return (0..items.len()).collect();
        }
        short(&items.iter().collect::<Vec<_>>())
    }

    /// A number with the same sign, of the same magnitude and type.
    fn number(&mut self, original: &Number) -> Number {
        if let Some(whole) = original.as_i64() {
            if (-1..=1).contains(&whole) {
                return original.clone();
            }
            let least = 10_u64.pow(whole.unsigned_abs().ilog10().min(17));
            let drawn = self.rng.u64(least..least * 10).cast_signed();
            return Number::from(drawn * whole.signum());
        }
        if original.is_u64() {
            return Number::from(u64::MAX - self.rng.u64(..1000));
        }
        let float = original.as_f64().unwrap_or_default();
        if float == 0.0 {
            return original.clone();
        }
        let magnitude = 10_f64.powf(float.abs().log10().floor());
        let mut drawn = magnitude * (1.0 + 8.9 * self.rng.f64());
        if float.fract() == 0.0 {
            drawn = drawn.round();
        }
        Number::from_f64(drawn.copysign(float)).unwrap_or_else(|| original.clone())
    }

    fn string(&mut self, original: &str) -> String {
        let inner = original.trim();
        if is_url(inner) {
            return original.replace(inner, &self.address(inner));
        }
        if let Some((head, _)) = inner.split_once(',')
            && head.to_ascii_lowercase().starts_with("data:")
            && !head.contains(char::is_whitespace)
        {
            let content = if head.ends_with("base64") {
                "aGVsbG8="
            } else {
                "a%20fox"
            };
            return format!("{head},{content}");
        }
        let is_long = original.len() > LONG_TEXT && self.long[2] > 0;
        self.long[2] -= usize::from(is_long);
        self.text(original, if is_long { LONG_TEXT } else { TEXT })
    }

    /// The same white space, punctuation and characters that are not text; other words and digits.
    fn text(&mut self, original: &str, most: usize) -> String {
        let mut composed = String::new();
        let mut rest: String = original.chars().take(most).collect();
        if rest.len() < original.len() {
            // A token may be recognized by the white space at its end.
            let words = original.trim_end().len();
            rest.truncate(rest.trim_end().len());
            rest.push_str(&original[words..]);
        }
        while let Some(first) = rest.chars().next() {
            let kind = Class::of(first);
            let end = rest.find(|c| Class::of(c) != kind).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            match kind {
                Class::Other => composed.push_str(run),
                Class::Digits => composed.extend(run.chars().map(|_| self.rng.digit(10))),
                Class::Ascii if KEPT.contains(&run) => composed.push_str(run),
                Class::Ascii => {
                    let word = WORDS[run.len().min(WORDS.len() - 1)];
                    let is_capital = first.is_ascii_uppercase();
                    let head = &word[..1];
                    composed.push_str(&if is_capital {
                        head.to_uppercase()
                    } else {
                        head.to_owned()
                    });
                    composed.push_str(&word[1..]);
                }
                Class::Letters(letter) => composed.extend(run.chars().take(8).map(|_| letter)),
            }
            rest = after.to_owned();
        }
        composed
    }

    /// The name of a member; those that nobody would choose for one are text.
    fn name(&mut self, original: &str) -> String {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if is_url(original) {
            self.address(original)
        } else if original.chars().all(is_name) {
            original.to_owned()
        } else {
            self.text(original, TEXT)
        }
    }

    /// An address with the same extension, and a query if there is one; the same for the same.
    fn address(&mut self, original: &str) -> String {
        if let Some(known) = self.addresses.get(original) {
            return known.clone();
        }
        let path = original.split(['?', '#']).next().unwrap_or(original);
        let name = path.rsplit('/').next().unwrap_or(path);
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        let extension =
            extension.filter(|e| e.len() <= 12 && e.bytes().all(|b| b.is_ascii_alphanumeric()));
        let extension = extension.map_or_else(String::new, |extension| format!(".{extension}"));
        let query = if original.contains('?') { "?a=1" } else { "" };
        let address = format!("{HOST}/{}/out{extension}{query}", self.files);
        self.files += 1;
        self.addresses.insert(original.to_owned(), address.clone());
        address
    }
}

/// Whether `text` is a URL from end to end.
pub(super) fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !rest.contains(|c: char| c.is_whitespace() || "\"'<>`\\".contains(c))
    })
}

/// The positions of the first of each kind and of the first of all.
fn short(values: &[&Value]) -> Vec<usize> {
    let mut kinds = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for (at, value) in values.iter().enumerate() {
        if kinds.len() < KINDS && kinds.insert(kind(value)) {
            kept.insert(at);
        }
    }
    for at in 0..values.len() {
        if kept.len() >= SHORT {
            break;
        }
        kept.insert(at);
    }
    kept.into_iter().collect()
}

/// What kind of value it is, so that each is kept.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => "float".to_owned(),
        Value::Number(_) => "whole".to_owned(),
        Value::String(text) if is_url(text.trim()) => "url".to_owned(),
        Value::String(text) => {
            let edge = |c: Option<char>| c.map(|c| (c.is_whitespace(), c.is_alphanumeric()));
            format!(
                "{:?}",
                (edge(text.chars().next()), edge(text.chars().next_back()))
            )
        }
        Value::Array(items) => {
            let kinds: BTreeSet<_> = items.iter().map(kind).collect();
            format!("{kinds:?}")
        }
        Value::Object(members) => {
            let kinds: BTreeSet<_> = members.values().map(kind).collect();
            format!("object of {kinds:?}")
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Ascii,
    Digits,
    /// Letters of another script, which this one stands for.
    Letters(char),
    Other,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            'a'..='z' | 'A'..='Z' => Self::Ascii,
            '0'..='9' => Self::Digits,
            '\u{2e80}'.. if c.is_alphanumeric() => Self::Letters('狐'),
            c if c.is_alphanumeric() => Self::Letters('ü'),
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn composer() -> Composer {
        Composer::new(Rng::with_seed(7))
    }

    #[test]
    fn a_fixture_has_the_structure_and_the_kinds_of_strings() {
        let url = "https://host.test/private/name.tar.gz?token=abc";
        let address = format!("{HOST}/0/out.gz?a=1");
        for (original, expected) in [
            (
                json!(["", " \n", null, true]),
                json!(["", " \n", null, true]),
            ),
            (
                json!([" the", "wizard", ".\r\n"]),
                json!([" fox", "meadow", ".\r\n"]),
            ),
            (
                json!([url, format!("{url}\n")]),
                json!([address, format!("{address}\n")]),
            ),
            (
                json!(format!("{url} shows it")),
                json!("https://boat.boat/lantern/boat.fox.ox?river=fox river ox"),
            ),
            (
                json!("data:image/jpg;base64,/9j/4AAQ"),
                json!("data:image/jpg;base64,aGVsbG8="),
            ),
            (json!("Data: five, six"), json!("Boat: boat, fox")),
            (json!("Große 习近平。"), json!("Foxüa 狐狐狐。")),
            (
                json!({"mask_url": "photo.png"}),
                json!({"mask_url": "river.png"}),
            ),
            (
                json!({"an owl": 1, "no cat": 0}),
                json!({"ox fox": 1, "ox fox fox": 0}),
            ),
            (
                json!({url: {"score": 0}}),
                json!({address.clone(): {"score": 0}}),
            ),
        ] {
            assert_eq!(composer().output(&original), expected, "{original}");
        }
    }

    #[test]
    fn a_number_keeps_its_type_sign_and_magnitude() {
        for (original, range) in [
            (json!(-250), -999.0..=-100.0),
            (json!(7), 1.0..=9.0),
            (json!(u64::MAX), 1.8e19..=1.9e19),
            (json!(-0.0421), -0.1..=-0.01),
            (json!(3.5e12), 1e12..=1e13),
        ] {
            let composed = composer().output(&original);
            assert_eq!(composed.is_f64(), original.is_f64(), "{composed}");
            let value = composed.as_f64().unwrap();
            assert!(range.contains(&value), "{original}: {composed}");
        }
    }

    #[test]
    fn a_list_is_cut_to_each_kind_of_item_but_one_long_list_is_kept() {
        let items: Vec<Value> = (2..60)
            .map(Value::from)
            .chain([json!(0.5), json!("")])
            .collect();
        let composed = composer().output(&json!(items));
        let kinds: Vec<_> = composed.as_array().unwrap().iter().map(kind).collect();
        assert_eq!(kinds.len(), SHORT);
        assert_eq!(kinds[4..], [kind(&json!(0.5)), kind(&json!(""))]);

        let long = json!([
            vec!["fox"; 200],
            vec!["fox"; 200],
            vec![1; 200],
            "a".repeat(9000)
        ]);
        let composed = composer().output(&long);
        let lengths: Vec<_> = (0..3)
            .map(|at| composed[at].as_array().unwrap().len())
            .collect();
        assert_eq!(lengths, [200, SHORT, 200]);
        // One word, however long the original is.
        assert_eq!(composed[3], "lantern");
        let text = "a fox. ".repeat(2000) + "a boat";
        let mut drawing = composer();
        let lengths = [(); 3].map(|()| drawing.output(&json!(text)).as_str().unwrap().len());
        assert_eq!(lengths, [LONG_TEXT, LONG_TEXT, TEXT]);
        let cut = drawing.text("a fox\n\n", 2);
        assert_eq!(cut, "a\n\n");
    }
}
