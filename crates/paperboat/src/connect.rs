//! The service that a command talks to: the real one, or a mock in this process.

mod account;

use cometapi::wire::ClientInfo;
use cometapi::{Client, ClientBuilder};
use cometapi_account::Account;
use cometapi_mock::MockServer;

use crate::args::Service;
use crate::failure::Failure;
use crate::secrets::{self, Found, Kind, Origin, System};
use crate::{advice, print};

const BASE_URL: &str = "COMETAPI_BASE_URL";
const ACCOUNT_URL: &str = "COMETAPI_ACCOUNT_URL";

/// Where the service is if nothing else is set.
const DEFAULT_BASE_URL: &str = "https://api.cometapi.com";

/// A client, and the mock behind it if there is one.
pub(crate) struct Connection {
    pub(crate) client: Client,
    mock: Option<MockServer>,
}

/// The service that the arguments name. `allow_private_files` is for commands that download files.
pub(crate) fn service(args: &Service, allow_private_files: bool) -> Result<Connection, Failure> {
    let base_url = base_url(args.base_url.as_deref())?;
    let mut builder = builder(args, &base_url).allow_private_files(allow_private_files);
    // If it is not an address, the client says why.
    if let Some(origin) = Origin::of(&base_url) {
        let mut notes = Vec::new();
        let key = find(Kind::Key, args, &origin, &mut notes);
        notes.iter().for_each(print::note);
        let key = key?.ok_or_else(no_key)?;
        if !key.secret.can_be_sent() {
            return Err(unusable_key(&key));
        }
        builder = builder.key(key.secret.expose());
    }
    Ok(Connection {
        client: builder.build()?,
        mock: None,
    })
}

impl Connection {
    /// The account of the client's service, without an access token: its prices and the key's balance.
    pub(crate) fn account(&self) -> Result<Account, Failure> {
        match &self.mock {
            Some(mock) => {
                let root = Some(mock.origin());
                account::needed(account::at(Some(&self.client), root, None)?)
            }
            None => account::needed(account_with(&self.client, None)?),
        }
    }

    /// The account with its access token; `None` if there is none.
    pub(crate) fn account_with_token(&self, args: &Service) -> Option<Account> {
        match self.mock {
            // It takes any token.
            Some(_) => Some(self.account().ok()?.access_token("mock")),
            None => account(&self.client, args)
                .ok()
                .filter(Account::has_access_token),
        }
    }

    /// Whether the service is a mock in this process.
    pub(crate) fn is_mock(&self) -> bool {
        self.mock.is_some()
    }

    /// What the ledger calls the service.
    pub(crate) fn service_name(&self) -> String {
        match self.mock {
            // Its port is another each time.
            Some(_) => "mock".to_owned(),
            None => self.client.raw().baseurl().to_owned(),
        }
    }
}

/// The account at the client's service, with the access token if there is one.
pub(crate) fn account(client: &Client, args: &Service) -> Result<Account, Failure> {
    let root = secrets::variable(ACCOUNT_URL)?;
    let mut notes = Vec::new();
    let token = match origin(Kind::AccessToken, args.base_url.as_deref())? {
        Some(origin) => find(Kind::AccessToken, args, &origin, &mut notes),
        None => Ok(None),
    };
    notes.iter().for_each(print::note);
    account::needed(account::at(Some(client), root.as_deref(), token?.as_ref())?)
}

/// The account at the client's service, with this access token. Its root is `COMETAPI_ACCOUNT_URL`,
/// else it follows from the client's base URL; `None` if that is not `CometAPI`'s.
pub(crate) fn account_with(
    client: &Client,
    token: Option<&Found>,
) -> Result<Option<Account>, Failure> {
    let root = secrets::variable(ACCOUNT_URL)?;
    account::at(Some(client), root.as_deref(), token)
}

/// The account of the service without any secret, for what is public.
pub(crate) fn public_account(args: &Service) -> Result<Account, Failure> {
    account::needed(match account_root(args.base_url.as_deref())? {
        Some(root) => account::at(None, Some(&root), None)?,
        None => None,
    })
}

/// Where the account of the service is; `None` if that is not known.
pub(crate) fn account_root(flag: Option<&str>) -> Result<Option<String>, Failure> {
    if let Some(root) = secrets::variable(ACCOUNT_URL)? {
        return Ok(Some(root));
    }
    let origin = Origin::of(&base_url(flag)?).filter(Origin::is_comet);
    Ok(origin.map(|origin| origin.as_str().to_owned()))
}

/// The settings of a client but for its key.
pub(crate) fn builder(args: &Service, base_url: &str) -> ClientBuilder {
    Client::builder()
        .app(concat!("paperboat/", env!("CARGO_PKG_VERSION")))
        .allow_plain_http(args.allow_http)
        .base_url_as_is(args.base_url_as_is)
        .base_url(base_url)
}

/// The base URL of the flag, else of the environment, else `CometAPI`'s; one of spaces only counts
/// as unset.
pub(crate) fn base_url(flag: Option<&str>) -> Result<String, Failure> {
    if let Some(url) = flag.filter(|url| !url.trim().is_empty()) {
        return Ok(url.to_owned());
    }
    let url = secrets::variable(BASE_URL)?;
    Ok(url.unwrap_or_else(|| DEFAULT_BASE_URL.to_owned()))
}

/// Where a secret of this kind is sent, so what it is stored for: the API key is sent to the service, the
/// access token to the account of the service. `None` if that is not an address.
pub(crate) fn origin(kind: Kind, flag: Option<&str>) -> Result<Option<Origin>, Failure> {
    let account = match kind {
        Kind::Key => None,
        Kind::AccessToken => secrets::variable(ACCOUNT_URL)?,
    };
    let url = account.map_or_else(|| base_url(flag), Ok)?;
    Ok(Origin::of(&url))
}

/// The secret for the service at `origin`.
pub(crate) fn find(
    kind: Kind,
    args: &Service,
    origin: &Origin,
    notes: &mut Vec<String>,
) -> Result<Option<Found>, Failure> {
    let flag = match kind {
        Kind::Key => args.key.as_deref(),
        Kind::AccessToken => None,
    };
    secrets::find(kind, flag, &System { origin }, notes)
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
        mock: Some(mock),
    })
}

fn unusable_key(key: &Found) -> Failure {
    // Not even masked: it may be another secret.
    let source = &key.source;
    Failure::usage(format!(
        "the API key from {source} contains a space or another character that no API key has"
    ))
    .with_advice("copy it again")
}

pub(crate) fn no_key() -> Failure {
    let page = Kind::Key.page();
    let login = advice::command("login", "");
    Failure::usage(format!(
        "no API key: run `{login}`, or set COMETAPI_KEY (create one at {page})"
    ))
    .with_advice(
        "without one: paperboat run --mock black-forest-labs/flux-schnell prompt='a red fox'",
    )
}
