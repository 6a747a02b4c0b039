//! Every field of every model of the document, at its limits and just outside of them.

use std::fmt::Write as _;

use cometapi_mock::{MockServer, SHIPPED, known_models};
use serde_json::{Map, Value, json};

use crate::client::http;

/// The components that describe a model.
fn components() -> Vec<Value> {
    let root: Value = serde_saphyr::from_str(SHIPPED).unwrap();
    let schemas = root["components"]["schemas"].as_object().unwrap();
    schemas
        .values()
        .filter(|component| component.get("x-model").is_some())
        .cloned()
        .collect()
}

fn fields(component: &Value) -> &Map<String, Value> {
    component["properties"].as_object().unwrap()
}

fn model(component: &Value) -> &str {
    component["x-model"].as_str().unwrap()
}

/// Values that the field takes: its limits, its words, its forms.
fn within(field: &Value) -> Vec<Value> {
    let Some(kind) = field["type"].as_str() else {
        return vec![json!({"a": [1]}), json!("x"), json!(7), Value::Null];
    };
    let mut values = match kind {
        _ if field.get("enum").is_some() => field["enum"].as_array().unwrap().clone(),
        "string" if field["format"] == "uri" => {
            vec![json!("https://files.example.com/a.png"), json!("data:,a")]
        }
        "string" => vec![json!(""), json!("null"), json!("7")],
        "integer" | "number" => match limits(field) {
            (None, None) => vec![json!(-1), json!(0), json!(u64::MAX)],
            (least, most) => least.into_iter().chain(most).cloned().collect(),
        },
        "boolean" => vec![json!(true), json!(false)],
        "array" => {
            let mut values = vec![items(field, field["minItems"].as_u64().unwrap_or(0))];
            values.extend(field["maxItems"].as_u64().map(|most| items(field, most)));
            values
        }
        other => panic!("no values are known for {other}"),
    };
    if nullable(field) {
        values.push(Value::Null);
    }
    values
}

/// Values that the field does not take, each wrong in one way.
fn outside(field: &Value) -> Vec<Value> {
    let Some(kind) = field["type"].as_str() else {
        return vec![];
    };
    let mut values = match kind {
        "integer" if field.get("enum").is_some() => {
            vec![json!(i64::MIN), json!("1"), json!(1.5), json!([1])]
        }
        "string" if field.get("enum").is_some() => {
            let word = field["enum"][0].as_str().unwrap();
            vec![
                json!(""),
                json!(format!("{word} ")),
                json!([word]),
                json!(1),
            ]
        }
        "string" if field["format"] == "uri" => {
            let texts = [
                "",
                "fox.png",
                "/fox.png",
                "file:///fox.png",
                "//example.com/a",
            ];
            let texts = texts.into_iter().map(Value::from);
            texts.chain([json!(1), json!(["data:,a"])]).collect()
        }
        "string" => vec![json!(7), json!(true), json!(["p"]), json!({"p": 1})],
        "integer" => {
            let (least, most) = limits(field);
            let mut values = vec![json!("1"), json!(1.5), json!(true), json!([1])];
            values.extend(least.map(|least| json!(least.as_i64().unwrap() - 1)));
            values.extend(most.map(|most| json!(most.as_i64().unwrap() + 1)));
            values
        }
        "number" => {
            let (least, most) = limits(field);
            let mut values = vec![json!("1"), json!(true), json!({})];
            for step in [0.001, 1.0] {
                values.extend(least.map(|least| json!(least.as_f64().unwrap() - step)));
                values.extend(most.map(|most| json!(most.as_f64().unwrap() + step)));
            }
            values
        }
        "boolean" => vec![json!("true"), json!(1), json!(0)],
        "array" => {
            let mut values = vec![json!("data:,a"), json!({"0": "data:,a"})];
            values.extend(
                field["maxItems"]
                    .as_u64()
                    .map(|most| items(field, most + 1)),
            );
            let bad = outside(&field["items"]).into_iter();
            values.extend(bad.map(|bad| json!([bad])));
            values
        }
        other => panic!("no values are known for {other}"),
    };
    if !nullable(field) {
        values.push(Value::Null);
    }
    values
}

fn limits(field: &Value) -> (Option<&Value>, Option<&Value>) {
    (field.get("minimum"), field.get("maximum"))
}

fn items(field: &Value, count: u64) -> Value {
    let item = &within(&field["items"])[0];
    (0..count).map(|_| item.clone()).collect()
}

fn nullable(field: &Value) -> bool {
    field["nullable"] == true
}

