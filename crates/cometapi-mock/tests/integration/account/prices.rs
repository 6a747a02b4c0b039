//! The list of models and prices, and the balance.

use cometapi_mock::{AccountEndpoint, MockServer, known_models};
use serde_json::json;

use super::{body_of, data_of, get};
use crate::client::{SCHNELL, created_of, http, json_of};

const FLEX: &str = "black-forest-labs/flux-2-flex";

#[tokio::test]
async fn every_model_of_the_document_has_a_price_and_needs_no_credential() {
    let server = MockServer::start().await.unwrap();
    let data = data_of(get(&server, AccountEndpoint::Models)).await;
    let rows = data.as_array().unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, known_models().collect::<Vec<_>>());
    for row in rows {
        assert!(row["pricing"]["per_request"].is_number(), "{row}");
        assert_eq!(row["pricing"]["currency"], "USD");
    }
    assert!(rows.iter().any(|row| row["endpoints"].is_object()));
    assert!(rows.iter().any(|row| row["endpoints"].is_string()));

    let flex = rows.iter().find(|row| row["id"] == FLEX).unwrap();
    let pricing = json!({
        "currency": "USD",
        "input": null,
        "output": null,
        "per_request": 0.24,
        "per_second": null,
    });
    assert_eq!((&flex["pricing"], &flex["ratio"]), (&pricing, &json!(0.8)));
    assert_eq!(data_of(get(&server, AccountEndpoint::Model)).await, *flex);
    let schnell = rows.iter().find(|row| row["id"] == SCHNELL).unwrap();
    assert!(schnell.get("ratio").is_none(), "{schnell}");

    server.assert_no_violations();
    let requests = server.requests();
    assert_eq!(requests[0].operation.as_deref(), Some("list_models"));
    assert_eq!(requests[1].operation.as_deref(), Some("get_model"));
    assert_eq!(requests[1].model.as_deref(), Some(FLEX));
    assert_eq!(server.account_requests(AccountEndpoint::Model), 1);
}

#[tokio::test]
async fn a_code_has_no_dots_and_an_unknown_one_is_no_success() {
    let server = MockServer::start().await.unwrap();
    let model = |code: &str| http().get(format!("{}/api/model/{code}", server.origin()));
    for code in [
        "black-forest-labs%2Fflux-1-1-pro",
        "black-forest-labs/flux-1-1-pro",
    ] {
        let row = data_of(model(code)).await;
        assert_eq!(row["id"], "black-forest-labs/flux-1.1-pro");
        assert_eq!(row["code"], "black-forest-labs/flux-1-1-pro");
    }
    for unknown in ["black-forest-labs%2Fflux-1.1-pro", "flux-schnell", "a%2Fb"] {
        let body = body_of(model(unknown)).await;
        let wanted = json!({"success": false, "message": "model not found"});
        assert_eq!(body, wanted);
    }
    server.assert_no_violations();
}

#[tokio::test]
async fn prices_are_set_removed_and_kept_from_the_list() {
    let server = MockServer::builder()
        .price("acme/new", ("0.5", "0.5"))
        .price("acme/secret", "0.1")
        .unlisted("acme/secret")
        .no_price(SCHNELL)
        .start()
        .await
        .unwrap();
    server.set_price("acme/later", "0.000002").unwrap();
    assert!(server.set_price("acme/later", "0.000001").is_err());

    let data = data_of(get(&server, AccountEndpoint::Models)).await;
    let price = |id: &str| {
        let row = data.as_array().unwrap().iter().find(|row| row["id"] == id);
        row.map(|row| {
            (
                row["pricing"]["per_request"].to_string(),
                row["ratio"].to_string(),
            )
        })
    };
    assert_eq!(price("acme/new"), Some(("0.5".into(), "0.5".into())));
    assert_eq!(price("acme/later"), Some(("2e-6".into(), "null".into())));
    assert_eq!(price("acme/secret"), None);
    assert_eq!(price(SCHNELL), None);

    for model in [
        "acme/new",
        "acme/secret",
        SCHNELL,
        "acme/later",
        "acme/other",
    ] {
        created_of(&server, model, json!({"prompt": "p"})).await;
    }
    let charged: Vec<_> = server.charges().iter().map(|one| one.quota).collect();
    assert_eq!(charged, [125_000, 50_000, 0, 1, 0]);
    // The price is the one at the time of the create request.
    server.set_price("acme/new", "1").unwrap();
    assert_eq!(server.charged(), 175_001);
}

#[tokio::test]
async fn the_list_can_be_anything() {
    let server = MockServer::builder()
        .models_body(r#"{"success":false,"message":"later"}"#)
        .start()
        .await
        .unwrap();
    let body = body_of(get(&server, AccountEndpoint::Models)).await;
    assert_eq!(body, json!({"success": false, "message": "later"}));
    // What is charged is not in the list.
    created_of(&server, SCHNELL, json!({"prompt": "p"})).await;
    assert_eq!(server.charged(), 1_500);
}

#[tokio::test]
async fn the_balance_follows_the_charges_on_both_sides() {
    let server = MockServer::builder()
        .balance("25.00")
        .price("acme/a", ("0.24", "0.8"))
        .start()
        .await
        .unwrap();
    let read = async || {
        let subscription = body_of(get(&server, AccountEndpoint::Subscription)).await;
        let usage = body_of(get(&server, AccountEndpoint::Usage)).await;
        let user = data_of(get(&server, AccountEndpoint::User)).await;
        (
            subscription["hard_limit_usd"].to_string(),
            usage["total_usage"].to_string(),
            user["quota"].as_i64().unwrap(),
            user["used_quota"].as_u64().unwrap(),
        )
    };
    assert_eq!(read().await, ("25".into(), "0".into(), 12_500_000, 0));
    created_of(&server, "acme/a", json!({})).await;
    let after = ("25".into(), "19.2".into(), 12_404_000, 96_000);
    assert_eq!(read().await, after);
    server.assert_no_violations();
}

#[tokio::test]
async fn a_balance_is_enforced_only_where_a_test_wants_it() {
    let builder = MockServer::builder()
        .balance("0.10")
        .price("acme/a", "0.06");
    let server = builder.clone().start().await.unwrap();
    for _ in 0..2 {
        created_of(&server, "acme/a", json!({})).await;
    }
    let user = data_of(get(&server, AccountEndpoint::User)).await;
    assert_eq!(user["quota"], -10_000);

    let server = builder.enforce_balance().start().await.unwrap();
    created_of(&server, "acme/a", json!({})).await;
    let second = crate::client::create_of(&server, "acme/a", &json!({}));
    let (status, body) = json_of(second).await;
    assert_eq!(status, 403);
    assert_eq!(body["error"]["code"], "insufficient_user_quota");
    assert_eq!(server.charged(), 30_000);
    assert_eq!(
        (server.predictions().len(), server.create_requests()),
        (1, 2)
    );
    // What costs nothing is still possible.
    created_of(&server, "acme/free", json!({})).await;
}

#[tokio::test]
async fn an_amount_that_cannot_be_counted_fails_the_start() {
    for (builder, what) in [
        (MockServer::builder().balance("5,00"), "the balance"),
        (
            MockServer::builder().price("a/b", "0.0000005"),
            "the price of a/b",
        ),
        (
            MockServer::builder().price("a/b", ("0.000002", "0.3")),
            "the price of a/b",
        ),
    ] {
        let error = builder.start().await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot count {what}"));
        assert!(std::error::Error::source(&error).is_some());
    }
}
