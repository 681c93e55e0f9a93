//! Why there is no TLS with a database server, in words.

use std::io;

use tokio_rustls::rustls::{CertificateError, Error};

use super::host::DatabaseHost;
use super::tls_rules::{Authorities, TlsRules};

/// Why a handshake failed.
pub(super) fn describe(host: &DatabaseHost, rules: &TlsRules, error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    match cause {
        Some(Error::InvalidCertificate(problem)) => {
            format!("the certificate of {host} {}", of_certificate(rules, problem))
        }
        Some(Error::AlertReceived(alert)) => format!("{host} broke off the TLS handshake ({alert:?})"),
        Some(cause) => format!("the TLS handshake with {host} failed: {cause}"),
        None => format!("the TLS handshake with {host} failed: {error}"),
    }
}

fn of_certificate(rules: &TlsRules, problem: &CertificateError) -> String {
    match problem {
        // The latter where the authority in the file only has the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => match &rules.authorities {
            Some(Authorities::File(path)) => {
                format!("is signed by an authority that is not in {}", path.display())
            }
            _ => "is signed by none of the public authorities; name the file of your own in sslrootcert".to_owned(),
        },
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "has no names (subjectAltName), so it can't be checked with sslmode=verify-full".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            format!("is for {}", names.join(", "))
        }
        CertificateError::NotValidForName => "is for another host".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; look at the clock of this machine".to_owned()
        }
        other => format!("is not valid: {other}"),
    }
}

/// A name without the kind of name that the library writes around it: `DnsName("db")`.
fn bare(name: &str) -> &str {
    name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')')).trim_matches('"')
}
