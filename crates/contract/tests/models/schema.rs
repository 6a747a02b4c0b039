//! The published JSON Schema of each model accepts and rejects values as the table does.

use cometapi::models::find;
use serde_json::Value;

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
            let input = row.input_with(field, good);
            assert!(validator.is_valid(&input), "{} {input}", row.model);
        }
        for bad in field.bad() {
            let input = row.input_with(field, bad);
            assert!(!validator.is_valid(&input), "{} {input}", row.model);
        }
        if field.only_with.is_some() {
            let mut input = row.input();
            input[&field.name] = field.good()[0].clone();
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
