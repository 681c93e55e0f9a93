//! What a PostgreSQL URL says about TLS, with the meaning that libpq gives it
//! (PostgreSQL's manual, §34.19). What Keyfob does not do is refused, and never left out.

use std::path::PathBuf;

use super::parameters::UrlParameters;

/// `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TlsMode {
    Disable,
    /// Without TLS, unless the server refuses that.
    Allow,
    /// With TLS, unless the server has none.
    Prefer,
    /// With TLS. The certificate is checked only if `sslrootcert` names authorities.
    Require,
    VerifyCa,
    VerifyFull,
}

impl TlsMode {
    const NAMES: [(&str, Self); 6] = [
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }
}

/// `sslrootcert`: whose signature makes a certificate good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authorities {
    /// `system`: those that browsers trust. They are built in, as for carriers, since an image
    /// with nothing but Keyfob has no list of the system's.
    Public,
    /// Those in a file.
    File(PathBuf),
}

/// How much of the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CertificateCheck {
    /// Nothing: this keeps out those who listen, and not those who answer in the server's place.
    Nothing,
    /// Who signed it.
    Authority,
    /// Who signed it, and that it is for this host.
    AuthorityAndName,
}

/// TLS as the URL asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsRules {
    pub(super) mode: TlsMode,
    pub(super) authorities: Option<Authorities>,
    /// The client's own certificate and its key.
    pub(super) client: Option<(PathBuf, PathBuf)>,
    /// Whether the host is named in the handshake.
    pub(super) names_host: bool,
    /// Whether the handshake comes first, without asking for it.
    pub(super) is_direct: bool,
    pub(super) allows_1_2: bool,
    pub(super) allows_1_3: bool,
}

impl TlsRules {
    /// Those of a URL.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub(super) fn read(parameters: &UrlParameters) -> Result<Self, String> {
        refuse_what_is_not_done(parameters)?;
        let authorities = parameters.get("sslrootcert").map(|file| match file {
            "system" => Authorities::Public,
            file => Authorities::File(file.into()),
        });
        let mode = match parameters.get("sslmode") {
            None if authorities == Some(Authorities::Public) => TlsMode::VerifyFull,
            None => TlsMode::Prefer,
            Some(text) => TlsMode::NAMES.iter().find(|(name, _)| *name == text).map(|(_, mode)| *mode).ok_or(
                "the database URL has an unknown sslmode; \
                 write disable, allow, prefer, require, verify-ca or verify-full",
            )?,
        };
        let name = mode.name();
        if authorities == Some(Authorities::Public) && mode != TlsMode::VerifyFull {
            // Anybody can get a certificate of a public authority, for a host of their own.
            return Err(format!(
                "the database URL has sslrootcert=system, which is worth nothing with sslmode={name}; \
                 write sslmode=verify-full"
            ));
        }
        if authorities.is_none() && mode >= TlsMode::VerifyCa {
            return Err(format!(
                "the database URL has sslmode={name}, but does not say whose signature to trust; add \
                 sslrootcert=FILE with your authority's certificate, or sslrootcert=system for a public one"
            ));
        }
        let is_direct = match parameters.get("sslnegotiation") {
            None | Some("postgres") => false,
            Some("direct") if mode >= TlsMode::Require => true,
            Some(_) => {
                return Err(
                    "the database URL has an sslnegotiation that needs sslmode=require or a stricter one".into()
                );
            }
        };
        let (allows_1_2, allows_1_3) = versions(parameters)?;
        let names_host = parameters.get("sslsni") != Some("0");
        Ok(Self { mode, authorities, client: client(parameters)?, names_host, is_direct, allows_1_2, allows_1_3 })
    }

    pub(super) const fn check(&self) -> CertificateCheck {
        match (self.mode, &self.authorities) {
            (TlsMode::VerifyFull, _) => CertificateCheck::AuthorityAndName,
            (TlsMode::VerifyCa, _) | (TlsMode::Require, Some(_)) => CertificateCheck::Authority,
            _ => CertificateCheck::Nothing,
        }
    }
}

fn refuse_what_is_not_done(parameters: &UrlParameters) -> Result<(), String> {
    let refusals = [
        ("channel_binding", "require", "leave it out: sslmode=verify-full makes sure of the server as well"),
        ("sslcrl", "", "leave it out"),
        ("sslcrldir", "", "leave it out"),
        ("sslpassword", "", "decrypt the key with `openssl pkey` and leave it out"),
        ("sslkeylogfile", "", "leave it out"),
        ("sslcertmode", "require", "leave it out: the certificate in sslcert is shown to every server that asks"),
        ("service", "", "write the server in the URL"),
        ("servicefile", "", "write the server in the URL"),
    ];
    for (name, value, advice) in refusals {
        if parameters.get(name).is_some_and(|given| value.is_empty() || given == value) {
            let shown = if value.is_empty() { name.to_owned() } else { format!("{name}={value}") };
            return Err(format!("the database URL has {shown}, which Keyfob does not do; {advice}"));
        }
    }
    Ok(())
}

fn client(parameters: &UrlParameters) -> Result<Option<(PathBuf, PathBuf)>, String> {
    let certificate = parameters.get("sslcert").filter(|_| parameters.get("sslcertmode") != Some("disable"));
    match (certificate, parameters.get("sslkey")) {
        (Some(certificate), Some(key)) => Ok(Some((certificate.into(), key.into()))),
        (Some(_), None) => Err("the database URL has sslcert without its key; add sslkey=FILE".to_owned()),
        (None, _) => Ok(None),
    }
}

/// Whether TLS 1.2 and 1.3 are allowed. Older ones are no longer spoken by anybody who may choose.
fn versions(parameters: &UrlParameters) -> Result<(bool, bool), String> {
    let allows_1_2 = parameters.get("ssl_min_protocol_version") != Some("TLSv1.3");
    let newest = parameters.get("ssl_max_protocol_version").unwrap_or("TLSv1.3");
    let allows_1_3 = newest == "TLSv1.3";
    if !allows_1_3 && (newest != "TLSv1.2" || !allows_1_2) {
        return Err(
            "the database URL allows no version of TLS that Keyfob speaks, which are TLSv1.2 and TLSv1.3".into()
        );
    }
    Ok((allows_1_2, allows_1_3))
}
