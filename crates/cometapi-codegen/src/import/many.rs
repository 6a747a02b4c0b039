//! Files of many models: a list of them, as data sets have it, or a page of them, as Replicate
//! serves it.

use std::borrow::Cow;

use serde::Deserialize;

use super::json;

/// A model of a file of many.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishedModel<'a> {
    /// `owner/name`, where it is stated.
    pub name: Option<String>,
    /// The model, for [`import_model`](crate::import_model).
    pub json: Cow<'a, str>,
}

/// The models of a file of many: a JSON array, or an object with an array `results` or `models`.
/// `None` for any other file, which is of one model.
///
/// What is wrong with one model is found when that is imported, and does not hide the others.
pub fn published_models(file: &str) -> Option<Vec<PublishedModel<'_>>> {
    let file = file.trim_start_matches('\u{feff}').trim();
    let texts: Vec<Cow<'_, str>> = if file.starts_with('[') {
        items(file)?.into_iter().map(Cow::Borrowed).collect()
    } else {
        let page = json::read(file).ok()?;
        let is_one = [
            "properties",
            "components",
            "openapi_schema",
            "latest_version",
        ];
        if is_one.iter().any(|key| page.get(key).is_some()) {
            return None;
        }
        let models = ["results", "models"].iter().find_map(|key| page.get(key))?;
        let models = models.as_array()?.iter();
        models.map(|model| Cow::Owned(model.to_string())).collect()
    };
    let models = texts.into_iter().map(|json| PublishedModel {
        name: name(&json),
        json,
    });
    Some(models.collect())
}

/// The items of a JSON array, each as its text, which may still be no JSON.
fn items(array: &str) -> Option<Vec<&str>> {
    let mut items = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in array.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            b',' if depth == 1 => {
                items.push(array[start..at].trim());
                start = at + 1;
            }
            b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    let last = array[start..at].trim();
                    items.extend((!last.is_empty() || !items.is_empty()).then_some(last));
                    return (at + 1 == array.len()).then_some(items);
                }
            }
            _ => {}
        }
    }
    None
}

fn name(model: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        owner: String,
        name: String,
    }
    let Head { owner, name } = serde_json::from_str(model).ok()?;
    Some(format!("{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_list_and_a_page_are_many_and_everything_else_is_one() {
        let model = r#"{"owner": "acme", "name": "a], \"b\" [", "x": [1, {"y": "\\"}]}"#;
        let other = r#"{"properties": {"results": {}}}"#;
        let names = |file: &str| {
            let models = published_models(file)?;
            Some(
                models
                    .into_iter()
                    .map(|model| model.name)
                    .collect::<Vec<_>>(),
            )
        };
        let both = Some(vec![Some(r#"acme/a], "b" ["#.to_owned()), None]);
        for file in [
            format!("\u{feff} [{model},\n{other}]\n"),
            format!(r#"{{"next": null, "results": [{model}, {other}]}}"#),
            format!(r#"{{"models": [{model}, {other}]}}"#),
        ] {
            assert_eq!(names(&file), both, "{file}");
        }
        assert_eq!(names("[]"), Some(Vec::new()));
        for file in [
            model,
            other,
            "",
            "[1",
            "[1] 2",
            "[1}]",
            r#"{"models": 1}"#,
            r#"{"models": [], "properties": {}}"#,
        ] {
            assert_eq!(names(file), None, "{file}");
        }
        // One that is no JSON is reported by itself.
        let texts = published_models("[1, oops,, 2]").unwrap();
        let texts: Vec<_> = texts.iter().map(|model| &*model.json).collect();
        assert_eq!(texts, ["1", "oops", "", "2"]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            ".{0,6}".prop_map(Value::from),
            any::<i64>().prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                (".{0,6}", inner).prop_map(|(key, value)| json!({key: value})),
            ]
        })
    }

    proptest! {
        #[test]
        fn items_are_those_of_the_array(values in prop::collection::vec(value(), 0..5)) {
            let text = format!("{:#}", Value::from(values.clone()));
            let read: Vec<Value> = items(&text)
                .unwrap()
                .into_iter()
                .map(|item| serde_json::from_str(item).unwrap())
                .collect();
            prop_assert_eq!(read, values);
        }
    }
}
