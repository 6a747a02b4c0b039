//! Where a ledger is, as a person writes it.

use std::convert::Infallible;
#[cfg(any(feature = "postgres", test))]
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use url::Url;

/// What the URL of a database begins with.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Parameters of the URL that hold a secret.
const SECRET: [&str; 2] = ["password", "sslpassword"];

/// Where a ledger is. What is shown of it is without the password.
// Not `Debug`: a password may be in it.
#[derive(Clone, PartialEq)]
pub(crate) enum LedgerAddress {
    File(PathBuf),
    Postgres(Database),
}

/// The URL of a database.
#[derive(Clone, PartialEq)]
pub(crate) struct Database(String);

impl LedgerAddress {
    /// Reads a value of `--ledger` or of its variable: the URL of a database, else the path of a file.
    #[expect(clippy::unnecessary_wraps, reason = "as clap asks for it")]
    pub(crate) fn read(value: OsString) -> Result<Self, Infallible> {
        Ok(match value.to_str() {
            Some(text) if SCHEMES.iter().any(|scheme| text.starts_with(scheme)) => {
                Self::Postgres(Database(text.to_owned()))
            }
            _ => Self::File(value.into()),
        })
    }
}

impl fmt::Display for LedgerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(database) => f.write_str(&database.shown()),
        }
    }
}

impl Database {
    /// The connection string, with its password.
    #[cfg(any(feature = "postgres", test))]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The password of the environment, which counts where the URL has none.
    #[cfg(any(feature = "postgres", test))]
    pub(crate) fn password(&self) -> Option<OsString> {
        let has_password = match Url::parse(&self.0) {
            Ok(url) => {
                url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password")
            }
            // It is refused later, without being shown.
            Err(_) => true,
        };
        let given = || env::var_os("PGPASSWORD").filter(|password| !password.is_empty());
        if has_password { None } else { given() }
    }

    /// The URL without its password.
    fn shown(&self) -> String {
        let Ok(mut url) = Url::parse(&self.0) else {
            return "the database".to_owned();
        };
        // One without a host has no password either.
        let _ = url.set_password(None);
        let is_secret = |name: &str| SECRET.contains(&name);
        let public: Vec<_> = url
            .query_pairs()
            .filter(|(name, _)| !is_secret(name))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.set_query(None);
        if !public.is_empty() {
            url.query_pairs_mut().extend_pairs(public);
        }
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let Ok(address) = LedgerAddress::read(text.into());
        address.to_string()
    }

    #[test]
    fn a_url_of_postgres_is_a_database_and_all_else_a_file() {
        for text in [
            "ledger.sqlite3",
            "postgres.sqlite3",
            "postgres:/x",
            "./postgres://x",
        ] {
            let Ok(address) = LedgerAddress::read(text.into());
            assert!(address == LedgerAddress::File(text.into()), "{text}");
            assert_eq!(shown(text), text);
        }
        for text in [
            "postgres://db/studio",
            "postgresql://painter@db:5433/studio?sslmode=require",
        ] {
            let Ok(address) = LedgerAddress::read(text.into());
            assert!(matches!(address, LedgerAddress::Postgres(_)), "{text}");
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        for text in [
            "postgres://painter:s3cret@db/studio",
            "postgres://painter:s3cr%65t@db/studio?sslmode=require",
            "postgres://painter@db/studio?password=s3cret&sslmode=require",
            "postgres://painter:s3cret@/studio",
            "postgres://painter:s3cret@[bad",
        ] {
            let shown = shown(text);
            assert!(!shown.contains("s3cr"), "{shown}");
            let Ok(LedgerAddress::Postgres(database)) = LedgerAddress::read(text.into()) else {
                panic!("{text}");
            };
            assert_eq!(database.expose(), text);
            assert_eq!(database.password(), None);
        }
    }
}
