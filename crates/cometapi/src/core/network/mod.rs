//! How host names become addresses, and from where an address can be reached.

#[cfg(feature = "download")]
mod reach;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

#[cfg(feature = "download")]
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

#[cfg(feature = "download")]
pub(crate) use reach::{Reach, reach};

/// The network as this process sees it. Tests replace its parts.
#[derive(Clone)]
pub(crate) struct Network {
    /// Resolves every name but those of this machine.
    #[cfg(feature = "download")]
    pub(crate) names: Arc<dyn Resolve>,
    /// Resolves the names of this machine; see [`is_localhost`].
    pub(crate) localhost: Arc<dyn Resolve>,
    #[cfg(feature = "download")]
    pub(crate) reach: fn(std::net::IpAddr) -> Reach,
    /// The environment's proxies, as reqwest reads them.
    #[cfg(feature = "download")]
    pub(crate) proxies: Arc<Matcher>,
}

impl Network {
    /// The system's resolver and the environment's proxies.
    pub(crate) fn system() -> Self {
        Self {
            #[cfg(feature = "download")]
            names: Arc::new(SystemResolver),
            localhost: Arc::new(LocalhostResolver),
            #[cfg(feature = "download")]
            reach,
            #[cfg(feature = "download")]
            proxies: Arc::new(Matcher::from_system()),
        }
    }

    #[cfg(feature = "download")]
    pub(crate) fn resolve(&self, name: Name) -> Resolving {
        if is_localhost(name.as_str()) {
            self.localhost.resolve(name)
        } else {
            self.names.resolve(name)
        }
    }
}

/// Returns whether a host name is `localhost` or ends in `.localhost`: a name of this machine
/// (RFC 6761, section 6.3). DNS is not asked for its address, since a DNS server could give any,
/// and a key may be sent there over plain http.
pub(crate) fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

#[cfg(feature = "download")]
struct SystemResolver;

#[cfg(feature = "download")]
impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

/// Resolves every name to this machine.
struct LocalhostResolver;

impl Resolve for LocalhostResolver {
    fn resolve(&self, _: Name) -> Resolving {
        // Of the two, the one that nothing listens on refuses at once.
        let loopback = [
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ];
        Box::pin(async move { Ok(Box::new(loopback.into_iter()) as Addrs) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_recognized() {
        for host in ["localhost", "localhost.", "a.localhost", "A.B.LocalHost."] {
            assert!(is_localhost(host), "{host}");
        }
        for host in [
            "",
            ".",
            "local",
            "notlocalhost",
            "localhost.example",
            "127.0.0.1",
        ] {
            assert!(!is_localhost(host), "{host}");
        }
    }

    #[tokio::test]
    async fn names_of_this_machine_resolve_to_loopback_addresses_only() {
        for host in ["localhost", "gateway.localhost", "no-such-name.localhost"] {
            let found = LocalhostResolver.resolve(host.parse().unwrap()).await;
            let found: Vec<_> = found.unwrap().collect();
            assert_eq!(found.len(), 2, "{host}");
            assert!(found.iter().all(|address| address.ip().is_loopback()));
        }
    }
}
