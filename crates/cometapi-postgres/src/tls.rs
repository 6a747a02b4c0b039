//! TLS to the server, by rustls.

use std::fmt;
use std::sync::{Arc, OnceLock};

use cometapi_batch::{Error, ErrorKind};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Which servers are trusted. What it needs is made when a session is opened first.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    roots: Option<RootCertStore>,
    connector: Arc<OnceLock<MakeRustlsConnect>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// Trusts these certificates alone.
    pub(crate) fn trusting(pem: &[u8]) -> Result<Self, Error> {
        let unusable = "the root certificates of the ledger's server cannot be read: expected PEM";
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let added = certificate.map(|certificate| roots.add(certificate));
            if !matches!(added, Ok(Ok(()))) {
                return Err(Error::new(ErrorKind::Ledger, unusable));
            }
        }
        if roots.is_empty() {
            return Err(Error::new(ErrorKind::Ledger, unusable));
        }
        Ok(Self {
            roots: Some(roots),
            connector: Arc::default(),
        })
    }

    pub(crate) fn connector(&self) -> Result<MakeRustlsConnect, Error> {
        if let Some(connector) = self.connector.get() {
            return Ok(connector.clone());
        }
        let failed = |e| {
            Error::caused_by(
                ErrorKind::Ledger,
                "TLS to the ledger's server cannot be set up",
                e,
            )
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(failed)?;
        let config = match &self.roots {
            Some(roots) => builder.with_root_certificates(roots.clone()),
            None => builder.with_platform_verifier().map_err(failed)?,
        };
        let connector = MakeRustlsConnect::new(config.with_no_client_auth());
        Ok(self.connector.get_or_init(|| connector).clone())
    }
}
