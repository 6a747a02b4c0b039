//! The account side, as an ordinary client sees it.

mod charges;
mod credentials;
mod faults;
mod prices;
mod tasks;

use cometapi_mock::{AccountEndpoint, MockServer};
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::client::{http, json_of};

/// A credential that no setting names and no prefix gives away.
const TOKEN: &str = "token";

/// A valid request that nothing has been sent of yet.
fn get(server: &MockServer, endpoint: AccountEndpoint) -> RequestBuilder {
    let code = "black-forest-labs%2Fflux-2-flex";
    let path = endpoint.path().replace("{code}", code);
    let request = http().get(format!("{}{path}", server.origin()));
    match endpoint {
        AccountEndpoint::Subscription | AccountEndpoint::Usage => request.bearer_auth("sk-test"),
        AccountEndpoint::User | AccountEndpoint::Tasks => request.bearer_auth(TOKEN),
        _ => request,
    }
}

/// The body of a response that must be a success.
async fn body_of(request: RequestBuilder) -> Value {
    let (status, body) = json_of(request).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// `data` of a response that must be a success.
async fn data_of(request: RequestBuilder) -> Value {
    let mut body = body_of(request).await;
    assert_eq!(body["success"], true, "{body}");
    body["data"].take()
}

async fn rows(server: &MockServer, query: &[(&str, &str)]) -> Vec<Value> {
    let request = get(server, AccountEndpoint::Tasks).query(query);
    let data = data_of(request).await;
    data.as_array().unwrap().clone()
}
