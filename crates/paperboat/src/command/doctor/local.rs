//! This machine: the ledger, the folder, the proxies.

use std::env;
use std::fs::OpenOptions;

use cometapi::reqwest::Url;
use cometapi_batch::{Filter, SqliteLedger};
use tempfile::NamedTempFile;

use super::check::Check;
use crate::args::{LedgerAddress, LedgerPlace};
use crate::ledger;

/// The variables that name proxies, in the order in which they count.
const PROXIES: [&str; 8] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Whether the ledger opens, can be read and written. None is created.
pub(super) async fn ledger(place: &LedgerPlace) -> Check {
    const NAME: &str = "ledger";
    if place.no_ledger {
        return Check::skipped(NAME, "not used");
    }
    let address = match ledger::address(place.ledger.as_ref()) {
        Ok(address) => address,
        Err(failure) => return Check::failed(NAME, &failure),
    };
    let path = match &address {
        LedgerAddress::File(path) => path,
        LedgerAddress::Postgres(_) => return database(NAME, &address).await,
    };
    let shown = path.display();
    if !path.exists() {
        return Check::ok(
            NAME,
            format!("none yet; the first prediction creates {shown}"),
        );
    }
    // It refuses another version, a damaged one and one that others can write.
    let opened = match ledger::existing(Some(&address)).await {
        Ok(opened) => opened,
        Err(failure) => return Check::failed(NAME, &failure),
    };
    let mut filter = Filter::default();
    filter.limit = 1;
    if let Err(e) = opened.list(filter).await {
        return Check::failed_with(
            NAME,
            format!("{shown} cannot be read: {e}"),
            "name another: --ledger FILE",
        );
    }
    let written = OpenOptions::new().append(true).open(path);
    match written {
        Ok(_) => Check::ok(
            NAME,
            format!(
                "{shown} (version {}) can be read and written",
                SqliteLedger::VERSION
            ),
        ),
        Err(e) => Check::failed_with(
            NAME,
            format!("{shown} cannot be written: {e}"),
            "name another: --ledger FILE",
        ),
    }
}

/// Whether a database can be reached and holds a ledger. What it needs is created.
async fn database(name: &'static str, address: &LedgerAddress) -> Check {
    let opened = match ledger::existing(Some(address)).await {
        Ok(opened) => opened,
        Err(failure) => return Check::failed(name, &failure),
    };
    let mut filter = Filter::default();
    filter.limit = 1;
    match opened.list(filter).await {
        Ok(_) => Check::ok(name, format!("{address} can be read and written")),
        Err(e) => Check::failed_with(
            name,
            format!("{address} cannot be read: {e}"),
            "name another: --ledger FILE",
        ),
    }
}

/// Whether files can be saved in the current folder.
pub(super) fn folder() -> Check {
    const NAME: &str = "folder";
    let mut probe = tempfile::Builder::new();
    let probe = probe.prefix(".paperboat-doctor-").tempfile_in("");
    match probe.and_then(NamedTempFile::close) {
        Ok(()) => Check::ok(NAME, "files can be saved in the current folder"),
        Err(e) => Check::warning(
            NAME,
            format!("files cannot be saved in the current folder: {e}"),
            "name another: -o DIR",
        ),
    }
}

/// Which variables name proxies. The service on this machine is reached without one.
pub(super) fn proxies() -> Check {
    let set: Vec<_> = set_proxies()
        .map(|(name, value)| format!("{name}={}", without_credentials(name, &value)))
        .collect();
    if set.is_empty() {
        return Check::ok("proxies", "none are set");
    }
    Check::ok("proxies", set.join(", "))
}

/// Whether a variable names a proxy.
pub(super) fn has_proxies() -> bool {
    set_proxies().any(|(name, _)| !is_exception(name))
}

fn set_proxies() -> impl Iterator<Item = (&'static str, String)> {
    let value = |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let set = PROXIES
        .into_iter()
        .filter_map(move |name| Some((name, value(name)?)));
    set.filter(|(_, value)| !value.trim().is_empty())
}

fn is_exception(name: &str) -> bool {
    name.eq_ignore_ascii_case("NO_PROXY")
}

/// The value of a variable without the user name and password that a proxy may need.
fn without_credentials(name: &str, value: &str) -> String {
    if is_exception(name) {
        return value.to_owned();
    }
    let has_scheme = value.contains("://");
    let url = if has_scheme {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    match Url::parse(&url) {
        Ok(url) => match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
            (Some(host), None) => format!("{}://{host}", url.scheme()),
            (None, _) => "…".to_owned(),
        },
        Err(_) => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        for (value, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            (
                "http://me:secret@proxy.example:3128/",
                "http://proxy.example:3128",
            ),
            ("me:secret@proxy.example:3128", "http://proxy.example:3128"),
            ("socks5://me:secret@[::1]", "socks5://[::1]"),
            ("proxy.example", "http://proxy.example"),
            ("secret secret", "…"),
        ] {
            assert_eq!(without_credentials("HTTPS_PROXY", value), shown, "{value}");
        }
        assert_eq!(without_credentials("no_proxy", "a,.b"), "a,.b");
    }
}
