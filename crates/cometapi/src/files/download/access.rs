//! Which addresses files are fetched from.
//!
//! An output is chosen by the service, or by anybody who can make it return one; it must not be a way
//! into the network of the machine that fetches it. Three rules decide, for the first address and
//! for every redirect:
//!
//! - An address that is reachable from everywhere is permitted.
//! - A loopback or private one is permitted if it is an address of the base URL's host, whose
//!   owner is trusted with the key, or if the caller allows private files. A base on loopback
//!   trusts all of loopback: development servers use several ports and addresses of it.
//! - Any other is refused, also if it is the base's.
//!
//! What is connected to directly is filtered in the resolver, so the address that was checked is
//! the address that is connected to: a name cannot resolve to another between the two. An
//! address in the URL never reaches the resolver and is checked in the URL, which the parser
//! has put into its usual notation.
//!
//! Through a proxy, it is the proxy that resolves the name, and what it can reach is for its
//! administrator to decide. The one exception is a name that is resolved here (SOCKS 4 and 5
//! without `h`), which is filtered too. Whether a request goes through a proxy is asked of the
//! matcher that reqwest uses; one client connects directly to everything and another only to the
//! proxy, so a disagreement could not lead around the filter.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::Uri;
use hyper_util::client::proxy::matcher::Intercept;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::core::base_url::{self, BaseUrl};
use crate::core::network::{Network, Reach};

/// Decides which addresses files are fetched from.
pub(crate) struct Access {
    network: Network,
    base: BaseUrl,
    allow_private: bool,
}

impl Access {
    pub(crate) fn new(network: Network, base: BaseUrl, allow_private: bool) -> Self {
        Self {
            network,
            base,
            allow_private,
        }
    }

    /// Returns the proxy that `url` is fetched through.
    pub(crate) fn proxy(&self, url: &Url) -> Option<Intercept> {
        // A proxy's loopback is not this machine's.
        if base_url::is_loopback(url) {
            return None;
        }
        let host = url.host_str()?;
        let uri: Uri = format!("{}://{host}/", url.scheme()).parse().ok()?;
        self.network.proxies.intercept(&uri)
    }

    /// Checks the host of `url` as far as the resolver does not.
    ///
    /// # Errors
    ///
    /// [`RefusedAddress`], or that of the resolver.
    pub(crate) async fn check(&self, url: &Url) -> Result<(), RefusedAddress> {
        if let Some(ip) = base_url::ip(url) {
            return if self.permits(ip).await {
                Ok(())
            } else {
                Err(self.refused(ip))
            };
        }
        let host = url.host_str().unwrap_or_default();
        let is_proxy = |proxy: Intercept| is_same_name(proxy.uri().host(), host);
        if self.proxy(url).is_some_and(is_proxy)
            && let Ok(name) = host.parse::<Name>()
        {
            // The proxy's own name is resolved without the filter to connect to the proxy.
            if let Err(error) = self.resolve(name).await
                && let Ok(refused) = error.downcast::<RefusedAddress>()
            {
                return Err(*refused);
            }
        }
        Ok(())
    }

    /// Resolves a name to the addresses that are permitted.
    async fn resolve(
        &self,
        name: Name,
    ) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let mut permitted = Vec::new();
        let mut refused = None;
        for address in self.network.resolve(name).await? {
            if self.permits(address.ip()).await {
                permitted.push(address);
            } else {
                refused = Some(address.ip());
            }
        }
        match refused {
            Some(ip) if permitted.is_empty() => Err(self.refused(ip).into()),
            _ => Ok(permitted),
        }
    }

    async fn permits(&self, ip: IpAddr) -> bool {
        match (self.network.reach)(ip) {
            Reach::Global => true,
            Reach::Forbidden => false,
            Reach::Loopback | Reach::Private if self.allow_private => true,
            Reach::Loopback if self.base.is_loopback() => true,
            Reach::Loopback | Reach::Private => self.is_address_of_base(ip).await,
        }
    }

    /// Asked only for private addresses, so that nothing is resolved for files on public hosts.
    async fn is_address_of_base(&self, ip: IpAddr) -> bool {
        if let Some(base) = self.base.ip() {
            return base.to_canonical() == ip.to_canonical();
        }
        let Ok(name) = self.base.host().parse() else {
            return false;
        };
        let found = self.network.resolve(name).await;
        found.is_ok_and(|mut found| {
            found.any(|address| address.ip().to_canonical() == ip.to_canonical())
        })
    }

    fn refused(&self, ip: IpAddr) -> RefusedAddress {
        RefusedAddress {
            ip,
            is_private: (self.network.reach)(ip) != Reach::Forbidden,
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("base", &self.base)
            .field("allow_private", &self.allow_private)
            .finish_non_exhaustive()
    }
}

/// Host names are compared without the dot at their end.
fn is_same_name(proxy: Option<&str>, host: &str) -> bool {
    let trim = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    proxy.is_some_and(|proxy| trim(proxy) == trim(host))
}

/// An address that no file is fetched from.
#[derive(Debug)]
pub(crate) struct RefusedAddress {
    ip: IpAddr,
    is_private: bool,
}

impl fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = self.ip;
        if self.is_private {
            write!(
                f,
                "the file's address, {ip}, is on a private network: allow private files if you \
                 trust the service to choose one"
            )
        } else {
            write!(
                f,
                "the file's address, {ip}, is link-local or reserved: nothing is fetched from it"
            )
        }
    }
}

impl std::error::Error for RefusedAddress {}

/// Resolves names to permitted addresses.
pub(crate) struct PermittedOnly {
    access: Arc<Access>,
    /// The proxy's name, which the user has chosen and which may be on a private network.
    proxy: Option<String>,
}

impl PermittedOnly {
    /// For a client that connects to hosts of files.
    pub(crate) fn direct(access: &Arc<Access>) -> Self {
        Self {
            access: Arc::clone(access),
            proxy: None,
        }
    }

    /// For a client that connects to `proxy` alone.
    pub(crate) fn behind(proxy: &Intercept, access: &Arc<Access>) -> Self {
        Self {
            access: Arc::clone(access),
            proxy: proxy.uri().host().map(str::to_owned),
        }
    }
}

impl Resolve for PermittedOnly {
    fn resolve(&self, name: Name) -> Resolving {
        if is_same_name(self.proxy.as_deref(), name.as_str()) {
            return self.access.network.resolve(name);
        }
        let access = Arc::clone(&self.access);
        Box::pin(async move {
            let permitted = access.resolve(name).await?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
