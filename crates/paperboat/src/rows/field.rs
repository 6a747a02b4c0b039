//! The field that files are for.

use cometapi::ModelRef;
use cometapi::models::{self, Field, Kind, Model};

use crate::failure::Failure;

/// A field that takes files.
pub(super) struct FileField {
    pub(super) name: String,
    /// Whether it takes a list of them.
    pub(super) is_list: bool,
}

impl FileField {
    fn new(name: &str, is_list: bool) -> Self {
        let name = name.to_owned();
        Self { name, is_list }
    }
}

/// The field `name` of a model, or else the one that takes an image.
pub(super) fn of(model: &ModelRef, name: Option<&str>) -> Result<FileField, Failure> {
    match (models::find(&model.to_string()), name) {
        (Some(known), Some(name)) => named(known, name),
        (Some(known), None) => only(known),
        (None, Some(name)) => Ok(FileField::new(name, false)),
        (None, None) => Err(Failure::usage(format!(
            "{model} is not a model known here, so --each needs the field for its files"
        ))
        .with_advice("name it: --field NAME")),
    }
}

fn is_list(field: &Field) -> Option<bool> {
    match field.kind() {
        Kind::Image { .. } => Some(false),
        Kind::Images { .. } => Some(true),
        _ => None,
    }
}

/// The field of this name.
fn named(model: &'static Model, name: &str) -> Result<FileField, Failure> {
    let Some(field) = model.field(name) else {
        let failure = Failure::usage(format!(
            "--field: {name} is not a field of {}",
            model.name()
        ));
        return Err(match model.nearest_field(name) {
            Some(near) => failure.with_advice(format!("did you mean {}?", near.name())),
            None => failure.with_advice(choose(model)),
        });
    };
    let Some(is_list) = is_list(field) else {
        return Err(Failure::usage(format!(
            "--field: {name} of {} takes {}, and no file",
            model.name(),
            field.kind()
        ))
        .with_advice(choose(model)));
    };
    Ok(FileField::new(name, is_list))
}

/// The one field that takes an image.
fn only(model: &'static Model) -> Result<FileField, Failure> {
    let fields: Vec<_> = takers(model).collect();
    match fields.as_slice() {
        [(field, is_list)] => Ok(FileField::new(field.name(), *is_list)),
        [] => Err(Failure::usage(format!("{} takes no image", model.name()))
            .with_advice("models that do: paperboat models image")),
        _ => Err(Failure::usage(format!(
            "{} takes images in more than one field",
            model.name()
        ))
        .with_advice(choose(model))),
    }
}

fn takers(model: &'static Model) -> impl Iterator<Item = (&'static Field, bool)> {
    let own = model
        .fields()
        .iter()
        .filter(|field| !field.is_gateway_only());
    own.filter_map(|field| Some((field, is_list(field)?)))
}

fn choose(model: &'static Model) -> String {
    let names: Vec<_> = takers(model)
        .map(|(field, _)| format!("--field {}", field.name()))
        .collect();
    if names.is_empty() {
        return "it takes no image".to_owned();
    }
    format!("fields that take an image: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_the_one_that_takes_an_image() {
        let find = |name: &str| models::find(name).unwrap();
        assert_eq!(
            only(find("flux-kontext-pro")).ok().unwrap().name,
            "input_image"
        );
        let list = only(find("flux-2-pro")).ok().unwrap();
        assert_eq!((list.name.as_str(), list.is_list), ("input_images", true));
        for (refused, said) in [
            (only(find("flux-schnell")), "takes no image"),
            (
                named(find("flux-kontext-pro"), "prompt"),
                "takes text, and no file",
            ),
            (
                named(find("flux-kontext-pro"), "input_images"),
                "is not a field",
            ),
        ] {
            let refused = refused.err().unwrap().to_string();
            assert!(refused.contains(said), "{refused}");
        }
    }
}
