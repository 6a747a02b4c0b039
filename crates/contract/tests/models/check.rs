//! The check takes and refuses what the table says, and names the field.

use cometapi::models::{InputProblemKind, find};
use serde_json::json;

use crate::table::{self, table};

#[test]
fn it_judges_as_the_table_does() {
    table::each_field(|row, field| {
        let model = find(&row.model).unwrap();
        for good in field.good() {
            let input = row.input_with(field, good);
            let checked = model.check(input.as_object().unwrap());
            assert!(checked.is_ok(), "{} {input}: {checked:?}", row.model);
        }
        for bad in field.bad() {
            let input = row.input_with(field, bad);
            let refused = model.check(input.as_object().unwrap()).unwrap_err();
            let [problem] = refused.problems() else {
                panic!("{} {input}: {refused}", row.model);
            };
            assert_eq!(problem.field(), field.name, "{refused}");
            assert!(problem.to_string().starts_with(&field.name), "{refused}");
        }
    });
}

#[test]
fn what_is_required_and_what_hangs_on_another_field_is_asked_for() {
    table::each_field(|row, field| {
        let model = find(&row.model).unwrap();
        if field.required {
            let mut input = row.input();
            input.as_object_mut().unwrap().remove(&field.name);
            let refused = model.check(input.as_object().unwrap()).unwrap_err();
            assert_eq!(refused.problems()[0].kind(), InputProblemKind::Missing);
            assert_eq!(refused.problems()[0].field(), field.name);
        }
        if field.only_with.is_some() {
            let mut input = row.input();
            input[&field.name] = field.good()[0].clone();
            let refused = model.check(input.as_object().unwrap()).unwrap_err();
            assert_eq!(refused.problems()[0].kind(), InputProblemKind::OnlyWith);
        }
        for (other, word) in field.not_with.iter().flatten() {
            let mut input = row.input_with(field, field.good()[0].clone());
            input[other] = word.as_str().into();
            let warnings = model.check(input.as_object().unwrap()).unwrap();
            assert_eq!(warnings[0].field(), field.name);
        }
    });
}

#[test]
fn what_only_the_gateway_shows_is_let_through_with_a_warning() {
    for row in table() {
        for extra in &row.extras {
            let model = find(&row.model).unwrap();
            let check = |value: serde_json::Value| {
                let mut input = row.input();
                input[&extra.name] = value;
                model.check(input.as_object().unwrap())
            };
            let url = "https://files.example.com/a.png";
            // A list where the gateway shows a list.
            let warnings = check(json!(url)).or_else(|_| check(json!([url])));
            assert_eq!(warnings.unwrap()[0].field(), extra.name, "{}", row.model);
        }
    }
}
