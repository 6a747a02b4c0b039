//! The page of the mock's own address: what it serves, and how to try it.

use std::fmt::Write as _;

use http::StatusCode;
use http::header::HOST;

use crate::account::endpoint::{Access, AccountEndpoint};
use crate::account::models;
use crate::request_log::Received;
use crate::response::Response;
use crate::state::State;

/// Lists the operations and the account's endpoints, each with a curl command. It never shows a
/// credential.
pub(crate) fn list(state: &State, request: &Received) -> Response {
    let origin = origin(request);
    let key = if state.settings.key.is_some() {
        "$COMETAPI_KEY"
    } else {
        "any"
    };
    let mut page = String::from("A mock of CometAPI's Replicate-style predictions.\n");
    for endpoint in state.spec.endpoints() {
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n{} {}\n  {}\n\n  curl -sS {origin}{}",
            endpoint.method, endpoint.template, endpoint.summary, endpoint.path
        );
        if endpoint.bearer {
            let _ = write!(page, " \\\n    -H \"Authorization: Bearer {key}\"");
        }
        if let Some(body) = endpoint.body {
            // Within single quotes, a shell has no escape for one.
            let body = body.to_string().replace('\'', r"'\''");
            let _ = write!(
                page,
                " \\\n    -H \"Content-Type: application/json\" \\\n    -d '{body}'"
            );
        }
        page.push('\n');
    }
    page.push_str("\nThe id of a prediction is in the response to its create request.\n");
    account(&mut page, state, &origin, key);
    Response::new(StatusCode::OK, "text/plain; charset=utf-8", page)
}

/// Adds the account's endpoints, which are at the root.
fn account(page: &mut String, state: &State, origin: &str, key: &str) {
    let token = if state.settings.access_token.is_some() {
        "$COMETAPI_ACCESS_TOKEN"
    } else {
        "any-token"
    };
    page.push_str("\nThe account: prices, balance and tasks.\n");
    for endpoint in AccountEndpoint::ALL {
        let sample = match endpoint {
            AccountEndpoint::Model => {
                let listed = state.listed_prices();
                let id = listed.first().map_or("owner/name", |(id, _)| id);
                let code = models::code(id).replace('/', "%2F");
                endpoint.path().replace("{code}", &code)
            }
            _ => endpoint.path().to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n{} {}\n  {}\n\n  curl -sS {origin}{sample}",
            AccountEndpoint::METHOD,
            endpoint.path(),
            endpoint.summary()
        );
        let credential = match endpoint.access() {
            Access::Public => None,
            Access::Key => Some(key),
            Access::Token => Some(token),
        };
        if let Some(credential) = credential {
            let _ = write!(page, " \\\n    -H \"Authorization: Bearer {credential}\"");
        }
        page.push('\n');
    }
}

/// As the client reached it: a mock that listens on every address has no one name of its own.
fn origin(request: &Received) -> String {
    let host = request
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("127.0.0.1"))
}
