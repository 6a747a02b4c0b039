//! What is sent where, and with which secret.

use std::time::{Duration, SystemTime};

use cometapi_account::{Account, Balance, ErrorKind, PriceCache, TaskFilter, UnknownPrice};
use wiremock::{MockServer, ResponseTemplate};

use crate::{KEY, TOKEN, account, client, json, serve};

const MODELS: &str = r#"{"success": true, "data": [
    {"id": "black-forest-labs/flux-2-flex", "ratio": 0.8,
     "pricing": {"currency": "USD", "per_request": 0.24, "input": null}},
    {"id": "gpt-5.1", "pricing": "{\"currency\": \"USD\", \"input\": 1.25}"},
    null
]}"#;

/// The path with the query, and the credential, of each request that `server` received.
async fn received(server: &MockServer) -> Vec<(String, Option<String>)> {
    let requests = server.received_requests().await.unwrap().into_iter();
    let seen = requests.map(|request| {
        let url = &request.url;
        let query = url.query().map(|query| format!("?{query}"));
        let credential = request.headers.get("authorization");
        let credential = credential.map(|it| it.to_str().unwrap().to_owned());
        let target = format!("{}{}", url.path(), query.unwrap_or_default());
        (target, credential)
    });
    seen.collect()
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

#[tokio::test]
async fn prices_are_read_without_a_secret() {
    let server = MockServer::start().await;
    serve(&server, "/api/models", json(MODELS)).await;
    let prices = account(&server).prices().await.unwrap();
    let price = prices.price("black-forest-labs/flux-2-flex").unwrap();
    assert_eq!(price.list.to_string(), "$0.24");
    assert_eq!(price.discounted.to_string(), "$0.192");
    assert_eq!(
        prices.price("openai/gpt-5.1"),
        Err(UnknownPrice::NotPerRequest)
    );
    assert_eq!(prices.price("acme/fox"), Err(UnknownPrice::NotListed));
    assert_eq!((prices.len(), prices.unreadable()), (2, 1));
    assert_eq!(prices.root(), server.uri());
    assert_eq!(received(&server).await, [("/api/models".to_owned(), None)]);
}

/// DNS could answer with another machine, which would get the token in plain http.
#[tokio::test]
async fn a_name_for_this_machine_is_not_asked_of_dns() {
    let server = MockServer::start().await;
    serve(&server, "/api/models", json(MODELS)).await;
    let root = format!("http://account.localhost:{}", server.address().port());
    let account = Account::builder().root(root).build().unwrap();
    assert_eq!(account.prices().await.unwrap().len(), 2);
}

#[tokio::test]
async fn saved_prices_are_not_fetched_again() {
    let server = MockServer::start().await;
    serve(&server, "/api/models", json(MODELS)).await;
    let folder = tempfile::tempdir().unwrap();
    let cache = PriceCache::at(folder.path().join("prices.json"));
    for _ in 0..3 {
        let prices = account(&server).cached_prices(&cache).await.unwrap();
        assert_eq!(prices.len(), 2);
    }
    assert_eq!(received(&server).await.len(), 1);
    // A cache that cannot be written costs a request.
    let cache = PriceCache::at(folder.path());
    assert!(account(&server).cached_prices(&cache).await.is_ok());
    assert_eq!(received(&server).await.len(), 2);
}

/// A list without models is more likely a fault than the truth.
#[tokio::test]
async fn a_list_without_models_is_not_saved() {
    for body in [
        r#"{"success": true, "data": []}"#,
        r#"{"success": true, "data": [null, {}]}"#,
    ] {
        let server = MockServer::start().await;
        serve(&server, "/api/models", json(body)).await;
        let folder = tempfile::tempdir().unwrap();
        let cache = PriceCache::at(folder.path().join("prices.json"));
        for requests in 1..3 {
            let prices = account(&server).cached_prices(&cache).await.unwrap();
            assert!(prices.is_empty());
            assert_eq!(received(&server).await.len(), requests);
        }
    }
}

#[tokio::test]
async fn a_model_is_read_without_a_secret() {
    let server = MockServer::start().await;
    let row = r#"{"success": true, "data": {"id": "acme/fox-1.1", "endpoints": "[\"replicate\"]",
        "pricing": {"currency": "USD", "per_request": "0.1"}}}"#;
    serve(&server, "/api/model/acme%2Ffox-1-1", json(row)).await;
    let account = account(&server);
    let model = account.model("acme/fox-1-1").await.unwrap();
    assert_eq!(
        (&*model.id, model.endpoints),
        ("acme/fox-1.1", vec!["replicate".to_owned()])
    );
    assert_eq!(model.price.unwrap().highest().to_string(), "$0.10");
    let expected = ("/api/model/acme%2Ffox-1-1".to_owned(), None);
    assert_eq!(received(&server).await, [expected]);
    for code in ["", ".", "..", "a\nb"] {
        let error = account.model(code).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn the_balance_is_the_accounts_and_without_a_token_the_keys() {
    let server = MockServer::start().await;
    let user = r#"{"success": true, "data": {"quota": 6250000, "used_quota": "1571600"}}"#;
    serve(&server, "/api/user/self", json(user)).await;
    let limit = r#"{"object": "billing_subscription", "hard_limit_usd": "25"}"#;
    serve(&server, "/v1/dashboard/billing/subscription", json(limit)).await;
    let usage = r#"{"object": "list", "total_usage": 314.32}"#;
    serve(&server, "/v1/dashboard/billing/usage", json(usage)).await;

    let balance = account(&server).balance().await.unwrap();
    assert!(matches!(balance, Balance::Account(_)), "{balance:?}");
    assert_eq!(balance.left().unwrap().to_string(), "$12.50");
    assert_eq!(balance.used().unwrap().to_string(), "$3.1432");

    let without_token = Account::builder().client(&client(&server.uri()));
    let without_token = without_token.root(server.uri()).build().unwrap();
    let balance = without_token.balance().await.unwrap();
    assert!(matches!(balance, Balance::Key(_)), "{balance:?}");
    assert_eq!(balance.left().unwrap().to_string(), "$21.8568");
    assert_eq!(
        received(&server).await,
        [
            ("/api/user/self".to_owned(), Some(bearer(TOKEN))),
            (
                "/v1/dashboard/billing/subscription".to_owned(),
                Some(bearer(KEY))
            ),
            ("/v1/dashboard/billing/usage".to_owned(), Some(bearer(KEY))),
        ]
    );
}

#[tokio::test]
async fn tasks_are_asked_for_by_platform_time_and_id() {
    let server = MockServer::start().await;
    let page = r#"{"success": true, "data": {"page_size": 100, "items": [
        {"task_id": "a", "submit_time": 1774000010, "platform": "replicate", "quota": 96000},
        {"task_id": "b", "submit_time": 1774000010}
    ]}}"#;
    serve(&server, "/api/task/self", json(page)).await;
    let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
    let mut filter = TaskFilter::between(at(1_774_000_001_500), at(1_774_000_020_500));
    filter.id = Some("a".into());
    let listed = account(&server).tasks(filter).await.unwrap();
    let [task] = listed.tasks.as_slice() else {
        panic!("{listed:?}");
    };
    assert_eq!(task.id, "a");
    assert_eq!(task.charge.unwrap().to_string(), "$0.192");
    assert!(listed.is_complete);
    account(&server).tasks(TaskFilter::default()).await.unwrap();

    let requests = received(&server).await;
    let queries = requests.iter().map(|(target, _)| {
        let (path, query) = target.split_once('?').unwrap();
        assert_eq!(path, "/api/task/self");
        let mut fields: Vec<_> = query.split('&').collect();
        fields.sort_unstable();
        fields.join(" ")
    });
    assert_eq!(
        queries.collect::<Vec<_>>(),
        [
            "end_timestamp=1774000021 p=1 page_size=100 platform=replicate \
             start_timestamp=1774000001 task_id=a",
            "p=1 page_size=100 platform=replicate",
        ]
    );
    assert!(
        requests
            .iter()
            .all(|(_, secret)| *secret == Some(bearer(TOKEN)))
    );
}

