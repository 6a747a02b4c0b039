//! Parameters of connection strings that `libpq` takes and the driver does not.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

/// A connection string without them.
#[derive(PartialEq)]
pub(crate) struct Parameters {
    pub(crate) connection: String,
    /// The file of the certificates to trust, as PEM.
    pub(crate) root_certificates: Option<PathBuf>,
}

impl Parameters {
    /// Takes them out of a URL. They are not looked for in any other connection string.
    pub(crate) fn of(connection: &str) -> Self {
        let mut taken = Self {
            connection: connection.to_owned(),
            root_certificates: None,
        };
        let is_url =
            connection.starts_with("postgres://") || connection.starts_with("postgresql://");
        // A password may hold what separates parameters.
        let login = connection.find('@').unwrap_or(0);
        let Some(query) = connection[login..].find('?').filter(|_| is_url) else {
            return taken;
        };
        let (before, query) = connection.split_at(login + query + 1);
        let mut left = Vec::new();
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                // Certificate and host are checked in any case.
                Some(("sslmode", "verify-full" | "verify-ca")) => left.push("sslmode=require"),
                // What the system trusts is the default.
                Some(("sslrootcert", "system")) => {}
                Some(("sslrootcert", path)) => {
                    let path = percent_decode_str(path).decode_utf8_lossy();
                    taken.root_certificates = Some(PathBuf::from(path.into_owned()));
                }
                _ => left.push(parameter),
            }
        }
        taken.connection = format!("{before}{}", left.join("&"));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_libpq_are_taken_out_of_a_url() {
        let file = || Some(PathBuf::from("/etc/db ca.pem"));
        for (given, connection, root_certificates) in [
            ("postgres://db/x", "postgres://db/x", None),
            (
                "postgres://db/x?sslmode=verify-full&sslrootcert=/etc/db%20ca.pem",
                "postgres://db/x?sslmode=require",
                file(),
            ),
            (
                "postgresql://u@db/x?connect_timeout=3&sslmode=verify-ca&sslrootcert=system",
                "postgresql://u@db/x?connect_timeout=3&sslmode=require",
                None,
            ),
            (
                "postgres://u:p?sslrootcert=no@db/x?sslrootcert=/etc/db ca.pem",
                "postgres://u:p?sslrootcert=no@db/x?",
                file(),
            ),
            ("postgres://u:p?q@db/x", "postgres://u:p?q@db/x", None),
            (
                "host=db sslrootcert=/etc/db",
                "host=db sslrootcert=/etc/db",
                None,
            ),
        ] {
            let taken = Parameters::of(given);
            assert_eq!(taken.connection, connection);
            assert_eq!(taken.root_certificates, root_certificates, "{given}");
            // The driver knows what is left.
            let is_known = taken.connection.parse::<tokio_postgres::Config>().is_ok();
            assert_eq!(is_known, given.starts_with("postgres"), "{given}");
        }
    }
}
