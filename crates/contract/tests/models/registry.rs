//! The registry says what the table says.

use std::collections::BTreeMap;

use cometapi::models::{Condition, Field, Kind, Model, find};
use serde_json::json;

use crate::table::{self, table};

#[test]
fn it_has_the_models_of_the_table_and_no_others() {
    let mut ours: Vec<_> = cometapi::models().iter().map(Model::name).collect();
    let mut theirs: Vec<_> = table().iter().map(|row| row.model.as_str()).collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    assert_eq!(ours, theirs);
    for row in table() {
        let model = find(&row.model).unwrap();
        assert_eq!(model.output_kind().to_string(), row.output, "{}", row.model);
        assert!(!model.description().is_empty() && !model.source().is_empty());

        let names = |gateway_only: bool| {
            let of = |field: &&Field| field.is_gateway_only() == gateway_only;
            let mut names: Vec<_> = model.fields().iter().filter(of).map(Field::name).collect();
            names.sort_unstable();
            names
        };
        let mut offered: Vec<_> = row.fields.iter().map(|field| field.name.as_str()).collect();
        offered.sort_unstable();
        assert_eq!(names(false), offered, "{}", row.model);
        let mut extras: Vec<_> = row.extras.iter().map(|field| field.name.as_str()).collect();
        extras.sort_unstable();
        assert_eq!(names(true), extras, "{}", row.model);
    }
}

#[test]
fn each_field_is_as_the_table_has_it() {
    table::each_field(|row, field| {
        let ours = find(&row.model).unwrap().field(&field.name).unwrap();
        let place = format!("{} {}", row.model, field.name);
        assert_eq!(ours.is_required(), field.required, "{place}");
        assert_eq!(ours.is_nullable(), field.nullable, "{place}");
        assert_eq!(ours.is_deprecated(), field.deprecated, "{place}");
        assert_eq!(ours.default(), field.default.as_deref(), "{place}");
        assert_eq!(ours.rounded_to(), field.multiple_of, "{place}");
        assert_eq!(pair(ours.only_with()), field.only_with, "{place}");
        assert_eq!(pair(ours.not_with()), field.not_with, "{place}");
        assert!(!ours.description().is_empty(), "{place}");
        assert!(ours.source().starts_with("documented"), "{place}");
        same_kind(ours.kind(), field, &place);
    });
}

fn pair(when: Option<Condition>) -> Option<BTreeMap<String, String>> {
    when.map(|when| BTreeMap::from([(when.field.to_owned(), when.value.to_owned())]))
}

fn same_kind(ours: Kind, field: &table::Field, place: &str) {
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let real = |limit: Option<i64>| limit.map(|limit| limit as f64);
    let limits = (field.minimum, field.maximum);
    let items = (field.min_items, field.max_items);
    let has_choices = !field.choices().is_empty();
    match (ours, field.kind.as_str()) {
        (Kind::Choice { values, .. }, "string") => {
            assert_eq!(json!(values), json!(field.choices()), "{place}");
        }
        (Kind::IntegerChoice { values, .. }, "integer") => {
            assert_eq!(json!(values), json!(field.choices()), "{place}");
        }
        (
            Kind::Integer {
                minimum, maximum, ..
            },
            "integer",
        ) => {
            assert_eq!((real(minimum), real(maximum)), limits, "{place}");
        }
        (
            Kind::Number {
                minimum, maximum, ..
            },
            "number",
        ) => {
            assert_eq!((minimum, maximum), limits, "{place}");
        }
        (Kind::Text, "string") if !has_choices => {}
        (Kind::Boolean, "boolean") | (Kind::Json, "any") => {}
        (Kind::Image { accepts, .. }, "image") => assert_eq!(accepts, field.accepts, "{place}"),
        (
            Kind::Images {
                accepts,
                min_items,
                max_items,
                ..
            },
            "images",
        ) => {
            assert_eq!((min_items, max_items), items, "{place}");
            assert_eq!(accepts, field.accepts, "{place}");
        }
        (
            Kind::Strings {
                min_items,
                max_items,
                ..
            },
            "array",
        ) => {
            assert_eq!((min_items, max_items), items, "{place}");
        }
        (ours, theirs) => panic!("{place}: {ours:?} and {theirs}"),
    }
}
