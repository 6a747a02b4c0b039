//! Names of files' hosts, as long as they lead to the public network.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::base_url::is_private_ip;

/// Resolves names as the system does, and leaves out addresses of private networks: a name
/// in an output must not be a way into the network of whoever fetches it.
pub(crate) struct PublicOnly {
    /// A proxy's own name is resolved here too, and may well be private; it is then the
    /// proxy that decides what can be reached.
    proxied: bool,
}

impl PublicOnly {
    pub(crate) fn unless_proxied() -> Arc<Self> {
        const VARIABLES: [&str; 6] = [
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
        ];
        let proxied = VARIABLES
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        Arc::new(Self { proxied })
    }
}

/// A name that leads to a private network alone.
#[derive(Debug)]
pub(crate) struct PrivateAddress;

impl fmt::Display for PrivateAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the file's address is on a private network, where no output of this service can be",
        )
    }
}

impl std::error::Error for PrivateAddress {}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let proxied = self.proxied;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let usable: Vec<SocketAddr> = found
                .filter(|address| proxied || !is_private_ip(address.ip()))
                .collect();
            if usable.is_empty() {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused_unless_a_proxy_decides() {
        for (proxied, refused) in [(false, true), (true, false)] {
            let name: Name = "localhost".parse().unwrap();
            let result = PublicOnly { proxied }.resolve(name).await;
            assert_eq!(result.is_err(), refused);
            if let Err(error) = result {
                assert!(error.is::<PrivateAddress>());
            }
        }
    }
}