/// Creates over one connection after another, and looks at what is said of the input.
struct Judge {
    server: MockServer,
    http: reqwest::Client,
}

impl Judge {
    async fn new() -> Self {
        Self {
            server: MockServer::builder()
                .verify_on_drop()
                .start()
                .await
                .unwrap(),
            http: http(),
        }
    }

    async fn create(&self, model: &str, input: &Value) -> (u16, Value) {
        let url = format!("{}/models/{model}/predictions", self.server.base_url());
        let request = self.http.post(url).bearer_auth("sk-test");
        let response = request.json(&json!({ "input": input })).send().await;
        let response = response.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn takes(&self, model: &str, input: &Value) {
        let (status, body) = self.create(model, input).await;
        assert_eq!(status, 200, "{model} {input}: {body}");
        // As it was sent, whatever of it has an effect.
        assert_eq!(body["input"], *input);
    }

    /// Every fault is in that field, and is reported in both places.
    async fn refuses(&self, model: &str, input: &Value, field: &str) {
        let (status, body) = self.create(model, input).await;
        assert_eq!(status, 422, "{model} {input}: {body}");
        assert_eq!(body["title"], "Input validation failed");
        let named = body["invalid_fields"].as_array().unwrap();
        assert!(!named.is_empty(), "{body}");
        let mut detail = String::new();
        for one in named {
            let (place, what) = (one["field"].as_str(), one["description"].as_str());
            let (place, what) = (place.unwrap(), what.unwrap());
            let inside = place.strip_prefix(field);
            assert!(
                inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
                "{model} {input}: {body}"
            );
            writeln!(detail, "- {place}: {what}").unwrap();
        }
        assert_eq!(body["detail"], detail);
    }
}

fn required(component: &Value) -> impl Iterator<Item = &str> {
    let names = component["required"].as_array().into_iter().flatten();
    names.map(|name| name.as_str().unwrap())
}

/// The smallest valid input of a model.
fn least(component: &Value) -> Value {
    let fields = fields(component);
    let of_field = |name: &str| (name.to_owned(), within(&fields[name])[0].clone());
    required(component).map(of_field).collect()
}

/// The smallest valid input of `model`; of a model that is not described, any input.
pub(crate) fn least_of(model_name: &str) -> Value {
    let components = components();
    let component = components.iter().find(|one| model(one) == model_name);
    component.map_or_else(|| json!({}), least)
}

fn with(component: &Value, field: &str, value: &Value) -> Value {
    let mut input = least(component);
    input[field] = value.clone();
    input
}

#[tokio::test]
async fn the_example_of_every_model_is_taken() {
    let judge = Judge::new().await;
    let components = components();
    let mut described: Vec<_> = components.iter().map(model).collect();
    described.sort_unstable();
    assert_eq!(described, known_models().collect::<Vec<_>>());
    for component in &components {
        judge.takes(model(component), &component["example"]).await;
    }
}

#[tokio::test]
async fn every_field_is_taken_at_its_limits() {
    let judge = Judge::new().await;
    for component in &components() {
        for (name, field) in fields(component) {
            for value in within(field) {
                judge
                    .takes(model(component), &with(component, name, &value))
                    .await;
            }
        }
    }
}

#[tokio::test]
async fn every_field_is_refused_outside_of_its_limits() {
    let judge = Judge::new().await;
    for component in &components() {
        let model = model(component);
        if required(component).next().is_some() {
            judge.refuses(model, &json!({}), "input").await;
        }
        for (name, field) in fields(component) {
            for value in outside(field) {
                let input = with(component, name, &value);
                if field["x-gateway-only"] == true {
                    // The model that would have to refuse it does not know it.
                    judge.takes(model, &input).await;
                } else {
                    judge.refuses(model, &input, &format!("input.{name}")).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn every_fault_of_an_input_is_named_at_once() {
    let judge = Judge::new().await;
    for component in &components() {
        let mut input = Map::new();
        let mut wanted: Vec<_> = required(component).map(|_| "input".to_owned()).collect();
        for (name, field) in fields(component) {
            let is_required = required(component).any(|required| required == name);
            if is_required || outside(field).is_empty() || field["x-gateway-only"] == true {
                continue;
            }
            input.insert(name.clone(), json!({"wrong": "type"}));
            wanted.push(format!("input.{name}"));
        }
        let (_, body) = judge.create(model(component), &Value::Object(input)).await;
        let named = body["invalid_fields"].as_array().unwrap();
        let named: Vec<_> = named.iter().map(|one| one["field"].clone()).collect();
        wanted.sort();
        assert_eq!(named, wanted);
    }
}
