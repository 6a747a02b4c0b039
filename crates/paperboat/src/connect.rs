//! The service that a command talks to: the real one, or a mock in this process.

use std::env::{self, VarError};

use cometapi::Client;
use cometapi_mock::MockServer;

use crate::args::Service;
use crate::failure::Failure;

const KEY: &str = "COMETAPI_KEY";
const BASE_URL: &str = "COMETAPI_BASE_URL";

/// A client, and the mock behind it if there is one.
pub(crate) struct Connection {
    pub(crate) client: Client,
    _mock: Option<MockServer>,
}

/// The service that the arguments name. `allow_private_files` is for commands that download files.
pub(crate) fn service(args: &Service, allow_private_files: bool) -> Result<Connection, Failure> {
    let key = given(args.key.as_ref(), KEY)?.ok_or_else(no_key)?;
    let mut builder = Client::builder()
        .key(key)
        .app(concat!("paperboat/", env!("CARGO_PKG_VERSION")))
        .allow_plain_http(args.allow_http)
        .base_url_as_is(args.base_url_as_is)
        .allow_private_files(allow_private_files);
    if let Some(url) = given(args.base_url.as_ref(), BASE_URL)? {
        builder = builder.base_url(url);
    }
    Ok(Connection {
        client: builder.build()?,
        _mock: None,
    })
}

/// A mock in this process, at the pace of a quick model. Nothing of the environment counts.
pub(crate) async fn mock() -> Result<Connection, Failure> {
    let mock = MockServer::start()
        .await
        .map_err(|e| Failure::other("the mock cannot be started", &e))?;
    let client = Client::builder()
        // The mock takes any key.
        .key("mock")
        .base_url(mock.base_url())
        .build()?;
    Ok(Connection {
        client,
        _mock: Some(mock),
    })
}

/// The flag's value, else the variable's; one of spaces only counts as unset.
fn given(flag: Option<&String>, variable: &str) -> Result<Option<String>, Failure> {
    let is_given = |text: &String| !text.trim().is_empty();
    if let Some(text) = flag.filter(|text| is_given(text)) {
        return Ok(Some(text.clone()));
    }
    match env::var(variable) {
        Ok(text) => Ok(Some(text).filter(is_given)),
        Err(VarError::NotPresent) => Ok(None),
        // Its value may be a key: not shown.
        Err(VarError::NotUnicode(_)) => Err(Failure::usage(format!(
            "{variable} is not text; set it again"
        ))),
    }
}

fn no_key() -> Failure {
    Failure::usage(
        "no API key: set COMETAPI_KEY (create one at https://www.cometapi.com/console/token)",
    )
    .with_advice(
        "without one: paperboat run --mock black-forest-labs/flux-schnell prompt='a red fox'",
    )
}
