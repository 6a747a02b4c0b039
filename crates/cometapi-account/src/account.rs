//! The account: where it is asked, and with which secrets.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use cometapi_client::{ClientInfo, Transport};
use reqwest::Url;

use crate::balance::{AccountBalance, Balance, KeyBalance};
use crate::cache::PriceCache;
use crate::call::{Call, Credential};
use crate::error::{Error, ErrorKind};
use crate::generated::{Client, types};
use crate::json;
use crate::listed_model::ListedModel;
use crate::page::{self, Listing, Page};
use crate::price_list::PriceList;
use crate::root::Root;
use crate::secret::AccessToken;
use crate::task::{PLATFORM, TaskFilter, Tasks};

/// How long a request may take if nothing else is set.
const TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("cometapi-account/", env!("CARGO_PKG_VERSION"));

/// A `CometAPI` account: its balance and tasks, and the prices of models.
///
/// Cheap to clone: the clones share connections. Each request is sent once, and has 10 s by default.
/// Nothing costs money.
///
/// ```no_run
/// use cometapi_account::Account;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = cometapi::Client::from_env()?;
/// let account = Account::builder()
///     .client(&client)
///     .access_token(std::env::var("COMETAPI_ACCESS_TOKEN")?)
///     .build()?;
/// println!("{:?}", account.balance().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Account {
    root: Root,
    http: reqwest::Client,
    key: Key,
    token: Option<AccessToken>,
    timeout: Duration,
}

/// The API key, as far as it may be sent.
#[derive(Clone)]
enum Key {
    /// There is no client.
    None,
    /// The client sends it to another origin, and so does nothing here.
    Elsewhere,
    /// The transport has it.
    Known(Transport),
}

impl Account {
    /// The account of the client's key, at `CometAPI`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownHere`] if the client's base URL is another service's: whether that has an
    /// account's operations is not known. [`AccountBuilder::root`] says where they are.
    pub fn new(client: &cometapi::Client) -> Result<Self, Error> {
        Self::builder().client(client).build()
    }

    /// Settings for an account.
    pub fn builder() -> AccountBuilder {
        AccountBuilder::default()
    }

