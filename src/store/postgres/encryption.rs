//! Who can read what goes to the database and back, for the log.

use super::host::DatabaseHost;
use super::tls_rules::CertificateCheck;

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    Tls(CertificateCheck),
    /// None, and none is needed: it does not leave this machine.
    Local,
    None,
}

impl Encryption {
    /// Says so in the log.
    pub(super) fn log(self, host: &DatabaseHost) {
        let checked = match self {
            Self::Tls(CertificateCheck::AuthorityAndName) => "its certificate and name are checked",
            Self::Tls(CertificateCheck::Authority) => {
                "its certificate is checked, but not for whom it is (sslmode=verify-full checks that too)"
            }
            Self::Tls(CertificateCheck::Nothing) => {
                "its certificate is not checked (sslmode=verify-full with sslrootcert checks it)"
            }
            Self::Local => {
                tracing::info!("the connection to the database at {host} is not encrypted, and stays on this machine");
                return;
            }
            Self::None => {
                tracing::warn!(
                    "the connection to the database at {host} is NOT ENCRYPTED: who can listen on the network reads what \
                     is in it; turn on TLS at the server and set sslmode=verify-full in --database-url"
                );
                return;
            }
        };
        tracing::info!("the connection to the database at {host} is encrypted; {checked}");
    }
}
