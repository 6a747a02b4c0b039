//! The known models: the list, and finding one by its name.

#[rustfmt::skip]
mod generated;

use crate::model::Model;

/// Every model whose input is known, in the order of their names.
pub fn models() -> &'static [Model] {
    generated::MODELS
}

/// Returns the known model of this name: `owner/name`, or its short name, the part after the
/// slash, if no other known model has it. Other models run as well, unchecked.
///
/// A later version of this crate may know a second model of that short name, so a program that is
/// to live longer names the owner.
///
/// ```
/// use cometapi_models::find;
///
/// let schnell = find("flux-schnell").unwrap();
/// assert_eq!(schnell.name(), "black-forest-labs/flux-schnell");
/// assert!(find("acme/flux-schnell").is_none());
/// ```
pub fn find(name: &str) -> Option<&'static Model> {
    find_in(models(), name)
}

/// Returns the known models that `name` may be meant to name: all those whose short name it is, else
/// the one that it is a misspelling of, else one with a similar name, else, if it has no owner,
/// those whose names contain it. Empty if `name` is known, or like no known name.
///
/// A model with other digits is another model: none is suggested for it.
///
/// ```
/// use cometapi_models::candidates;
///
/// let meant = candidates("black-forest-lab/flux-schnell");
/// assert_eq!(meant[0].name(), "black-forest-labs/flux-schnell");
/// assert!(candidates("kontext").len() > 1);
/// assert!(candidates("black-forest-labs/flux-1.2-pro").is_empty());
/// ```
pub fn candidates(name: &str) -> Vec<&'static Model> {
    candidates_in(models(), name)
}

/// Returns the known model whose name `name` is a misspelling of: of the same owner if it has one,
/// and different only in case or in one or two letters. `None` if `name` itself is known.
///
/// Names with other digits are other models, and so are names with another word that holds a
/// digit: `v2a` is not a misspelling of `v2`. [`candidates`] finds more, for a suggestion; this is
/// sure enough to refuse a name.
///
/// ```
/// use cometapi_models::misspelled;
///
/// let meant = misspelled("black-forest-labs/flux-schnel").unwrap();
/// assert_eq!(meant.name(), "black-forest-labs/flux-schnell");
/// assert!(misspelled("black-forest-labs/flux-1.2-pro").is_none());
/// ```
pub fn misspelled(name: &str) -> Option<&'static Model> {
    misspelled_in(models(), name).first().copied()
}

fn find_in<'m>(models: &'m [Model], name: &str) -> Option<&'m Model> {
    if name.contains('/') {
        // A batch looks up the model of each cell.
        let at = models.binary_search_by(|model| model.name.cmp(name));
        return at.ok().and_then(|at| models.get(at));
    }
    match with_short_name(models, name)[..] {
        [model] => Some(model),
        _ => None,
    }
}

fn with_short_name<'m>(models: &'m [Model], name: &str) -> Vec<&'m Model> {
    let of_name = models.iter().filter(|model| model.short_name() == name);
    of_name.collect()
}

fn candidates_in<'m>(models: &'m [Model], name: &str) -> Vec<&'m Model> {
    type Search = for<'m> fn(&'m [Model], &str) -> Vec<&'m Model>;
    const SEARCHES: [Search; 4] = [with_short_name, misspelled_in, similar_in, containing];
    if find_in(models, name).is_some() {
        return Vec::new();
    }
    let mut found = SEARCHES.iter().map(|search| search(models, name));
    found.find(|found| !found.is_empty()).unwrap_or_default()
}

/// The models whose names hold `part`, which names no owner.
fn containing<'m>(models: &'m [Model], part: &str) -> Vec<&'m Model> {
    if part.is_empty() || part.contains('/') {
        return Vec::new();
    }
    let part = part.to_lowercase();
    let contains = |model: &&Model| model.name.to_lowercase().contains(&part);
    models.iter().filter(contains).collect()
}

