//! Why there is no TLS with a database server, in words.

use std::io;

use tokio_rustls::rustls::Error;

use super::host::DatabaseHost;
use super::tls_rules::{Authorities, TlsRules};
use crate::certificate_fault::CertificateFault;

/// Why a handshake failed.
pub(super) fn describe(host: &DatabaseHost, rules: &TlsRules, error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    if let Some(fault) = cause.and_then(CertificateFault::of) {
        return format!("the certificate of {host} {}", of_certificate(rules, &fault));
    }
    match cause {
        Some(Error::AlertReceived(alert)) => format!("{host} broke off the TLS handshake ({alert:?})"),
        Some(cause) => format!("the TLS handshake with {host} failed: {cause}"),
        None => format!("the TLS handshake with {host} failed: {error}"),
    }
}

fn of_certificate(rules: &TlsRules, fault: &CertificateFault) -> String {
    match &rules.authorities {
        Some(Authorities::File(path)) if fault.is_of_issuer => {
            format!("is signed by an authority that is not in {}", path.display())
        }
        _ if fault.is_of_issuer => {
            "is signed by none of the public authorities; name the file of your own in sslrootcert".to_owned()
        }
        _ => fault.to_string(),
    }
}
