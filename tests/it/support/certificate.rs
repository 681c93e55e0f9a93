//! Certificates that vouch for themselves, or that an authority signs.

use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// A certificate and its key, in files for as long as the test needs them.
pub struct Certificate {
    folder: TempDir,
}

/// Signs certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Certificate {
    /// For a server with this name.
    pub fn of(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self::write(&made.cert.pem(), &made.signing_key)
    }

    /// One that calls itself an authority, as `openssl req -x509` makes it.
    pub fn of_openssl(name: &str) -> Self {
        let (mut params, key) = (CertificateParams::new([name.to_owned()]).unwrap(), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self::write(&params.self_signed(&key).unwrap().pem(), &key)
    }

    fn write(pem: &str, key: &KeyPair) -> Self {
        let certificate = Self { folder: TempDir::new().unwrap() };
        fs::write(certificate.key(), key.serialize_pem()).unwrap();
        fs::write(certificate.path(), pem).unwrap();
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

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self { issuer, folder: TempDir::new().unwrap() };
        fs::write(authority.path(), authority.issuer.pem()).unwrap();
        authority
    }

    /// For a server with this name.
    pub fn sign(&self, name: &str) -> Certificate {
        self.sign_until(name, 4096)
    }

    /// For a server with this name, up to the end of a year.
    pub fn sign_until(&self, name: &str, year: i32) -> Certificate {
        let (mut params, key) = (CertificateParams::new([name.to_owned()]).unwrap(), KeyPair::generate().unwrap());
        params.not_after = rcgen::date_time_ymd(year, 12, 31);
        Certificate::write(&params.signed_by(&key, &self.issuer).unwrap().pem(), &key)
    }

    /// Its own certificate.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}
