//! How the server is reached.

use std::fmt;
use std::future::poll_fn;
use std::path::Path;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use cometapi_batch::{Error, ErrorKind};
use tokio::sync::watch;
use tokio_postgres::config::Host;
use tokio_postgres::{AsyncMessage, Client, Config};

use crate::fault::Result;
use crate::parameters::Parameters;
#[cfg(feature = "rustls")]
use crate::tls::Tls;

/// Settings of a [`PostgresLedger`](crate::PostgresLedger).
///
/// ```no_run
/// use cometapi_postgres::PostgresOptions;
///
/// # async fn example() -> Result<(), cometapi_batch::Error> {
/// let ledger = PostgresOptions::new("postgres://painter@db.example/studio?sslmode=require")?
///     .password("from a secret store")
///     .schema("images")
///     .work_sessions(4)
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresOptions {
    config: Config,
    schema: String,
    work_sessions: usize,
    patience: Duration,
    #[cfg(feature = "rustls")]
    tls: Tls,
}

/// The schema of the tables, unless another is named.
const SCHEMA: &str = "cometapi";

/// As long as a name of `PostgreSQL`'s can be.
const MAX_NAME_LEN: usize = 63;

impl PostgresOptions {
    /// The server and the database of a connection string: `postgres://USER@HOST:PORT/DATABASE`, or
    /// `host=HOST user=USER dbname=DATABASE`, with the parameters of
    /// [`tokio_postgres::Config`]. `sslmode` is `disable`, `prefer` (the default) or `require`;
    /// the certificate of a server that speaks TLS, and its host, are always checked. So a URL may also have
    /// `verify-full`, and `sslrootcert`: a file of the [certificates](Self::root_certificates) to trust.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ledger`] if it, or the file, cannot be read. The error does not repeat it, because it may
    /// hold a password.
    pub fn new(connection: &str) -> Result<Self, Error> {
        // The cause is left out: it may quote a part of the password.
        let parameters = Parameters::of(connection);
        let mut config = Config::from_str(&parameters.connection).map_err(|_| {
            Error::new(
                ErrorKind::Ledger,
                "the ledger's connection string cannot be read: expected \
                 postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters \
                 percent-encoded",
            )
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            let what = "the ledger's connection string names no host: expected \
                        postgres://USER:PASSWORD@HOST:PORT/DATABASE";
            return Err(Error::new(ErrorKind::Ledger, what));
        }
        if config.get_application_name().is_none() {
            config.application_name("cometapi");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        // Else a machine that lost its power would be waited for for hours.
        config
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(25));
        let options = Self {
            config,
            schema: SCHEMA.to_owned(),
            work_sessions: 2,
            patience: Duration::from_secs(30),
            #[cfg(feature = "rustls")]
            tls: Tls::default(),
        };
        match parameters.root_certificates {
            Some(file) => Self::trusting(options, &file),
            None => Ok(options),
        }
    }

    #[cfg(feature = "rustls")]
    fn trusting(options: Self, file: &Path) -> Result<Self, Error> {
        let pem = std::fs::read(file).map_err(|e| {
            let file = file.display();
            let what = format!("the certificates of sslrootcert cannot be read: {file}");
            Error::caused_by(ErrorKind::Ledger, what, e)
        })?;
        options.root_certificates(pem)
    }

    #[cfg(not(feature = "rustls"))]
    fn trusting(_: Self, _: &Path) -> Result<Self, Error> {
        let what = "sslrootcert needs TLS, which this program was built without: enable the feature rustls";
        Err(Error::new(ErrorKind::Ledger, what))
    }

    /// The password, if the connection string has none.
    #[must_use]
    pub fn password(mut self, password: impl AsRef<[u8]>) -> Self {
        self.config.password(password);
        self
    }

    /// The schema of the tables, which is created if it is not there: `cometapi` by default. Ledgers in
    /// different schemas of one database have nothing in common.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// How many sessions record what happens, at least one: two by default. A ledger has two more: one for the
    /// life of its workers, and one for everything that may have to wait for others.
    #[must_use]
    pub fn work_sessions(mut self, sessions: usize) -> Self {
        self.work_sessions = sessions.max(1);
        self
    }

    /// How long a call waits for a server that cannot be reached: 30 seconds by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Trusts the certificates in this PEM text, instead of those that the system trusts: for a
    /// server whose certificate is of a private authority.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ledger`] if it has no certificate, or one that cannot be read.
    #[cfg(feature = "rustls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        self.tls = Tls::trusting(pem.as_ref())?;
        Ok(self)
    }

    /// Checks what was set.
    pub(crate) fn connector(self) -> Result<Connector, Error> {
        if self.schema.is_empty() || self.schema.len() > MAX_NAME_LEN || self.schema.contains('\0')
        {
            let what = format!("the ledger's schema needs a name of 1 to {MAX_NAME_LEN} bytes");
            return Err(Error::new(ErrorKind::Ledger, what));
        }
        Ok(Connector(Arc::new(self)))
    }
}

/// Without the password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("server", &self.server())
            .field("database", &self.config.get_dbname())
            .field("schema", &self.schema)
            .field("work_sessions", &self.work_sessions)
            .finish_non_exhaustive()
    }
}

impl PostgresOptions {
    fn server(&self) -> String {
        let host = self.config.get_hosts().first();
        match host {
            Some(Host::Tcp(name)) => name.clone(),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => self
                .config
                .get_hostaddrs()
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
        }
    }
}

/// Opens sessions.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Arc<PostgresOptions>);

/// How often a session was notified.
pub(crate) type Notices = watch::Sender<u64>;

/// Moves the bytes of a session until it ends.
pub(crate) type Driver = Pin<Box<dyn Future<Output = ()>>>;

impl Connector {
    /// Connects to the server and logs in. What the session is notified of is counted.
    pub(crate) async fn open(&self, notices: Option<Notices>) -> Result<(Client, Driver)> {
        let config = &self.0.config;
        #[cfg(feature = "rustls")]
        let opened = config.connect(self.0.tls.connector()?).await;
        #[cfg(not(feature = "rustls"))]
        let opened = config.connect(tokio_postgres::NoTls).await;
        let (client, mut connection) = opened?;
        let driver = async move {
            // The calls that wait for the session fail at its end.
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let (AsyncMessage::Notification(_), Some(notices)) = (message, &notices) {
                    notices.send_modify(|count| *count += 1);
                }
            }
        };
        Ok((client, Box::pin(driver)))
    }

    pub(crate) fn schema(&self) -> &str {
        &self.0.schema
    }

    /// The schema's name as SQL has it.
    pub(crate) fn quoted_schema(&self) -> String {
        format!("\"{}\"", self.0.schema.replace('"', "\"\""))
    }

    pub(crate) fn work_sessions(&self) -> usize {
        self.0.work_sessions
    }

    pub(crate) fn patience(&self) -> Duration {
        self.0.patience
    }
}
