//! The check takes and refuses what the table says, and names the field.

use cometapi::models::{InputProblemKind, find};
use serde_json::json;

use crate::table::{self, TABLE};

#[test]
fn it_judges_as_the_table_does() {
    table::each_field(|row, field| {
        let model = find(&row.model).unwrap();
        for good in field.good() {
            let input = field.input(good);
            let checked = model.check(input.as_object().unwrap());
            assert!(checked.is_ok(), "{} {input}: {checked:?}", row.model);
        }
        for bad in field.bad() {
            let input = field.input(bad);
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
            let refused = model.check(json!({}).as_object().unwrap()).unwrap_err();
            assert_eq!(refused.problems()[0].kind(), InputProblemKind::Missing);
            assert_eq!(refused.problems()[0].field(), field.name);
        }
        if field.only_with.is_some() {
            let input = json!({"prompt": "x", field.name.as_str(): field.least()});
            let refused = model.check(input.as_object().unwrap()).unwrap_err();
            assert_eq!(refused.problems()[0].kind(), InputProblemKind::OnlyWith);
        }
        for (other, word) in field.not_with.iter().flatten() {
            let mut input = field.input(field.good()[0].clone());
            input[other] = word.as_str().into();
            let warnings = model.check(input.as_object().unwrap()).unwrap();
            assert_eq!(warnings[0].field(), field.name);
        }
    });
}

#[test]
fn what_only_the_gateway_shows_is_let_through_with_a_warning() {
    for row in TABLE.iter() {
        for extra in &row.extras {
            let input = json!({"prompt": "x", extra.as_str(): "https://files.example.com/a.png"});
            let checked = find(&row.model).unwrap().check(input.as_object().unwrap());
            // A list where the gateway shows a list.
            let warnings = checked.or_else(|_| {
                let input =
                    json!({"prompt": "x", extra.as_str(): ["https://files.example.com/a.png"]});
                find(&row.model).unwrap().check(input.as_object().unwrap())
            });
            assert_eq!(warnings.unwrap()[0].field(), extra, "{}", row.model);
        }
    }
}
