//! The account against servers on this machine.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test are tests too, which clippy does not see"
)]

mod failures;
mod requests;

use cometapi::Client;
use cometapi_account::Account;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const KEY: &str = "sk-0123456789-of-the-key";
const TOKEN: &str = "0123456789-of-the-token";

/// A client with the key at `base_url`.
fn client(base_url: &str) -> Client {
    let builder = Client::builder().key(KEY).base_url(base_url);
    builder.build().unwrap()
}

/// An account with both secrets, all at one server.
fn account(server: &MockServer) -> Account {
    let builder = Account::builder().client(&client(&server.uri()));
    let builder = builder.root(server.uri()).access_token(TOKEN);
    builder.build().unwrap()
}

/// Responds to `GET at`.
async fn serve(server: &MockServer, at: &str, response: ResponseTemplate) {
    let mock = Mock::given(method("GET")).and(path(at));
    mock.respond_with(response).mount(server).await;
}

fn json(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(text, "application/json")
}
