//! The URL of the database. Its scheme decides on the backend; anything unknown is an error.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A database's address.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// One file: `sqlite:keyfob.db`, `sqlite:///var/lib/keyfob/keyfob.db`.
    Sqlite(PathBuf),
    /// A server: `postgres://user:password@host/database`, as libpq reads it.
    Postgres(String),
}

impl DatabaseUrl {
    /// The file, where the database is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return postgres(text);
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
        match path {
            Some("" | ":memory:") => {
                Err("the database URL names no file; write for example sqlite:keyfob.db".to_owned())
            }
            Some(path) => Ok(Self::Sqlite(path.into())),
            None => Err(format!(
                "the database URL {:?} has a scheme that Keyfob does not know; \
                 write sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE",
                scheme(text)
            )),
        }
    }
}

/// The part of an unknown URL that is safe to show: the rest may hold a password.
fn scheme(text: &str) -> String {
    text.split_once(':').map_or_else(|| "without a scheme".to_owned(), |(scheme, _)| format!("{scheme}:…"))
}

/// Refuses a URL that demands TLS if this build has none: the error of a libpq
/// without OpenSSL does not say how to get it.
fn postgres(text: &str) -> Result<DatabaseUrl, String> {
    let demanded = ["require", "verify-ca", "verify-full"]
        .into_iter()
        .find(|mode| text.split(['?', '&']).any(|part| part == format!("sslmode={mode}")));
    match demanded {
        Some(mode) if cfg!(not(feature = "pg-tls")) => Err(format!(
            "the database URL asks for TLS (sslmode={mode}), which this build of Keyfob can't speak; \
             build it with: cargo build --release --features pg-tls (needs OpenSSL's headers)"
        )),
        _ => Ok(DatabaseUrl::Postgres(text.to_owned())),
    }
}

/// Time limits that libpq does not set by itself: it would wait minutes for a
/// server that the network has lost. In seconds; `tcp_user_timeout` in
/// milliseconds. Parameters of the URL take precedence.
const DEFAULT_LIMITS: [(&str, &str); 5] = [
    ("connect_timeout", "2"),
    ("tcp_user_timeout", "3000"),
    ("keepalives_idle", "2"),
    ("keepalives_interval", "1"),
    ("keepalives_count", "2"),
];

/// Adds the default limits to a URL for libpq.
pub(super) fn with_limits(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in DEFAULT_LIMITS {
        if !url.split(['?', '&']).skip(1).any(|part| part.split('=').next() == Some(name)) {
            let separator = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{separator}{name}={value}"));
        }
    }
    url
}

/// Without the password, for logs and messages.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_secrets(url)),
        }
    }
}

fn without_secrets(url: &str) -> String {
    let bare = url.split('?').next().unwrap_or(url);
    let Some((scheme, rest)) = bare.split_once("://") else { return "postgres://…".to_owned() };
    let Some((credentials, host)) = rest.rsplit_once('@') else { return bare.to_owned() };
    let user = credentials.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}@{host}")
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DatabaseUrl, String> {
        text.parse()
    }

    #[test]
    fn the_scheme_decides_which_database_it_is() {
        assert_eq!(parse("sqlite:keyfob.db"), Ok(DatabaseUrl::Sqlite("keyfob.db".into())));
        assert_eq!(parse("sqlite:///var/k.db"), Ok(DatabaseUrl::Sqlite("/var/k.db".into())));
        assert!(matches!(parse("postgresql://localhost/k"), Ok(DatabaseUrl::Postgres(_))));
    }

    #[test]
    fn anything_else_is_an_error_and_never_a_new_file() {
        for text in
            ["", "keyfob.db", "mysql://root:hunter2@db/k", "host=localhost dbname=k", "sqlite:", "sqlite::memory:"]
        {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://me:hunter2@db:5432/k?password=hunter2",
            "postgres://me:hun@ter2@db/k",
            "postgres:///k?password=hunter2",
        ] {
            let url = parse(text).unwrap();
            let shown = format!("{url} {url:?}");
            assert!(!shown.contains("hun"), "{shown}");
        }
    }

    #[test]
    fn libpq_gets_limits_and_the_url_has_the_last_word() {
        let limits = "tcp_user_timeout=3000&keepalives_idle=2&keepalives_interval=1&keepalives_count=2";
        assert_eq!(with_limits("postgres://db/k"), format!("postgres://db/k?connect_timeout=2&{limits}"));
        assert_eq!(
            with_limits("postgres://db/k?connect_timeout=9&sslmode=prefer"),
            format!("postgres://db/k?connect_timeout=9&sslmode=prefer&{limits}")
        );
    }

    #[cfg(not(feature = "pg-tls"))]
    #[test]
    fn a_url_that_demands_tls_is_refused_with_the_feature_that_helps() {
        assert!(parse("postgres://db/k?sslmode=require").unwrap_err().contains("--features pg-tls"));
        assert!(parse("postgres://db/k?connect_timeout=3&sslmode=verify-full").is_err());
        assert!(parse("postgres://db/k?sslmode=prefer").is_ok());
    }
}
