//! The parameters of a PostgreSQL URL, by libpq's names.

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::store::connection_string::UrlParts;

/// Those that Keyfob reads itself, with the variables in which libpq would find them. All
/// other variables are left to libpq.
const VARIABLES: [(&str, &str); 20] = [
    ("channel_binding", "PGCHANNELBINDING"),
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    ("passfile", "PGPASSFILE"),
    ("port", "PGPORT"),
    ("requirepeer", "PGREQUIREPEER"),
    ("service", "PGSERVICE"),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("sslcert", "PGSSLCERT"),
    ("sslcertmode", "PGSSLCERTMODE"),
    ("sslcrl", "PGSSLCRL"),
    ("sslcrldir", "PGSSLCRLDIR"),
    ("sslkey", "PGSSLKEY"),
    ("sslmode", "PGSSLMODE"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslsni", "PGSSLSNI"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
];

/// Names with their values. Some are secret, so it is never shown.
pub(super) struct UrlParameters(Vec<(String, Zeroizing<String>)>);

impl UrlParameters {
    /// Those of a URL, and of the environment where the URL has none.
    pub(super) fn read(url: &UrlParts<'_>, variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut found = Self(Vec::new());
        found.set_given("user", url.user);
        found.set_given("password", url.password);
        let (hosts, database) = url.server.split_once('/').unwrap_or((url.server, ""));
        found.set_given("dbname", Some(database));
        if !hosts.is_empty() {
            let (hosts, ports): (Vec<_>, Vec<_>) = hosts.split(',').map(host_and_port).unzip();
            found.set("host", &hosts.join(","));
            found.set_given("port", Some(&*ports.join(",")).filter(|ports| ports.chars().any(|c| c != ',')));
        }
        for (name, value) in url.parameters.unwrap_or_default().split('&').filter_map(|part| part.split_once('=')) {
            // libpq takes this from URLs of Java programs.
            let (name, value) = if (name, value) == ("ssl", "true") { ("sslmode", "require") } else { (name, value) };
            found.set(name, value);
        }
        for (name, variable_name) in VARIABLES {
            if let Some(value) = variable(variable_name).filter(|value| found.get(name).is_none() && !value.is_empty())
            {
                found.0.push((name.to_owned(), Zeroizing::new(value)));
            }
        }
        found
    }

    fn set_given(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.set(name, value);
        }
    }

    fn set(&mut self, name: &str, encoded: &str) {
        let value = Zeroizing::new(percent_decode_str(encoded).decode_utf8_lossy().into_owned());
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value));
    }

    /// The value of a parameter; an empty one is as good as none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All that libpq is to have, as it reads connection strings.
    pub(super) fn for_libpq(&self, is_for_libpq: impl Fn(&str) -> bool) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for (name, value) in self.0.iter().filter(|(name, _)| is_for_libpq(name)) {
            push_setting(&mut text, name, value);
        }
        text
    }
}

/// Appends `name='value'` to a connection string of libpq.
pub(super) fn push_setting(text: &mut Zeroizing<String>, name: &str, value: &str) {
    text.push_str(name);
    text.push_str("='");
    for c in value.chars() {
        if matches!(c, '\'' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push_str("' ");
}

/// What stands before the colon of a host, and behind it.
fn host_and_port(text: &str) -> (&str, &str) {
    if let Some((host, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, after.strip_prefix(':').unwrap_or_default());
    }
    text.split_once(':').unwrap_or((text, ""))
}