    /// The same with an access token, which [`account_balance`](Self::account_balance) and
    /// [`tasks`](Self::tasks) need. One that a header cannot carry is refused when it is used.
    #[must_use]
    pub fn access_token(mut self, token: impl Into<AccessToken>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The address that requests are sent below, without a slash at its end.
    pub fn root(&self) -> &str {
        self.root.as_str()
    }

    /// Whether there is an access token.
    pub fn has_access_token(&self) -> bool {
        self.token.is_some()
    }

    /// Returns all models with their prices. No secret is sent.
    ///
    /// # Errors
    ///
    /// Fails if the list cannot be read; a row of it that cannot be read is left out.
    pub async fn prices(&self) -> Result<PriceList, Error> {
        let client = self.client(Transport::without_credential());
        let call = self.call(Credential::None);
        let fetched_at = SystemTime::now();
        let list: types::ModelList = call.send(client.list_models()).await?;
        let rows = list
            .data
            .and_then(|data| json::rows(data, &["items", "data"]));
        let rows = rows.ok_or_else(|| call.lacks("list of models"))?;
        let root = self.root().to_owned();
        let listed = tokio::task::spawn_blocking(move || PriceList::new(&root, fetched_at, rows));
        // The runtime ends, and the caller with it.
        listed.await.map_err(|_| call.lacks("list of models"))
    }

    /// Returns the list that `cache` has for this root, if it is less than an hour old; fetches and
    /// saves it otherwise. The list knows its [age](PriceList::age).
    ///
    /// A list that cannot be saved is returned anyway: [`PriceCache::save`] reports why. One without a
    /// model is not saved, because that is more likely a fault of the service than the truth.
    ///
    /// # Errors
    ///
    /// Fails as [`prices`](Self::prices) does.
    pub async fn cached_prices(&self, cache: &PriceCache) -> Result<PriceList, Error> {
        if let Some(list) = cache.load(self.root()).await {
            return Ok(list);
        }
        let list = self.prices().await?;
        if !list.is_empty() {
            return Ok(cache.keep(list).await);
        }
        Ok(list)
    }

    /// Returns the model of this code: its id with `-` for each `.`. No secret is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a code that cannot be a part of a path; nothing was sent then.
    /// [`ErrorKind::Refused`] if the service does not know it.
    pub async fn model(&self, code: &str) -> Result<ListedModel, Error> {
        let is_path = matches!(code, "" | "." | "..") || code.contains(char::is_control);
        if is_path {
            let what = "this is not a code of a model; it should look like gpt-5-1";
            return Err(Error::new(ErrorKind::Config, what));
        }
        let client = self.client(Transport::without_credential());
        let call = self.call(Credential::None);
        let envelope: types::ModelEnvelope = call.send(client.get_model(code)).await?;
        let row = envelope
            .data
            .map(|data| json::unwrapped(&data).into_owned());
        let row = row.and_then(|row| serde_json::from_value::<types::ListedModel>(row).ok());
        row.as_ref()
            .and_then(ListedModel::read)
            .ok_or_else(|| call.lacks("model"))
    }

    /// Returns what is left to spend: of the account if there is an access token, else of the API
    /// key's limit.
    ///
    /// The account comes first because it is what runs out: a key may have no limit while its account
    /// is empty. If it cannot be read, the key's limit does not stand in for it.
    ///
    /// # Errors
    ///
    /// Fails as [`account_balance`](Self::account_balance) or [`key_balance`](Self::key_balance).
    pub async fn balance(&self) -> Result<Balance, Error> {
        if self.has_access_token() {
            self.account_balance().await.map(Balance::Account)
        } else {
            self.key_balance().await.map(Balance::Key)
        }
    }

    /// Returns what is left in the account.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoToken`] without an access token.
    pub async fn account_balance(&self) -> Result<AccountBalance, Error> {
        let client = self.client(self.token()?);
        let call = self.call(Credential::Token);
        let user: types::UserEnvelope = call.send(client.get_user()).await?;
        let balance = user.data.as_ref().and_then(AccountBalance::read);
        balance.ok_or_else(|| call.lacks("quota"))
    }

    /// Returns the limit of the API key and what it has spent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoKey`] without a client, or if the client's base URL has another origin than the
    /// root: the key is sent nowhere else.
    pub async fn key_balance(&self) -> Result<KeyBalance, Error> {
        let client = self.client(self.key()?);
        let call = self.call(Credential::Key);
        let subscription: types::Subscription = call.send(client.get_subscription()).await?;
        let limit = KeyBalance::limit(&subscription);
        let limit = limit.ok_or_else(|| call.lacks("limit in US dollars"))?;
        let usage: types::Usage = call.send(client.get_usage()).await?;
        let used = KeyBalance::used(&usage).ok_or_else(|| call.lacks("usage"))?;
        Ok(KeyBalance { limit, used })
    }

    /// Lists tasks of the platform `replicate`, in the order of the service.
    ///
    /// At most 10,000 are read, in pages of 100. A task whose time is unknown is listed whatever the filter
    /// says: it may be one of those that are asked for. So is one of another platform, if the service lists it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoToken`] without an access token. Fails if the first page cannot be read; if a
    /// later one cannot, the list [is not complete](Tasks::is_complete).
    ///
    /// ```no_run
    /// use std::time::{Duration, SystemTime};
    /// use cometapi_account::{Account, TaskFilter};
    ///
    /// # async fn example(account: Account) -> Result<(), cometapi_account::Error> {
    /// let now = SystemTime::now();
    /// let filter = TaskFilter::between(now - Duration::from_secs(600), now);
    /// let listed = account.tasks(filter).await?;
    /// for task in &listed.tasks {
    ///     println!("{} {:?} {:?}", task.id, task.status, task.charge);
    /// }
    /// if !listed.is_complete {
    ///     println!("there may be more");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn tasks(&self, filter: TaskFilter) -> Result<Tasks, Error> {
        let client = self.client(self.token()?);
        let call = self.call(Credential::Token);
        let since = filter.since.map(|since| page::seconds(since).0);
        let until = filter.until.map(|until| page::seconds(until).1);
        let mut listing = Listing::new(&filter);
        while let Some(number) = listing.next() {
            let page = client.list_tasks(
                until,
                Some(number),
                Some(page::SIZE),
                Some(PLATFORM),
                since,
                filter.id.as_deref(),
            );
            let page = call.send(page).await.and_then(|page: types::TaskList| {
                Page::read(page.data).ok_or_else(|| call.lacks("list of tasks"))
            });
            listing.add(page)?;
        }
        Ok(listing.into_tasks())
    }

    fn client(&self, transport: Transport) -> Client {
        Client::new_with_client(self.root.as_str(), self.http.clone(), transport)
    }

