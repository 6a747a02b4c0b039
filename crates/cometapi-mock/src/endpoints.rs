//! The page of the mock's own address: what it serves, and how to try it.

use std::fmt::Write as _;

use http::StatusCode;
use http::header::HOST;

use crate::request_log::Received;
use crate::response::Response;
use crate::state::State;

/// Lists the operations, each with a curl command. It never shows the key.
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
    Response::new(StatusCode::OK, "text/plain; charset=utf-8", page)
}

/// As the client reached it: a mock that listens on every address has no one name of its own.
fn origin(request: &Received) -> String {
    let host = request
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("127.0.0.1"))
}
