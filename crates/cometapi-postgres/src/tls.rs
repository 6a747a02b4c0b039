//! TLS to the server, by rustls.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use cometapi_batch::{Error, ErrorKind};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsConnector, client};

/// Which servers are trusted. What it needs is made when a session is opened first.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    roots: Option<RootCertStore>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
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
            config: Arc::default(),
        })
    }

    pub(crate) fn connector(&self) -> Result<Connect, Error> {
        if let Some(config) = self.config.get() {
            return Ok(Connect(Arc::clone(config)));
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
        let config = config.with_no_client_auth();
        Ok(Connect(Arc::clone(
            self.config.get_or_init(|| Arc::new(config)),
        )))
    }
}

pub(crate) struct Connect(Arc<ClientConfig>);

impl MakeTlsConnect<tokio_postgres::Socket> for Connect {
    type Stream = Stream;
    type TlsConnect = ConnectTo;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<ConnectTo> {
        let host = ServerName::try_from(host).map_err(io::Error::other)?;
        Ok(ConnectTo {
            connector: Arc::clone(&self.0).into(),
            host: host.to_owned(),
        })
    }
}

pub(crate) struct ConnectTo {
    connector: TlsConnector,
    host: ServerName<'static>,
}

impl TlsConnect<tokio_postgres::Socket> for ConnectTo {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: tokio_postgres::Socket) -> Self::Future {
        Box::pin(async move { Ok(Stream(self.connector.connect(self.host, socket).await?)) })
    }
}

pub(crate) struct Stream(client::TlsStream<tokio_postgres::Socket>);

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Passwords are checked by SCRAM without binding them to the TLS connection.
impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