    fn call(&self, credential: Credential) -> Call<'_> {
        Call {
            root: &self.root,
            credential,
            timeout: self.timeout,
        }
    }

    fn token(&self) -> Result<Transport, Error> {
        let token = self.token.as_ref().ok_or_else(|| {
            let what = "no access token: create one at \
                        https://www.cometapi.com/console/personal; it is not an API key";
            Error::new(ErrorKind::NoToken, what)
        })?;
        transport(token)
    }

    fn key(&self) -> Result<Transport, Error> {
        let what = match &self.key {
            Key::Known(transport) => return Ok(transport.clone()),
            Key::None => "no API key: give a client that has one".to_owned(),
            Key::Elsewhere => format!(
                "no API key for {}: the client's key is sent only to its own base url",
                self.root()
            ),
        };
        Err(Error::new(ErrorKind::NoKey, what))
    }
}

/// A transport that sends the access token.
fn transport(token: &AccessToken) -> Result<Transport, Error> {
    Transport::new(token.expose()).map_err(|_| {
        let what = "the access token is empty or contains spaces or characters that a header cannot \
                    carry; copy it again";
        Error::new(ErrorKind::Config, what)
    })
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("root", &self.root())
            .field("token", &self.token)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Settings of an [`Account`].
///
/// ```
/// use std::time::Duration;
/// use cometapi_account::Account;
///
/// // Prices need no client and no key.
/// let account = Account::builder().timeout(Duration::from_secs(3)).build()?;
/// assert_eq!(account.root(), "https://api.cometapi.com");
/// # Ok::<(), cometapi_account::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct AccountBuilder {
    client: Option<cometapi::Client>,
    root: Option<String>,
    token: Option<AccessToken>,
    timeout: Option<Duration>,
}

impl AccountBuilder {
    /// The client whose API key is meant, and whose HTTP settings are used where its own origin, or
    /// another host of `CometAPI`, is asked.
    pub fn client(mut self, client: &cometapi::Client) -> Self {
        self.client = Some(client.clone());
        self
    }

    /// Where the account's operations are: the address before `/api/models`. `https`, or `http` on
    /// this machine.
    ///
    /// By default `https://api.cometapi.com`, without a client or if the client's base URL is `https`
    /// at `CometAPI`; for another service it must be given.
    ///
    /// The access token is sent there. The client's key is only if the base URL has the same origin.
    pub fn root(mut self, root: impl Into<String>) -> Self {
        self.root = Some(root.into());
        self
    }

    /// The account's access token, which is no API key.
    pub fn access_token(mut self, token: impl Into<AccessToken>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// How long each request may take; 10 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Checks the settings and makes the account. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownHere`] for a client of another service without a root;
    /// [`ErrorKind::Config`] for a root or a token that cannot be used.
    pub fn build(self) -> Result<Account, Error> {
        let client = self.client.as_ref().map(cometapi::Client::raw);
        let base = client.map(|client| Url::parse(client.baseurl()));
        // The client has read it, so it is a URL.
        let base = base.transpose().map_err(|error| {
            let what = "the client's base url cannot be read; check it";
            Error::new(ErrorKind::Config, what).with_source(error)
        })?;
        let root = match (&self.root, &base) {
            (Some(root), _) => Root::parse(root)?,
            (None, Some(base)) => Root::of_base_url(base)?,
            (None, None) => Root::cometapi()?,
        };
        if let Some(token) = &self.token {
            transport(token)?;
        }
        let (http, key) = match (client, &base) {
            (Some(client), Some(base)) => {
                let http = if root.shares_connections(base) {
                    client.client().clone()
                } else {
                    http(&root)?
                };
                let key = if root.is_same_origin(base) {
                    Key::Known(client.inner().clone())
                } else {
                    Key::Elsewhere
                };
                (http, key)
            }
            _ => (http(&root)?, Key::None),
        };
        Ok(Account {
            root,
            http,
            key,
            token: self.token,
            timeout: self.timeout.unwrap_or(TIMEOUT),
        })
    }
}

/// An HTTP client of our own: no redirects, no retries, the environment's proxies except for this
/// machine, whose names are not asked of DNS.
fn http(root: &Root) -> Result<reqwest::Client, Error> {
    let mut http = cometapi_client::http_client().user_agent(USER_AGENT);
    if root.is_loopback() {
        http = http.no_proxy();
        if !root.is_https() {
            http = cometapi_client::without_tls_roots(http);
        }
    }
    if let Some(host) = root.localhost_name() {
        let ips = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        // Port 0 stands for that of the URL.
        http = http.resolve_to_addrs(host, &ips.map(|ip| SocketAddr::new(ip, 0)));
    }
    http.build().map_err(|error| {
        let what = "the http client cannot be set up: install the system's CA certificates, or \
                    check the proxy variables";
        Error::new(ErrorKind::Config, what).with_source(error)
    })
}
