//! The ten models that the service's pages name, as far as the mock needs them.
//!
//! Formats, ratios and the form of the output are documented by Replicate (the models'
//! version pages); that CometAPI passes the inputs on is inferred.

/// A model: what its output looks like and what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) id: &'static str,
    /// Several pictures as a list of URLs, or one as a URL by itself.
    pub(crate) output: Output,
    /// The values of `output_format`; the first is not always the default.
    pub(crate) formats: &'static [&'static str],
    pub(crate) default_format: &'static str,
    pub(crate) ratios: &'static [&'static str],
    pub(crate) default_ratio: &'static str,
    /// The longest side that `aspect_ratio: custom` may ask for, in pixels.
    pub(crate) longest_side: u32,
}

/// The JSON form of a finished prediction's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// A list of URLs; takes `num_outputs`, 1 to 4.
    List,
    /// One URL.
    Single,
}

const ALL_FORMATS: &[&str] = &["webp", "jpg", "png"];
const NO_WEBP: &[&str] = &["jpg", "png"];

const ELEVEN: &[&str] = &[
    "1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21",
];
const CUSTOM: &[&str] = &[
    "custom", "1:1", "16:9", "3:2", "2:3", "4:5", "5:4", "9:16", "3:4", "4:3",
];
const MATCHING: &[&str] = &[
    "match_input_image",
    "custom",
    "1:1",
    "16:9",
    "3:2",
    "2:3",
    "4:5",
    "5:4",
    "9:16",
    "3:4",
    "4:3",
];
const KONTEXT: &[&str] = &[
    "match_input_image",
    "1:1",
    "16:9",
    "9:16",
    "4:3",
    "3:4",
    "3:2",
    "2:3",
    "4:5",
    "5:4",
    "21:9",
    "9:21",
    "2:1",
    "1:2",
];

/// The least that most of them share.
const PRO: Model = Model {
    id: "",
    output: Output::Single,
    formats: ALL_FORMATS,
    default_format: "webp",
    ratios: CUSTOM,
    default_ratio: "1:1",
    longest_side: 1440,
};

const SCHNELL: Model = Model {
    output: Output::List,
    ratios: ELEVEN,
    ..PRO
};

const KONTEXT_PRO: Model = Model {
    formats: NO_WEBP,
    default_format: "png",
    ratios: KONTEXT,
    default_ratio: "match_input_image",
    ..PRO
};

const FLUX_2: Model = Model {
    ratios: MATCHING,
    longest_side: 2048,
    ..PRO
};

const MODELS: &[Model] = &[
    Model {
        id: "black-forest-labs/flux-schnell",
        ..SCHNELL
    },
    Model {
        id: "black-forest-labs/flux-dev",
        ..SCHNELL
    },
    Model {
        id: "black-forest-labs/flux-pro",
        ..PRO
    },
    Model {
        id: "black-forest-labs/flux-1.1-pro",
        ..PRO
    },
    Model {
        id: "black-forest-labs/flux-1.1-pro-ultra",
        formats: NO_WEBP,
        default_format: "jpg",
        ratios: ELEVEN,
        ..PRO
    },
    Model {
        id: "black-forest-labs/flux-kontext-pro",
        ..KONTEXT_PRO
    },
    Model {
        id: "black-forest-labs/flux-kontext-max",
        ..KONTEXT_PRO
    },
    Model {
        id: "black-forest-labs/flux-2-pro",
        ..FLUX_2
    },
    Model {
        id: "black-forest-labs/flux-2-flex",
        ..FLUX_2
    },
    Model {
        id: "black-forest-labs/flux-2-dev",
        longest_side: 1440,
        ..FLUX_2
    },
];

/// The model of this id, if its inputs are known.
pub(crate) fn find(id: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.id == id)
}

/// The ids of the models whose inputs are known.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|model| model.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_models_each_with_defaults_that_it_takes() {
        assert_eq!(MODELS.len(), 10);
        for model in MODELS {
            assert!(
                model.formats.contains(&model.default_format),
                "{}",
                model.id
            );
            assert!(model.ratios.contains(&model.default_ratio), "{}", model.id);
            assert!(model.id.starts_with("black-forest-labs/flux-"));
        }
    }

    #[test]
    fn lists_are_for_schnell_and_dev_alone() {
        let lists: Vec<_> = MODELS
            .iter()
            .filter(|model| model.output == Output::List)
            .map(|model| model.id)
            .collect();
        assert_eq!(
            lists,
            [
                "black-forest-labs/flux-schnell",
                "black-forest-labs/flux-dev"
            ]
        );
    }
}
