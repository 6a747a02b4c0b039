//! What `--json` prints and what a batch writes is what the schemas and the documentation say.

use std::path::Path;

use cometapi_mock::{Ending, Fault, MockServer};
use serde_json::{Value, json};

use crate::place::{KEY, Place, TOKEN};
use crate::{SCHNELL, fox, quick, server};

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

fn schema(name: &str) -> Value {
    let path = Path::new(PACKAGE)
        .join("schemas")
        .join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[track_caller]
fn fits(name: &str, value: &Value) {
    let validator = jsonschema::validator_for(&schema(name)).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(errors, [""; 0], "{name}: {value:#}");
}

#[track_caller]
fn lines_fit(name: &str, text: &str, count: usize) {
    assert_eq!(text.lines().count(), count, "{text}");
    for line in text.lines() {
        fits(name, &serde_json::from_str(line).unwrap());
    }
}

#[tokio::test]
async fn what_is_printed_of_predictions_fits() {
    let place = Place::new();
    let server = server().await;
    let ended = async |args: &[&str], code| {
        let call = place.paperboat(args).at(server.origin());
        call.ends(code).await
    };
    let run = fox(&place, "run", &["--json", "--sidecar", "-o", "fox.png"]);
    let run = run.at(server.origin()).ends(0).await;
    fits("prediction", &run.json());
    let sidecar = std::fs::read(place.path("fox.png.json")).unwrap();
    fits("prediction", &serde_json::from_slice(&sidecar).unwrap());
    fits(
        "prediction",
        &ended(&["get", run.id(), "--json"], 0).await.json(),
    );
    fits(
        "prediction",
        &ended(&["wait", run.id(), "--json"], 0).await.json(),
    );
    fits(
        "plan",
        &ended(&["again", run.id(), "--json", "--dry-run"], 0)
            .await
            .json(),
    );
    let many = ["again", run.id(), "--json", "--dry-run", "--repeat", "2"];
    fits("batch-plan", &ended(&many, 0).await.json());
    server.on_end(Ending::nsfw());
    let create = fox(&place, "create", &["--json"]).at(server.origin());
    let created = create.ends(0).await.json();
    fits("prediction", &created);
    let id = created["id"].as_str().unwrap();
    fits(
        "prediction",
        &ended(&["wait", id, "--json"], 3).await.json(),
    );
    lines_fit("entry", &ended(&["list", "--json"], 0).await.stdout, 2);
    fits(
        "pruned",
        &ended(&["prune", "--older-than", "1h", "--json"], 0)
            .await
            .json(),
    );
}

#[tokio::test]
async fn what_is_printed_of_batches_fits() {
    let place = Place::new();
    let server = server().await;
    server.on_end(Ending::nsfw());
    let rows = "id,prompt,seed,customer\na,a fox,7,x\nb,a cat,,\n,a dog,8,\n";
    place.write("rows.csv", rows);
    let batch = |more: &[&str], code| {
        let args = [
            "batch", "rows.csv", "--model", SCHNELL, "-o", "out", "--json",
        ];
        let args: Vec<_> = args.iter().chain(more).copied().collect();
        place.paperboat(args).at(server.origin()).ends(code)
    };
    fits("batch-plan", &batch(&["--dry-run"], 0).await.json());
    lines_fit("row", &batch(&[], 3).await.stdout, 3);
    lines_fit("row", &batch(&[], 3).await.stdout, 3);
    server.on_poll(Fault::BrokenJson.always());
    let left = batch(&["--retry-failed", "--timeout", "0.1"], 4).await;
    lines_fit("row", &left.stdout, 3);
    server.clear_plans();
    let index = || std::fs::read_to_string(place.path("out/index.jsonl")).unwrap();
    lines_fit("index", &index(), 3);
    let all = place
        .paperboat(["wait", "--all", "--json"])
        .at(server.origin());
    lines_fit("row", &all.ends(0).await.stdout, 1);
    lines_fit("index", &index(), 3);
    lines_fit(
        "entry",
        &place.paperboat(["list", "--json"]).ends(0).await.stdout,
        4,
    );
}

#[tokio::test]
async fn what_is_printed_of_the_account_fits() {
    let place = Place::new();
    let server = quick().access_token(TOKEN).start().await.unwrap();
    server.on_create(Fault::Reset);
    fox(&place, "run", &[]).at(server.origin()).ends(7).await;
    let at = |args: &[&str]| {
        let call = place.paperboat(args).at(server.origin());
        call.env("COMETAPI_ACCOUNT_URL", server.origin())
            .env("COMETAPI_ACCESS_TOKEN", TOKEN)
    };
    let resolved = at(&["resolve", "--json"]).ends_somehow().await;
    let line = resolved.lines()[0];
    fits("resolution", &serde_json::from_str(line).unwrap());
    let prices = at(&["prices", "--json"]).ends(0).await;
    lines_fit("price", &prices.stdout, prices.lines().len());
    let models = at(&["models", "--json"]).ends(0).await;
    fits("model", &serde_json::from_str(&models.stdout).unwrap());
    // It asks for more than the service has.
    let lenient = MockServer::builder().key(KEY).start().await.unwrap();
    let doctor = place.paperboat(["doctor", "--json"]).at(lenient.origin());
    fits("doctor", &doctor.ends_somehow().await.json());
}

/// Every schema is in the table of the documentation, and every column of the index in another.
#[test]
fn the_documentation_names_every_schema_and_column() {
    let text = std::fs::read_to_string(Path::new(PACKAGE).join("docs/formats.md")).unwrap();
    for entry in std::fs::read_dir(Path::new(PACKAGE).join("schemas")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(text.contains(&format!("(../schemas/{name})")), "{name}");
        let stem = name.strip_suffix(".json").unwrap();
        jsonschema::meta::validate(&schema(stem)).unwrap();
        assert!(schema(stem)["title"].is_string(), "{name}");
    }
    let index = schema("index");
    for column in index["properties"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("`{column}`")), "{column}");
    }
    for column in ["id", "model", "#reason", "label:NAME"] {
        assert!(text.contains(&format!("\n| `{column}` |")), "{column}");
    }
    let not_closed = json!({"row": 7});
    assert!(!jsonschema::is_valid(&index, &not_closed));
}
