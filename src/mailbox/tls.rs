//! A connection to a mail server: TCP, then TLS with the system's authorities or the site's own.
//!
//! Does: check the name in the certificate, always. Does not: fall back to anything weaker.

use super::{Config, MailboxError};
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// What IMAP is spoken over.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for T {}

/// A connection that ends when the other side sends more than it is allowed to.
pub(super) struct Metered {
    wire: Box<dyn Wire>,
    left_bytes: Arc<AtomicU64>,
}

/// Says how much the other side may still send.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Arc<AtomicU64>);

impl Meter {
    pub(super) fn allow(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

impl Metered {
    pub(super) fn new(wire: Box<dyn Wire>, meter: &Meter) -> Self {
        Self { wire, left_bytes: Arc::clone(&meter.0) }
    }

    pub(super) fn into_wire(self) -> Box<dyn Wire> {
        self.wire
    }
}

impl fmt::Debug for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metered")
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.wire).poll_read(cx, buf);
        let count = (buf.filled().len() - before) as u64;
        let left = self.left_bytes.load(Ordering::Relaxed);
        if count > left {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        self.left_bytes.store(left - count, Ordering::Relaxed);
        result
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

/// Opens a TCP connection to the first address that answers.
pub(super) async fn dial(config: &Config) -> Result<TcpStream, MailboxError> {
    let (host, port) = (config.host.as_str(), config.port());
    let unresolved = |source| MailboxError::Unresolved { host: host.to_owned(), source };
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in tokio::net::lookup_host((host, port)).await.map_err(unresolved)? {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream
                    .set_nodelay(true)
                    .map_err(|source| MailboxError::Broken { verb: "connect", source: Some(source) })?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(MailboxError::Refused { host: host.to_owned(), port, source: last })
}

/// Speaks TLS over a connection, and checks who is at the other end.
pub(super) async fn secure(
    config: &Config,
    settings: &Arc<ClientConfig>,
    wire: Box<dyn Wire>,
) -> Result<Box<dyn Wire>, MailboxError> {
    let host = config.host.clone();
    let name = ServerName::try_from(host.clone()).map_err(|_invalid| {
        MailboxError::settings(format!("mailbox {}: `host` is not a host name", config.name))
    })?;
    match TlsConnector::from(Arc::clone(settings)).connect(name, wire).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(source) => {
            let tls_error = source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            Err(match tls_error {
                Some(rustls::Error::InvalidCertificate(why)) => {
                    MailboxError::Untrusted { host, reason: reason(why) }
                }
                Some(_) => MailboxError::Tls { host, port: config.port(), source },
                None if source.kind() == io::ErrorKind::UnexpectedEof => {
                    MailboxError::Tls { host, port: config.port(), source }
                }
                None => MailboxError::Broken { verb: "connect", source: Some(source) },
            })
        }
    }
}

/// Reads the authorities once for all connections of a mailbox.
pub(super) fn settings(config: &Config) -> Result<Arc<ClientConfig>, MailboxError> {
    let mut roots = RootCertStore::empty();
    let wrong = |text: String| MailboxError::settings(format!("mailbox {}: {text}", config.name));
    if let Some(path) = &config.ca_file {
        let unreadable = |why: String| wrong(format!("`ca_file` {} cannot be used: {why}", path.display()));
        for certificate in
            CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?
        {
            let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(unreadable("there is no certificate in it".to_owned()));
        }
    } else {
        let found = rustls_native_certs::load_native_certs();
        let (_added, _ignored) = roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(wrong(
                "this machine has no certificate authorities: install the package ca-certificates, or set `ca_file`"
                    .to_owned(),
            ));
        }
    }
    let settings = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(settings))
}

fn reason(why: &CertificateError) -> String {
    match why {
        CertificateError::BadSignature => "not signed by the authority that it names".to_owned(),
        CertificateError::UnknownIssuer => "signed by an unknown authority".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; check this machine's clock".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host name".to_owned()
        }
        other => super::error::server_text(&other.to_string()),
    }
}
