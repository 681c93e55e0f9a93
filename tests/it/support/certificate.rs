//! Certificates that vouch for themselves.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// A certificate and its key, in files for as long as the test needs them.
pub struct Certificate {
    folder: TempDir,
}

impl Certificate {
    /// For a server with this name.
    pub fn of(name: &str) -> Self {
        let certificate = Self { folder: TempDir::new().unwrap() };
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        fs::write(certificate.key(), made.signing_key.serialize_pem()).unwrap();
        fs::write(certificate.path(), made.cert.pem()).unwrap();
        certificate
    }

    /// What is shown, and trusted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// What proves it.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }
}
