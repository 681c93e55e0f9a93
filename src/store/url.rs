//! The URL of the database. Its scheme decides on the backend; anything unknown is an error.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::connection_string::{ConnectionString, postgres};
use super::postgres::PostgresTarget;

/// A database's address. It is shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// One file: `sqlite:keyfob.db`, `sqlite:///var/lib/keyfob/keyfob.db`.
    Sqlite(PathBuf),
    /// A server: `postgres://user:password@host/database`, as libpq reads it.
    Postgres(ConnectionString),
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
        if text.trim() != text {
            return Err("the database URL begins or ends with a space; leave it out".to_owned());
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let url = postgres(text)?;
            // What can't be done is told together with other wrong settings.
            return PostgresTarget::read(&url).map(|_| Self::Postgres(url));
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
        path.map_or_else(|| Err(unknown_scheme(text)), |path| sqlite(path).map(Self::Sqlite))
    }
}

/// The path of a file. What other programs read as parameters or as a URI would be
/// a part of the file's name here, and an empty database of that name would be made.
fn sqlite(path: &str) -> Result<PathBuf, String> {
    let example = "write for example sqlite:keyfob.db or sqlite:/var/lib/keyfob/keyfob.db";
    match path {
        "" | ":memory:" => Err(format!("the database URL names no file; {example}")),
        _ if path.trim() != path => Err(format!("the database URL has a space before the file's name; {example}")),
        _ if path.contains('?') => {
            Err(format!("the database URL has a \"?\", but Keyfob takes no parameters for SQLite; {example}"))
        }
        _ if path.starts_with("file:") => Err(format!(
            "the database URL has \"file:\" before the file's name, which does not belong there; {example}"
        )),
        _ if path.starts_with("//") => Ok(format!("/{}", path.trim_start_matches('/')).into()),
        _ => Ok(path.into()),
    }
}

/// Only the scheme of an unknown URL is safe to show: the rest may hold a password, and so
/// may what stands before a colon in a text that is no URL.
fn unknown_scheme(text: &str) -> String {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| is_scheme(scheme));
    let problem = scheme.map_or_else(
        || "the database URL begins with no scheme".to_owned(),
        |scheme| format!("the database URL begins with \"{scheme}:\", which Keyfob does not know"),
    );
    format!("{problem}; write sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE")
}

/// Whether it is one word of letters, as schemes of databases are.
fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic() || c == '+')
}

/// Without the password, for logs and messages.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => fmt::Display::fmt(url, f),
        }
    }
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
        for text in [
            "",
            "keyfob.db",
            "mysql://root:hunter2@db/k",
            "host=localhost dbname=k password=hunter2:",
            "hunter2:postgres",
            "sqlite:",
            "sqlite::memory:",
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_name_of_a_file_is_no_place_for_parameters() {
        for (text, words) in [
            ("sqlite:keyfob.db?mode=rwc", "takes no parameters"),
            ("sqlite:///k.db?cache=shared", "takes no parameters"),
            ("sqlite:file:keyfob.db", "does not belong there"),
            ("sqlite:file:///k.db", "does not belong there"),
            (" sqlite:keyfob.db", "space"),
            ("sqlite:keyfob.db\n", "space"),
            ("sqlite: keyfob.db", "space"),
            (" postgres://me:hunter2@db/k", "space"),
        ] {
            let sentence = parse(text).unwrap_err();
            assert!(sentence.contains(words) && !sentence.contains("hunter2"), "{text}: {sentence}");
        }
        assert_eq!(parse("sqlite:my keys.db"), Ok(DatabaseUrl::Sqlite("my keys.db".into())));
        assert_eq!(parse("sqlite:////abs/k.db"), Ok(DatabaseUrl::Sqlite("/abs/k.db".into())));
        assert_eq!(parse("sqlite://///abs/k.db"), Ok(DatabaseUrl::Sqlite("/abs/k.db".into())));
    }

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://me:hunter2@db:5432/k?password=hunter2",
            "postgres://me:hun%40ter2@db/k",
            "postgres://me:hun?ter2@db/k",
            "postgres:///k?password=hunter2",
        ] {
            let url = parse(text).unwrap();
            let shown = format!("{url} {url:?}");
            assert!(!shown.contains("hun"), "{shown}");
        }
    }
}
