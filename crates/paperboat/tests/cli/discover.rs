//! What it says of the models that it knows, and of itself to other programs.

use std::collections::BTreeMap;

use cometapi_mock::{AccountEndpoint, MockServer};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::SCHNELL;
use crate::place::{Call, Place};

#[tokio::test]
async fn every_known_model_is_a_line_under_its_owner() {
    let ended = Place::new().paperboat(["models"]).ends(0).await;
    let mut owner = "";
    let mut shown = Vec::new();
    for line in ended.stdout.lines() {
        match line.strip_prefix("  ") {
            None => owner = line.split_once(": ").unwrap().0,
            Some(row) => shown.push((owner, row.split_whitespace().next().unwrap())),
        }
    }
    let known = cometapi::models().iter();
    let known = known.map(|model| (model.owner(), model.short_name()));
    assert!(known.eq(shown), "{}", ended.stdout);
    // Into a pipe, lines are whole.
    for model in cometapi::models() {
        let description = model.description().replace('`', "");
        let words: Vec<_> = description.split_whitespace().collect();
        assert!(ended.stdout.contains(&words.join(" ")), "{description}");
    }
}

#[tokio::test]
async fn words_find_models_and_a_name_shows_its_fields() {
    let place = Place::new();
    let ended = place.paperboat(["models", "Kontext"]).ends(0).await;
    let lines = ended.lines();
    let rows: Vec<_> = lines.iter().filter(|line| line.starts_with("  ")).collect();
    let is_found = |row: &&&str| row.to_lowercase().contains("kontext");
    assert!(rows.iter().copied().all(|row| is_found(&row)), "{rows:?}");
    let words = ["models", "kontext", "watercolor"];
    let none = place.paperboat(words).ends(2).await;
    none.says(&[
        "no known model has \"kontext watercolor\" in it",
        "paperboat models",
    ]);
    assert_eq!(none.stdout, "");
    for name in ["flux-schnell", SCHNELL] {
        let ended = place.paperboat(["models", name]).ends(0).await;
        assert_snapshot!("model", ended.stdout);
    }
    let ended = place.paperboat(["models", "flux-shcnell"]).ends(2).await;
    ended.says(&["did you mean black-forest-labs/flux-schnell?"]);
    let args = ["models", "--json", "kontext"];
    let json: Value = serde_json::from_str(&place.paperboat(args).ends(0).await.stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), rows.len());
}

#[tokio::test]
async fn models_as_json_are_all_that_is_known() {
    let ended = Place::new().paperboat(["models", "--json"]).ends(0).await;
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    let known = cometapi::models();
    assert_eq!(json.as_array().unwrap().len(), known.len());
    for (json, model) in json.as_array().unwrap().iter().zip(known) {
        assert_eq!(json["model"], model.name());
        assert_eq!(json["answers"], model.output_kind().to_string());
        let schema: Value = serde_json::from_str(model.schema()).unwrap();
        assert_eq!(json["schema"], schema);
        let fields = json["fields"].as_array().unwrap();
        assert_eq!(fields.len(), model.fields().len());
        for (json, field) in fields.iter().zip(model.fields()) {
            assert_eq!(json["name"], field.name());
            assert_eq!(json["required"], field.is_required());
            assert_eq!(json["takes"], field.kind().to_string());
            assert_eq!(json.get("default").is_some(), field.default().is_some());
            assert_eq!(json.get("only_with").is_some(), field.only_with().is_some());
        }
    }
    let schnell = json
        .as_array()
        .unwrap()
        .iter()
        .find(|m| m["model"] == SCHNELL);
    // In an order of its own: a feature of `serde_json`, which other packages of a build may turn
    // on, keeps the order of the code.
    let field: BTreeMap<String, Value> =
        serde_json::from_value(schnell.unwrap()["fields"][2].clone()).unwrap();
    let field = serde_json::to_string_pretty(&field).unwrap();
    assert_snapshot!("field_as_json", field);
}

/// `models` where the account of the service is the mock's.
fn models<'p>(place: &'p Place, server: &MockServer, more: &[&str]) -> Call<'p> {
    let call = place.paperboat(["models"].iter().chain(more));
    call.env("COMETAPI_ACCOUNT_URL", server.origin())
}

