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

/// Returns the known model whose name `name` is probably meant to be: of the same owner, and
/// different only in case or in one or two letters. Names with other digits are other models.
/// `None` if `name` itself is known.
///
/// [`nearest`] finds more, for a suggestion; this is sure enough to refuse a name.
///
/// ```
/// use cometapi_models::misspelled;
///
/// let meant = misspelled("black-forest-labs/flux-schnel").unwrap();
/// assert_eq!(meant.name(), "black-forest-labs/flux-schnell");
/// assert!(misspelled("black-forest-labs/flux-1.2-pro").is_none());
/// ```
pub fn misspelled(name: &str) -> Option<&'static Model> {
    let (owner, short) = name.split_once('/')?;
    // Comparing costs the square of the length.
    if short.len() > 100 || find(name).is_some() {
        return None;
    }
    let short = short.to_lowercase();
    let not_letters = |text: &str| text.replace(char::is_alphabetic, "");
    let candidates = models().iter().filter_map(|model| {
        let (known_owner, known) = model.name.split_once('/')?;
        let is_near = known_owner.eq_ignore_ascii_case(owner)
            && not_letters(known) == not_letters(&short)
            && strsim::osa_distance(known, &short) <= 2;
        is_near.then(|| (strsim::osa_distance(known, &short), model))
    });
    candidates
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, model)| model)
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
    fn a_name_is_misspelled_if_only_case_or_one_or_two_letters_differ() {
        for (name, meant) in [
            ("black-forest-labs/flux-schnel", Some("flux-schnell")),
            ("black-forest-labs/flux-shcnell", Some("flux-schnell")),
            ("black-forest-labs/flux-scnel", Some("flux-schnell")),
            ("Black-Forest-Labs/FLUX-Schnell", Some("flux-schnell")),
            ("black-forest-labs/flux-1.1-prp", Some("flux-1.1-pro")),
            ("black-forest-labs/flux-schnell", None),
            // Other models, known or not.
            ("black-forest-labs/flux-1.2-pro", None),
            ("black-forest-labs/flux-11-pro", None),
            ("black-forest-labs/flux-3-pro", None),
            ("black-forest-labs/flux-2-max", None),
            ("black-forest-labs/flux-krea-dev", None),
            ("black-forest-labs/flux-scne", None),
            ("black-forest-lab/flux-schnel", None),
            ("acme/flux-schnel", None),
            ("flux-schnel", None),
            ("", None),
        ] {
            let found = misspelled(name).map(|model| model.name().split_once('/').unwrap().1);
            assert_eq!(found, meant, "{name}");
        }
    }

    #[test]
    fn no_known_model_is_a_misspelling_of_another() {
        for model in models() {
            assert_eq!(misspelled(model.name()).map(Model::name), None);
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
