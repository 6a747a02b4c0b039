//! The published JSON Schema of each model, and the one that its type exports, judge values as
//! the table does.

use cometapi::models::find;
use cometapi::models::{
    flux_dev::FluxDev, flux_kontext_max::FluxKontextMax, flux_kontext_pro::FluxKontextPro,
    flux_pro::FluxPro, flux_schnell::FluxSchnell, flux2_dev::Flux2Dev, flux2_flex::Flux2Flex,
    flux2_pro::Flux2Pro, flux11_pro::Flux11Pro, flux11_pro_ultra::Flux11ProUltra,
};
use schemars::schema_for;
use serde_json::{Value, json};

use crate::table;

fn schema(model: &str) -> Value {
    serde_json::from_str(find(model).unwrap().schema()).unwrap()
}

#[test]
fn every_limit_is_in_the_schema() {
    table::each_field(|row, field| {
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema(&row.model))
            .unwrap();
        for good in field.good() {
            let input = field.input(good);
            assert!(validator.is_valid(&input), "{} {input}", row.model);
        }
        for bad in field.bad() {
            let input = field.input(bad);
            assert!(!validator.is_valid(&input), "{} {input}", row.model);
        }
        if field.only_with.is_some() {
            let input = json!({"prompt": "x", field.name.as_str(): field.least()});
            assert!(!validator.is_valid(&input), "{} {input}", row.model);
        }
    });
}

#[test]
fn every_default_and_description_is_in_the_schema() {
    table::each_field(|row, field| {
        let property = &schema(&row.model)["properties"][&field.name];
        assert!(
            property["description"].is_string(),
            "{} {}",
            row.model,
            field.name
        );
        let default = match &property["default"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        assert_eq!(default, field.default, "{} {}", row.model, field.name);
        assert_eq!(property["deprecated"] == true, field.deprecated);
    });
}

#[test]
fn types_export_the_published_schema() {
    for (model, exported) in [
        ("flux-schnell", schema_for!(FluxSchnell)),
        ("flux-dev", schema_for!(FluxDev)),
        ("flux-pro", schema_for!(FluxPro)),
        ("flux-1.1-pro", schema_for!(Flux11Pro)),
        ("flux-1.1-pro-ultra", schema_for!(Flux11ProUltra)),
        ("flux-kontext-pro", schema_for!(FluxKontextPro)),
        ("flux-kontext-max", schema_for!(FluxKontextMax)),
        ("flux-2-pro", schema_for!(Flux2Pro)),
        ("flux-2-flex", schema_for!(Flux2Flex)),
        ("flux-2-dev", schema_for!(Flux2Dev)),
    ] {
        let published = schema(&format!("black-forest-labs/{model}"));
        assert_eq!(exported.to_value(), published, "{model}");
    }
}
