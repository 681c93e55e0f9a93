//! TLS to the carrier.

use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A TLS client for one host.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    host: ServerName<'static>,
}

impl Tls {
    /// Trusts the public certificate authorities and the certificates in `ca` (PEM).
    ///
    /// # Errors
    /// A sentence, when the host is not a valid name or `ca` can't be read.
    pub(super) fn new(host: &str, ca: Option<&Path>) -> Result<Self, String> {
        let host = ServerName::try_from(host.to_owned())
            .map_err(|_| "the host in the SMPP URL is neither a name nor an address".to_owned())?;
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = ca {
            add(path, &mut roots).map_err(|problem| format!("the ca {} in the SMPP URL {problem}", path.display()))?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS is not possible: {error}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), host })
    }

    /// Does the handshake on a TCP connection.
    ///
    /// # Errors
    /// When the certificate is not valid for the host, or the host does not speak TLS.
    pub(super) async fn connect(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.host.clone(), stream).await
    }
}

fn add(path: &Path, roots: &mut RootCertStore) -> Result<(), String> {
    let unreadable = |error| format!("can't be read: {error}");
    let mut count = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        roots.add(certificate.map_err(unreadable)?).map_err(|error| format!("is no certificate: {error}"))?;
        count += 1;
    }
    if count == 0 { Err("has no certificate in it".to_owned()) } else { Ok(()) }
}
