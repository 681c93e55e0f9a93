//! The client side of TLS to database servers, from the files that a URL names.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::tls_rules::{Authorities, CertificateCheck, TlsRules};
use super::verifier::{DatabaseVerifier, Trust};

/// The name of PostgreSQL's protocol within TLS (RFC 7301).
const PROTOCOL: &[u8] = b"postgresql";

/// A client that checks what the URL says.
///
/// # Errors
/// A sentence, when a file can't be used.
pub(super) fn tls_client(rules: &TlsRules) -> Result<TlsConnector, String> {
    let impossible = |error| format!("TLS to the database is not possible: {error}");
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let versions: Vec<&SupportedProtocolVersion> = [(rules.allows_1_3, &TLS13), (rules.allows_1_2, &TLS12)]
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, it)| it)
        .collect();
    let verifier = DatabaseVerifier { trust: trust(rules)?.map(Arc::new), algorithms };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(impossible)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &rules.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| format!("the sslkey {} of the database URL can't be read: {error}", key.display()))?;
            builder
                .with_client_auth_cert(read_certificates("sslcert", certificate)?, key)
                .map_err(|error| format!("the sslcert of the database URL can't be used: {error}"))?
        }
    };
    config.enable_sni = rules.names_host;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn trust(rules: &TlsRules) -> Result<Option<Trust>, String> {
    let (check, mut roots) = (rules.check(), RootCertStore::empty());
    let certificates = match &rules.authorities {
        _ if check == CertificateCheck::Nothing => return Ok(None),
        None => return Ok(None),
        Some(Authorities::Public) => {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            Vec::new()
        }
        Some(Authorities::File(path)) => read_certificates("sslrootcert", path)?,
    };
    for certificate in &certificates {
        roots
            .add(certificate.clone())
            .map_err(|error| format!("the sslrootcert of the database URL is no certificate: {error}"))?;
    }
    Ok(Some(Trust { roots, certificates, checks_name: check == CertificateCheck::AuthorityAndName }))
}

fn read_certificates(parameter: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let place = format!("the {parameter} {} of the database URL", path.display());
    match read {
        Ok(certificates) if certificates.is_empty() => Err(format!("{place} has no certificate in it")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("{place} can't be read: {error}")),
    }
}