/// The client's server and the account's root are two.
#[tokio::test]
async fn the_key_is_sent_to_the_origin_of_the_base_url_alone() {
    let (service, root) = (MockServer::start().await, MockServer::start().await);
    let user = json(r#"{"success": true, "data": {"quota": 1}}"#);
    serve(&root, "/api/user/self", user).await;
    serve(&root, "/api/models", json(MODELS)).await;
    let builder = Account::builder().client(&client(&service.uri()));
    let account = builder.root(root.uri()).build().unwrap();

    let error = account.balance().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoKey);
    assert!(
        error.to_string().contains("only to its own base url"),
        "{error}"
    );
    account.prices().await.unwrap();
    let account = account.access_token(TOKEN);
    account.balance().await.unwrap();
    assert_eq!(
        account.key_balance().await.unwrap_err().kind(),
        ErrorKind::NoKey
    );
    assert_eq!(
        received(&root).await,
        [
            ("/api/models".to_owned(), None),
            ("/api/user/self".to_owned(), Some(bearer(TOKEN))),
        ]
    );
    assert_eq!(received(&service).await, []);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, other) = (MockServer::start().await, MockServer::start().await);
    let redirect = ResponseTemplate::new(302).insert_header("location", other.uri());
    for path in [
        "/api/models",
        "/api/user/self",
        "/v1/dashboard/billing/subscription",
    ] {
        serve(&server, path, redirect.clone()).await;
    }
    let account = account(&server);
    let kinds = [
        account.prices().await.unwrap_err().kind(),
        account.account_balance().await.unwrap_err().kind(),
        account.key_balance().await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Unreadable; 3]);
    assert_eq!(received(&other).await, []);
}

