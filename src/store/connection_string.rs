//! The address of a database server, with its password. It is checked before
//! libpq sees it, whose messages about a wrong one repeat parts of the password.

use std::fmt;

use zeroize::Zeroizing;

/// What to write for the characters that have a meaning in a URL.
const ESCAPING_HINT: &str = "in a password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25";

/// libpq's own parameters (PostgreSQL's manual, §34.1.2). A name that is none of
/// them is refused without being shown: it may be a part of a password.
const PARAMETERS: &str = " application_name channel_binding client_encoding connect_timeout dbname \
    fallback_application_name gssdelegation gssencmode gsslib host hostaddr keepalives keepalives_count \
    keepalives_idle keepalives_interval krbsrvname load_balance_hosts max_protocol_version min_protocol_version \
    oauth_client_id oauth_client_secret oauth_issuer oauth_scope options passfile password port replication \
    require_auth requirepeer requiressl scram_client_key scram_server_key service servicefile ssl \
    ssl_max_protocol_version ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey \
    sslkeylogfile sslmode sslnegotiation sslpassword sslrootcert sslsni target_session_attrs tcp_user_timeout user ";

/// A URL that libpq could read. Only its [`parts`](Self::parts) have its secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionString(Zeroizing<String>);

impl ConnectionString {
    /// The URL taken apart. Its password and parameters are secret.
    pub(super) fn parts(&self) -> UrlParts<'_> {
        UrlParts::of(&self.0)
    }
}

/// The scheme, user, server and database: no password, and no parameters, which
/// may have one too.
impl fmt::Display for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = UrlParts::of(&self.0);
        let user = parts.user.map(|user| format!("{user}@")).unwrap_or_default();
        write!(f, "{}://{user}{}", parts.scheme, parts.server)
    }
}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A URL taken apart as libpq does it: the user and password end at the first `@`
/// that comes before a `/`.
pub(super) struct UrlParts<'a> {
    scheme: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) password: Option<&'a str>,
    /// The hosts, ports and the database.
    pub(super) server: &'a str,
    /// What stands behind the `?` that follows the server and the database.
    pub(super) parameters: Option<&'a str>,
}

impl<'a> UrlParts<'a> {
    fn of(url: &'a str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", ""));
        let end = rest.find(['@', '/']).filter(|end| rest[*end..].starts_with('@'));
        let (credentials, rest) = end.map_or((None, rest), |end| (Some(&rest[..end]), &rest[end + 1..]));
        let (user, password) = credentials.map_or((None, None), |text| {
            text.split_once(':').map_or((Some(text), None), |(user, password)| (Some(user), Some(password)))
        });
        let (server, parameters) = rest.split_once('?').map_or((rest, None), |(server, more)| (server, Some(more)));
        Self { scheme, user, password, server, parameters }
    }
}

/// Checks a URL for PostgreSQL.
///
/// # Errors
/// One sentence, which repeats nothing of the URL.
pub(super) fn postgres(text: &str) -> Result<ConnectionString, String> {
    let parts = UrlParts::of(text);
    let wrong = |what: &str| Err(format!("the database URL {what}; {ESCAPING_HINT}"));
    let behind = parts.parameters.unwrap_or_default();
    let pieces = [parts.user.unwrap_or_default(), parts.password.unwrap_or_default(), parts.server, behind];
    if !pieces.into_iter().all(is_percent_encoded) {
        return wrong("has a % that begins no code");
    }
    if parts.server.contains('@') || behind.contains('@') {
        return wrong("has an @ too many");
    }
    if pieces[0].contains(['?', '#']) || !has_ports(parts.server) {
        return wrong("can't be read");
    }
    if !behind.is_empty() && !behind.split('&').all(is_parameter) {
        return wrong("has a parameter that PostgreSQL does not know");
    }
    Ok(ConnectionString(Zeroizing::new(text.to_owned())))
}

fn is_percent_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let code = rest.as_bytes().get(..2);
        code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit) && code != b"00")
    })
}

fn is_parameter(part: &str) -> bool {
    part.split_once('=').is_some_and(|(name, value)| {
        let is_word = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_word && PARAMETERS.contains(&format!(" {name} ")) && !value.contains('=')
    })
}

/// Whether what follows the colon of each host is a port. A password without a host
/// is not one.
fn has_ports(server: &str) -> bool {
    let hosts = server.split('/').next().unwrap_or_default();
    hosts.split(',').all(|host| {
        let after = match host.strip_prefix('[') {
            Some(host) => host.split_once(']').map(|(_, after)| after),
            None => Some(host.find(':').map_or("", |colon| &host[colon..])),
        };
        after.is_some_and(|after| {
            after.is_empty() || after.strip_prefix(':').is_some_and(|port| port.chars().all(|c| c.is_ascii_digit()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libpq_reads_what_is_let_through() {
        for fine in [
            "postgres://db/k",
            "postgres:///k?host=/run/postgresql&user=me",
            "postgres://me:p%40%3A%2F%3F%23%25ss@db:5432/k?sslmode=prefer&connect_timeout=3",
            "postgres://me:p:s?s#@[::1]:5432,[::2],db2:5433/k",
            "postgresql://me@%2Frun%2Fpostgresql/k",
        ] {
            assert!(postgres(fine).is_ok(), "{fine}: {:?}", postgres(fine));
        }
    }

    #[test]
    fn what_it_could_not_read_is_refused_with_what_to_write_instead() {
        for wrong in [
            "postgres://me:s3%cret@db/k",
            "postgres://me:s3cret%@db/k",
            "postgres://me:s3%00cret@db/k",
            "postgres://me:s3@cret@db/k",
            "postgres://me:s3/cret@db/k",
            "postgres://me:12/s3?cret@db/k",
            "postgres://me:12/s3?x=cret@db/k",
            "postgres://me:s3cret",
            "postgres://db?password=s3&cret",
            "postgres://db?password=s3&cret=",
            "postgres://db?password=s3%cret",
            "postgres://db?password=s3=cret",
            "postgres://db?password=s3@cret",
        ] {
            let sentence = postgres(wrong).unwrap_err();
            assert!(sentence.contains("write @ as %40"), "{wrong}: {sentence}");
            assert!(!sentence.contains("s3") && !sentence.contains("cret"), "{wrong}: {sentence}");
        }
    }
}