/// The models that differ least from a misspelled name.
fn misspelled_in<'m>(models: &'m [Model], name: &str) -> Vec<&'m Model> {
    let (owner, short) = match name.split_once('/') {
        Some((owner, short)) => (Some(owner), short),
        None => (None, name),
    };
    let is_known = match owner {
        Some(_) => find_in(models, name).is_some(),
        None => !with_short_name(models, name).is_empty(),
    };
    // Comparing costs the square of the length.
    if is_known || short.len() > 100 {
        return Vec::new();
    }
    let short = short.to_lowercase();
    let near = models.iter().filter_map(|model| {
        let known = model.short_name().to_lowercase();
        let may_be = owner.is_none_or(|owner| owner.eq_ignore_ascii_case(model.owner()))
            && is_same_version(&known, &short);
        let distance = may_be.then(|| strsim::osa_distance(&known, &short));
        distance
            .filter(|distance| *distance <= 2)
            .map(|distance| (distance, model))
    });
    let near: Vec<_> = near.collect();
    let least = near.iter().map(|(distance, _)| *distance).min();
    let nearest = near
        .iter()
        .filter(|(distance, _)| Some(*distance) == least)
        .map(|(_, model)| *model);
    nearest.collect()
}

/// Returns whether two names have the same digits, dots and dashes, and the same words that hold a
/// digit.
fn is_same_version(one: &str, other: &str) -> bool {
    fn versions(name: &str) -> impl Iterator<Item = &str> {
        name.split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.contains(char::is_numeric))
    }
    let not_letters = |name: &str| name.replace(char::is_alphabetic, "");
    not_letters(one) == not_letters(other) && versions(one).eq(versions(other))
}