#[tokio::test]
async fn without_a_secret_nothing_is_sent() {
    let server = MockServer::start().await;
    let account = Account::builder().root(server.uri()).build().unwrap();
    let kinds = [
        account
            .tasks(TaskFilter::default())
            .await
            .unwrap_err()
            .kind(),
        account.account_balance().await.unwrap_err().kind(),
        account.balance().await.unwrap_err().kind(),
    ];
    assert_eq!(
        kinds,
        [ErrorKind::NoToken, ErrorKind::NoToken, ErrorKind::NoKey]
    );
    let account = account.access_token("two words");
    let error = account.tasks(TaskFilter::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(!error.to_string().contains("two words"), "{error}");
    assert_eq!(received(&server).await, []);
}

#[test]
fn the_root_is_known_at_cometapi_and_given_elsewhere() {
    let at_cometapi = client("https://api.cometapi.com");
    assert_eq!(
        Account::new(&at_cometapi).unwrap().root(),
        "https://api.cometapi.com"
    );
    for other in ["http://127.0.0.1:9", "https://api.replicate.com/v1"] {
        let error = Account::new(&client(other)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownHere);
        let builder = Account::builder().client(&client(other));
        let account = builder.root("https://gw.example/account/").build().unwrap();
        assert_eq!(account.root(), "https://gw.example/account");
    }
    for bad in ["http://gw.example", "gw.example", "https://u:p@gw.example"] {
        let error = Account::builder().root(bad).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    let builder = Account::builder().access_token("");
    assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::Config);
}

/// As a program on several threads needs it.
#[test]
fn every_call_can_be_spawned() {
    fn is_send<T: Send>(_: T) {}
    let account = Account::builder().build().unwrap();
    let cache = PriceCache::at("prices.json");
    is_send(account.prices());
    is_send(account.cached_prices(&cache));
    is_send(account.model("m"));
    is_send(account.balance());
    is_send(account.tasks(TaskFilter::default()));
}

#[test]
fn neither_account_nor_builder_prints_a_secret() {
    let client = client("https://api.cometapi.com");
    let builder = Account::builder().client(&client).access_token(TOKEN);
    let account = builder.clone().build().unwrap();
    let shown = format!("{builder:?}{builder:#?}{account:?}{account:#?}");
    assert!(!shown.contains("0123456789"), "{shown}");
}
