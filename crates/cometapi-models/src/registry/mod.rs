//! The known models: the list, and finding one by its name.

#[rustfmt::skip]
mod generated;

use crate::model::Model;

/// Every model whose input is known, in the order of their names.
pub fn models() -> &'static [Model] {
    generated::MODELS
}

/// The model `owner/name`, when its input is known. Others run as well, unchecked.
pub fn find(name: &str) -> Option<&'static Model> {
    models().iter().find(|model| model.name == name)
}

/// The known model that `name` may have been meant for: a slip of the finger away, or without
/// its owner. `None` when nothing is near, and when `name` itself is known.
pub fn nearest(name: &str) -> Option<&'static Model> {
    if find(name).is_some() {
        return None;
    }
    let short = |name: &'static str| name.split_once('/').map_or(name, |(_, short)| short);
    if name.contains('/') {
        let near = nearest_name(name, models().iter().map(|model| model.name))?;
        return find(near);
    }
    let near = nearest_name(name, models().iter().map(|model| short(model.name)))?;
    models().iter().find(|model| short(model.name) == near)
}

/// The one of `names` that `typed` is a slip of the finger away from: a letter in three may
/// be wrong; case and the kind of dash do not count.
pub(crate) fn nearest_name<'n>(
    typed: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
    let typed = plain(typed);
    // A wall of text is no slip, and comparing costs the square of its length.
    if typed.is_empty() || typed.len() > 100 {
        return None;
    }
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(&typed, &plain(name)), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).min(4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::check::{InputProblemKind, InvalidInput};

    #[test]
    fn names_are_unique_and_sorted() {
        let names: Vec<_> = models().iter().map(Model::name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    }

    #[test]
    fn every_default_is_one_that_the_field_takes() {
        for model in models() {
            for field in model.fields() {
                let Some(default) = field.default() else {
                    continue;
                };
                let place = format!("{} {}", model.name(), field.name());
                let value = field
                    .read(default)
                    .unwrap_or_else(|e| panic!("{place}: {e}"));
                let input = Map::from_iter([(field.name().to_owned(), value)]);
                let problems = model
                    .check(&input)
                    .map_or_else(InvalidInput::into_problems, |_| Vec::new());
                // Other fields may be missing, or be set to another value.
                let of_value = problems.iter().find(|problem| {
                    problem.field() == field.name() && problem.kind() != InputProblemKind::OnlyWith
                });
                assert_eq!(of_value, None, "{place}");
            }
        }
    }

    #[test]
    fn a_slip_or_a_missing_owner_finds_the_model() {
        for (name, meant) in [
            ("black-forest-labs/flux-schnel", Some("flux-schnell")),
            ("black-forest-lab/flux-1.1-pro", Some("flux-1.1-pro")),
            ("black-forest-labs/flux_schnell", Some("flux-schnell")),
            ("flux-schnell", Some("flux-schnell")),
            ("Flux-Kontext-Max", Some("flux-kontext-max")),
            ("black-forest-labs/flux-schnell", None),
            ("acme/portrait", None),
            ("", None),
        ] {
            let found = nearest(name).map(|model| model.name().split_once('/').unwrap().1);
            assert_eq!(found, meant, "{name}");
        }
    }

    #[test]
    fn a_slip_is_found_and_another_word_is_not() {
        let names = ["prompt", "seed", "aspect_ratio", "num_outputs"];
        for (typed, meant) in [
            ("promt", Some("prompt")),
            ("Prompt", Some("prompt")),
            ("aspect-ratio", Some("aspect_ratio")),
            ("aspectRatio", Some("aspect_ratio")),
            ("num_output", Some("num_outputs")),
            ("sede", Some("seed")),
            ("width", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest_name(typed, names), meant, "{typed}");
        }
    }
}