/// The models of the most similar name: a letter in three may be wrong, and so may the dashes.
fn similar_in<'m>(models: &'m [Model], name: &str) -> Vec<&'m Model> {
    fn digits(name: &str) -> impl Iterator<Item = char> {
        name.chars().filter(|c| c.is_numeric())
    }
    let compared = |model: &'m Model| {
        if name.contains('/') {
            model.name
        } else {
            model.short_name()
        }
    };
    let names = models.iter().map(compared);
    let near = nearest_name(name, names.filter(|known| digits(known).eq(digits(name))));
    let is_near = |model: &&'m Model| Some(compared(model)) == near;
    models.iter().filter(is_near).collect()
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
    use proptest::prelude::*;
    use serde_json::Map;

    use super::*;
    use crate::check::{InputProblemKind, InvalidInput};
    use crate::model::OutputKind;

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

    /// Models of these names.
    fn named(names: &[&'static str]) -> Vec<Model> {
        let of = |name| Model {
            name,
            description: "",
            source: "",
            output_kind: OutputKind::Json,
            fields: &[],
            schema: "{}",
        };
        names.iter().copied().map(of).collect()
    }

    const NAMES: [&str; 9] = [
        "acme/portrait",
        "black-forest-labs/flux-1.1-pro",
        "black-forest-labs/flux-2-pro",
        "black-forest-labs/flux-kontext-max",
        "black-forest-labs/flux-schnell",
        "bytedance/seedream-4",
        "ideogram-ai/ideogram-v2",
        "studio/landscape",
        "studio/portrait",
    ];

    fn names<'m>(models: &[&'m Model]) -> Vec<&'m str> {
        models.iter().map(|model| model.name).collect()
    }

    #[test]
    fn a_short_name_is_enough_if_one_model_has_it() {
        let models = named(&NAMES);
        for (name, found) in [
            ("acme/portrait", Some("acme/portrait")),
            ("seedream-4", Some("bytedance/seedream-4")),
            ("landscape", Some("studio/landscape")),
            ("portrait", None),
            ("Landscape", None),
            ("land", None),
            ("other/landscape", None),
            ("/landscape", None),
            ("studio/", None),
            ("", None),
        ] {
            assert_eq!(find_in(&models, name).map(Model::name), found, "{name}");
        }
        for model in super::models() {
            let found = find(model.short_name()).map(Model::name);
            let others = with_short_name(super::models(), model.short_name()).len();
            assert_eq!(found, (others == 1).then_some(model.name()));
        }
    }

    #[test]
    fn what_may_be_meant_is_found() {
        let models = named(&NAMES);
        for (name, meant) in [
            ("portrait", ["acme/portrait", "studio/portrait"].as_slice()),
            ("Portrait", &["acme/portrait", "studio/portrait"]),
            ("portrit", &["acme/portrait", "studio/portrait"]),
            ("flux-schnel", &["black-forest-labs/flux-schnell"]),
            (
                "black-forest-labs/flux-schnel",
                &["black-forest-labs/flux-schnell"],
            ),
            (
                "black-forest-lab/flux-1.1-pro",
                &["black-forest-labs/flux-1.1-pro"],
            ),
            (
                "black-forest-labs/flux_schnell",
                &["black-forest-labs/flux-schnell"],
            ),
            ("Flux-Kontext-Max", &["black-forest-labs/flux-kontext-max"]),
            (
                "PRO",
                &[
                    "black-forest-labs/flux-1.1-pro",
                    "black-forest-labs/flux-2-pro",
                ],
            ),
            ("studio", &["studio/landscape", "studio/portrait"]),
            ("black-forest-labs/flux-schnell", &[]),
            ("flux-schnell", &[]),
            ("bytedance/seedream-5", &[]),
            ("seedream-5", &[]),
            ("black-forest-labs/flux-1.2-pro", &[]),
            ("elsewhere/portrait", &[]),
            ("watercolor", &[]),
            ("", &[]),
        ] {
            assert_eq!(names(&candidates_in(&models, name)), meant, "{name}");
        }
    }

    #[test]
    fn a_name_is_misspelled_if_only_case_or_one_or_two_letters_differ() {
        let models = named(&NAMES);
        for (name, meant) in [
            ("black-forest-labs/flux-schnel", Some("flux-schnell")),
            ("black-forest-labs/flux-shcnell", Some("flux-schnell")),
            ("black-forest-labs/flux-scnel", Some("flux-schnell")),
            ("Black-Forest-Labs/FLUX-Schnell", Some("flux-schnell")),
            ("black-forest-labs/flux-1.1-prp", Some("flux-1.1-pro")),
            ("ideogram-ai/ideogrm-v2", Some("ideogram-v2")),
            ("ideogram-ai/Ideogram-V2", Some("ideogram-v2")),
            ("black-forest-labs/flux-schnell", None),
            // Other models, known or not.
            ("black-forest-labs/flux-1.2-pro", None),
            ("black-forest-labs/flux-11-pro", None),
            ("black-forest-labs/flux-3-pro", None),
            ("black-forest-labs/flux-2-max", None),
            ("black-forest-labs/flux-krea-dev", None),
            ("black-forest-labs/flux-scne", None),
            ("black-forest-lab/flux-schnel", None),
            ("bytedance/seedream-5", None),
            ("ideogram-ai/ideogram-v2a", None),
            ("ideogram-ai/ideogram-w2", None),
            ("acme/flux-schnel", None),
            // Without an owner, of any.
            ("flux-schnel", Some("flux-schnell")),
            ("Flux-Schnell", Some("flux-schnell")),
            ("flux-schnell", None),
            ("seedream-5", None),
            ("portrait", None),
            ("", None),
        ] {
            let found = misspelled_in(&models, name);
            let found = found.first().map(|model| model.short_name());
            assert_eq!(found, meant, "{name}");
        }
    }

    #[test]
    fn no_known_model_is_a_misspelling_of_another() {
        for model in models() {
            assert_eq!(misspelled(model.name()).map(Model::name), None);
            assert_eq!(misspelled(model.short_name()).map(Model::name), None);
            assert!(candidates(model.name()).is_empty());
        }
    }

    proptest! {
        #[test]
        fn no_name_is_too_odd_to_look_up(name in ".{0,30}|[a-z-]{1,9}/[a-z0-9.-]{1,12}") {
            let models = named(&NAMES);
            let meant = candidates_in(&models, &name);
            prop_assert!(meant.is_empty() || find_in(&models, &name).is_none());
            for model in misspelled_in(&models, &name) {
                prop_assert!(meant.iter().any(|meant| meant.name == model.name));
            }
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