#[tokio::test]
async fn models_have_a_price_once_it_is_cached_and_ask_for_none() {
    let place = Place::new();
    let server = MockServer::builder()
        .price(SCHNELL, ("0.003", "0.8"))
        .unlisted("black-forest-labs/flux-dev");
    let server = server.start().await.unwrap();
    let hint = "to show prices here for the next hour: paperboat prices\n";
    let unknown = models(&place, &server, &[]).ends(0).await;
    assert_eq!(unknown.stderr, hint);
    assert!(!unknown.stdout.contains("file   $"), "{}", unknown.stdout);
    let one = models(&place, &server, &[SCHNELL]).ends(0).await;
    assert_eq!(one.stderr, hint);
    assert!(!one.stdout.contains("Price"), "{}", one.stdout);

    let prices = place.paperboat(["prices"]);
    let prices = prices.env("COMETAPI_ACCOUNT_URL", server.origin());
    prices.ends(0).await;
    let requests = server.requests().len();
    let ended = models(&place, &server, &[]).ends(0).await;
    ended.says(&["prices in US dollars per prediction, before any discount; the list is"]);
    let row = |name: &str| {
        let named = |line: &&str| line.split_whitespace().next() == Some(name);
        let line = ended.stdout.lines().find(named).unwrap();
        line.split_whitespace().nth(2).unwrap().to_owned()
    };
    assert_eq!(row("flux-schnell"), "$0.003");
    assert!(!row("flux-dev").starts_with('$'));
    let one = models(&place, &server, &["flux-schnell"]).ends(0).await;
    let price = "\nPrice per prediction: $0.003, or $0.0024 if the discount counts\n";
    assert!(one.stdout.contains(price), "{}", one.stdout);

    let json = models(&place, &server, &["--json"]).ends(0).await;
    assert_eq!(json.stderr, "");
    let json: Vec<Value> = serde_json::from_str(&json.stdout).unwrap();
    let of = |name: &str| json.iter().find(|it| it["model"] == name).unwrap();
    let schnell = of(SCHNELL);
    assert_eq!(schnell["list_usd"], "0.003");
    assert_eq!(schnell["discounted_usd"], "0.0024");
    assert!(schnell["price_age_seconds"].is_u64());
    let dev = of("black-forest-labs/flux-dev");
    for field in ["list_usd", "discounted_usd", "price_age_seconds"] {
        assert_eq!(dev[field], json!(null));
    }
    assert_eq!(server.account_requests(AccountEndpoint::Models), 1);
    assert_eq!(server.requests().len(), requests);
}

/// Another service has other prices, or none.
#[tokio::test]
async fn prices_of_one_service_are_not_shown_for_another() {
    let place = Place::new();
    let server = MockServer::builder().start().await.unwrap();
    let prices = place.paperboat(["prices"]);
    let prices = prices.env("COMETAPI_ACCOUNT_URL", server.origin());
    prices.ends(0).await;
    let plain = place.paperboat(["models"]).ends(0).await;
    plain.says(&["paperboat prices"]);
    let other = place.paperboat(["models"]).at(server.origin());
    let other = other.ends(0).await;
    assert_eq!((other.stdout, other.stderr.as_str()), (plain.stdout, ""));
}

#[tokio::test]
async fn a_schema_is_the_librarys_own() {
    let place = Place::new();
    for model in cometapi::models() {
        let ended = place.paperboat(["schema", model.name()]).ends(0).await;
        assert_eq!(ended.stdout.trim_end(), model.schema().trim_end());
        if cometapi::models::find(model.short_name()).is_some() {
            let short = place.paperboat(["schema", model.short_name()]);
            assert_eq!(short.ends(0).await.stdout, ended.stdout);
        }
    }
    for (name, said) in [
        (
            "flux-schnel",
            "did you mean black-forest-labs/flux-schnell?",
        ),
        (
            "black-forest-labs/flux-schnel",
            "did you mean black-forest-labs/flux-schnell?",
        ),
        ("acme/portrait", "the known models: paperboat models"),
        ("", "\"\" is not a model known here"),
    ] {
        let ended = place.paperboat(["schema", name]).ends(2).await;
        ended.says(&[said]);
        assert_eq!(ended.stdout, "");
    }
}

#[tokio::test]
async fn the_manual_has_a_page_for_each_command() {
    let place = Place::new();
    let page = place.paperboat(["man"]).ends(0).await.stdout;
    assert!(page.contains(".TH paperboat 1"), "{page}");
    place
        .paperboat(["man", "--write", "pages/man1"])
        .ends(0)
        .await;
    let names = place.names("pages/man1");
    for name in ["paperboat.1", "paperboat-run.1", "paperboat-completions.1"] {
        assert!(names.iter().any(|is| is == name), "{names:?}");
    }
    assert!(
        !names.iter().any(|is| is == "paperboat-complete.1"),
        "{names:?}"
    );
    place.write("file", "");
    let ended = place.paperboat(["man", "--write", "file"]).ends(2).await;
    ended.says(&["file cannot hold the pages"]);
    // A page of its own, with what holds for every command; nothing is written.
    let page = place.paperboat(["man", "batch"]).ends(0).await.stdout;
    for section in [
        ".TH paperboat-batch 1",
        ".SH EXAMPLES\n.TP\n\\fBpaperboat batch ",
        ".SH \"EXIT STATUS\"",
        ".SH ENVIRONMENT",
        ".SH FILES",
    ] {
        assert!(page.contains(section), "{section}: {page}");
    }
    let ended = place.paperboat(["man", "bacth"]).ends(2).await;
    ended.says(&["\"bacth\" is not a command", "paperboat man --write DIR"]);
}
