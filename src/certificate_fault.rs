//! What is wrong with the certificate of a server, in words.

use std::fmt;

use tokio_rustls::rustls::{self, CertificateError, OtherError};

/// The end of a sentence that begins with "the certificate of …".
#[derive(Debug, PartialEq, Eq)]
pub struct CertificateFault {
    words: String,
    /// Whether its issuer is unknown here, as a private authority is that browsers may know.
    pub is_of_issuer: bool,
}

impl CertificateFault {
    /// `None` if the connection failed for another reason.
    #[must_use]
    pub fn of(error: &rustls::Error) -> Option<Self> {
        match error {
            rustls::Error::InvalidCertificate(problem) => Some(Self::of_certificate(problem)),
            _ => None,
        }
    }

    fn of_certificate(problem: &CertificateError) -> Self {
        let of_issuer = |words: &str| Self { words: words.to_owned(), is_of_issuer: true };
        let other = |words: String| Self { words, is_of_issuer: false };
        match problem {
            // The latter where the authority that is known only has the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                of_issuer("is signed by no public authority")
            }
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                other("has no names (subjectAltName)".to_owned())
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
                other(format!("is for {}", names.join(", ")))
            }
            CertificateError::NotValidForName => other("is for another host".to_owned()),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => other("has expired".to_owned()),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                other("is not valid yet; look at the clock of this machine".to_owned())
            }
            CertificateError::Other(OtherError(cause)) => match cause.downcast_ref() {
                // `openssl req -x509` makes a certificate that calls itself an authority.
                Some(webpki::Error::CaUsedAsEndEntity) => of_issuer("is self-signed"),
                Some(webpki::Error::UnsupportedCertVersion) => {
                    other("is of an old version that browsers refuse; make one of X.509 version 3".to_owned())
                }
                _ => other(format!("is not valid: {problem}")),
            },
            _ => other(format!("is not valid: {problem}")),
        }
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// A name without the kind of name that the library writes around it: `DnsName("db")`.
fn bare(name: &str) -> &str {
    name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')')).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_rustls::rustls::pki_types::ServerName;

    use super::*;

    fn of_name(presented: &[&str]) -> CertificateError {
        CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("keys.example.com").unwrap(),
            presented: presented.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    fn of_webpki(cause: webpki::Error) -> CertificateError {
        CertificateError::Other(OtherError(Arc::new(cause)))
    }

    #[test]
    fn a_fault_is_told_in_words_and_only_an_authority_may_be_ones_own() {
        for (problem, words, is_of_issuer) in [
            (CertificateError::UnknownIssuer, "is signed by no public authority", true),
            (of_webpki(webpki::Error::CaUsedAsEndEntity), "is self-signed", true),
            (CertificateError::Expired, "has expired", false),
            (CertificateError::NotValidYet, "is not valid yet; look at the clock of this machine", false),
            (
                of_name(&["DnsName(\"other.example\")", "IpAddress(192.0.2.1)"]),
                "is for other.example, 192.0.2.1",
                false,
            ),
            (of_name(&[]), "has no names (subjectAltName)", false),
            (
                of_webpki(webpki::Error::UnsupportedCertVersion),
                "is of an old version that browsers refuse; make one of X.509 version 3",
                false,
            ),
        ] {
            let fault = CertificateFault { words: words.to_owned(), is_of_issuer };
            assert_eq!(CertificateFault::of(&rustls::Error::InvalidCertificate(problem)), Some(fault));
        }
        assert_eq!(CertificateFault::of(&rustls::Error::DecryptError), None);
    }
}
