//! Path templates, matched segment by segment on what came over the wire.
//!
//! The split happens before the percent-decoding: `a%2Fb` is one segment that holds a
//! slash, never two, and it is the parameter's schema that refuses it.

use percent_encoding::percent_decode_str;

/// `/models/{model_owner}/{model_name}/predictions`, taken apart.
#[derive(Debug)]
pub(super) struct Template(Vec<Segment>);

#[derive(Debug)]
enum Segment {
    Literal(String),
    Parameter(String),
}

impl Template {
    pub(super) fn parse(template: &str) -> Self {
        Self(
            segments(template)
                .map(|segment| {
                    match segment
                        .strip_prefix('{')
                        .and_then(|rest| rest.strip_suffix('}'))
                    {
                        Some(name) => Segment::Parameter(name.to_owned()),
                        None => Segment::Literal(segment.to_owned()),
                    }
                })
                .collect(),
        )
    }

    /// The names of the parameters with their raw text, if the path has this form.
    pub(super) fn matches<'p>(&self, path: &'p str) -> Option<Vec<(&str, &'p str)>> {
        let mut found = Vec::new();
        let mut raw = segments(path);
        for segment in &self.0 {
            let raw = raw.next()?;
            match segment {
                Segment::Literal(literal) => {
                    if decode(raw).as_deref() != Some(literal) {
                        return None;
                    }
                }
                Segment::Parameter(name) => found.push((name.as_str(), raw)),
            }
        }
        raw.next().is_none().then_some(found)
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// The text of a segment, or `None` where it is not UTF-8.
pub(super) fn decode(raw: &str) -> Option<String> {
    percent_decode_str(raw)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATE: &str = "/models/{owner}/{name}/predictions";

    #[track_caller]
    fn found(path: &str) -> Option<Vec<(String, String)>> {
        Template::parse(CREATE).matches(path).map(|found| {
            found
                .into_iter()
                .map(|(name, raw)| (name.to_owned(), raw.to_owned()))
                .collect()
        })
    }

    #[test]
    fn takes_parameters_as_they_stand() {
        for (owner, name) in [("a", "b"), ("..", "b"), ("a\\b", "%2E"), ("", "a%2Fb")] {
            assert_eq!(
                found(&format!("/models/{owner}/{name}/predictions")),
                Some(vec![
                    ("owner".to_owned(), owner.to_owned()),
                    ("name".to_owned(), name.to_owned())
                ])
            );
        }
    }

    #[test]
    fn an_encoded_slash_separates_nothing() {
        assert_eq!(found("/models/a%2Fb/predictions"), None);
        assert_eq!(found("/models/a%2fb/predictions"), None);
    }

    #[test]
    fn counts_every_segment() {
        assert_eq!(found("/models/a/b/predictions/"), None);
        assert_eq!(found("/models/a/b"), None);
        assert_eq!(found("//models/a/b/predictions"), None);
        assert_eq!(found("/models/a/b/c/predictions"), None);
        assert_eq!(found("/Models/a/b/predictions"), None);
    }

    #[test]
    fn an_encoded_literal_is_the_same_address() {
        assert!(found("/models/a/b/%70redictions").is_some());
    }

    #[test]
    fn decodes_to_text_or_to_nothing() {
        assert_eq!(decode("a%2Fb").as_deref(), Some("a/b"));
        assert_eq!(decode("%zz").as_deref(), Some("%zz"));
        assert_eq!(decode("%ff"), None);
    }
}
