//! What a PostgreSQL URL leads to.

use zeroize::Zeroizing;

use super::host::DatabaseHost;
use super::parameters::{UrlParameters, push_setting};
use super::passfile::PasswordFile;
use super::socket_limits::SocketLimits;
use super::tls_rules::TlsRules;
use crate::store::connection_string::ConnectionString;

/// The servers of a URL, and how to connect to them.
pub(in crate::store) struct PostgresTarget {
    pub(super) hosts: Vec<DatabaseHost>,
    pub(super) tls: TlsRules,
    pub(super) limits: SocketLimits,
    /// Whether the hosts are tried in a random order.
    pub(super) is_shuffled: bool,
    /// Everything that is the same for each host, for libpq.
    shared: Zeroizing<String>,
    required_peer: Option<String>,
    password_file: Option<PasswordFile>,
}

/// A way to a server for libpq.
pub(super) enum HostAccess<'a> {
    /// libpq connects by itself, to this address if the host has several.
    Direct(Option<&'a str>),
    /// Through the relay that listens in this place.
    Relay(&'a str),
}

impl PostgresTarget {
    /// Reads a URL, and libpq's variables for what it leaves open.
    ///
    /// # Errors
    /// A sentence that says what to change, and holds no secret.
    pub(in crate::store) fn read(url: &ConnectionString) -> Result<Self, String> {
        Self::read_with(url, |name| std::env::var(name).ok())
    }

    fn read_with(url: &ConnectionString, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let parameters = UrlParameters::read(&url.parts(), &variable);
        let hosts = DatabaseHost::list(&parameters)?;
        let attributes = parameters.get("target_session_attrs").unwrap_or("any");
        if !["any", "read-write", "primary"].contains(&attributes) {
            return Err("the database URL asks for a standby, which lacks the last changes; \
                        write target_session_attrs=read-write"
                .to_owned());
        }
        let mut shared = parameters.for_libpq(is_for_libpq);
        SocketLimits::push_defaults(&parameters, &mut shared);
        Ok(Self {
            tls: TlsRules::read(&parameters)?,
            limits: SocketLimits::read(&parameters)?,
            is_shuffled: parameters.get("load_balance_hosts") == Some("random"),
            password_file: PasswordFile::of(&parameters, &variable),
            required_peer: parameters.get("requirepeer").map(str::to_owned),
            hosts,
            shared,
        })
    }

    /// The connection string of libpq for one host. TLS and its parameters are none of
    /// libpq's business.
    pub(super) fn connection_string(&self, host: &DatabaseHost, way: &HostAccess<'_>) -> Zeroizing<String> {
        let mut text = self.shared.clone();
        let (name, address, peer) = match way {
            HostAccess::Direct(address) => (&*host.name, *address, self.required_peer.as_deref()),
            // The peer of the relay's socket is this process.
            HostAccess::Relay(place) => (*place, None, Some("")),
        };
        let port = host.port.to_string();
        let own = [("host", Some(name).filter(|name| !name.is_empty())), ("hostaddr", address), ("requirepeer", peer)];
        let always = [("port", Some(&*port)), ("sslmode", Some("disable")), ("channel_binding", Some("disable"))];
        let shown = [("fallback_application_name", Some("keyfob"))];
        if let (HostAccess::Relay(_), Some(file)) = (way, &self.password_file) {
            let password = file.find(&host.to_string(), host.port);
            password.iter().for_each(|password| push_setting(&mut text, "password", password));
        }
        for (name, value) in own.into_iter().chain(always).chain(shown) {
            if let Some(value) = value {
                push_setting(&mut text, name, value);
            }
        }
        text
    }
}

fn is_for_libpq(name: &str) -> bool {
    let is_ours = ["host", "hostaddr", "port", "requirepeer", "channel_binding", "load_balance_hosts"].contains(&name);
    !is_ours && !name.starts_with("ssl")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::connection_string::postgres;
    use crate::store::postgres::tls_rules::{Authorities, CertificateCheck, TlsMode};

    fn read(url: &str) -> Result<PostgresTarget, String> {
        PostgresTarget::read_with(&postgres(url).unwrap(), |_| None)
    }

    fn mode(url: &str) -> (TlsMode, CertificateCheck) {
        let tls = read(url).unwrap().tls;
        (tls.mode, tls.check())
    }

    fn hosts(url: &str) -> Vec<String> {
        let target = read(url).unwrap();
        let socket = |host: &DatabaseHost| if host.is_local_socket() { " (socket)" } else { "" };
        target.hosts.iter().map(|host| format!("{host}:{}{}", host.port, socket(host))).collect()
    }

    fn libpq_gets(url: &str) -> String {
        let target = read(url).unwrap();
        target.connection_string(&target.hosts[0], &HostAccess::Direct(Some("192.0.2.1"))).to_string()
    }

    #[test]
    fn hosts_are_read_as_libpq_reads_them() {
        assert_eq!(hosts("postgres://db/k"), ["db:5432"]);
        assert_eq!(hosts("postgres://u:p@a:5433,[::1]:5434,b/k"), ["a:5433", "::1:5434", "b:5432"]);
        assert_eq!(hosts("postgres://a,b:6432/k?port=7000"), ["a:7000", "b:7000"]);
        assert_eq!(hosts("postgres:///k"), ["the local socket:5432 (socket)"]);
        assert_eq!(hosts("postgres://%2Frun%2Fpg:5433/k"), ["/run/pg:5433 (socket)"]);
        assert_eq!(hosts("postgres:///k?host=/run/pg,db"), ["/run/pg:5432 (socket)", "db:5432"]);
        assert_eq!(hosts("postgres:///k?hostaddr=192.0.2.1"), ["192.0.2.1:5432"]);
        for wrong in ["a:0/k", "a:99999/k", "a,b,c/k?port=1,2", "a,b/k?hostaddr=192.0.2.1", "a/k?hostaddr=b"] {
            assert!(read(&format!("postgres://{wrong}")).is_err(), "{wrong}");
        }
        let url = postgres("postgres:///k").unwrap();
        let target = PostgresTarget::read_with(&url, |name| (name == "PGHOST").then(|| "db".to_owned())).unwrap();
        assert_eq!(target.hosts[0].name, "db");
    }

    #[test]
    fn the_mode_is_prefer_and_decides_on_what_is_checked() {
        let (nothing, authority) = (CertificateCheck::Nothing, CertificateCheck::Authority);
        assert_eq!(mode("postgres://db/k"), (TlsMode::Prefer, nothing));
        assert_eq!(mode("postgres://db/k?sslmode=require"), (TlsMode::Require, nothing));
        assert_eq!(mode("postgres://db/k?ssl=true"), (TlsMode::Require, nothing));
        assert_eq!(mode("postgres://db/k?sslmode=require&sslrootcert=ca.pem"), (TlsMode::Require, authority));
        assert_eq!(mode("postgres://db/k?sslmode=verify-ca&sslrootcert=ca.pem"), (TlsMode::VerifyCa, authority));
        let full = (TlsMode::VerifyFull, CertificateCheck::AuthorityAndName);
        assert_eq!(mode("postgres://db/k?sslmode=verify-full&sslrootcert=ca.pem"), full);
        assert_eq!(mode("postgres://db/k?sslrootcert=system"), full);
        let authorities = read("postgres://db/k?sslmode=verify-ca&sslrootcert=/a%20b.pem").unwrap().tls.authorities;
        assert_eq!(authorities, Some(Authorities::File("/a b.pem".into())));
    }

    #[test]
    fn what_can_not_be_done_is_refused_with_what_to_change() {
        for (parameters, sentence) in [
            ("sslmode=verify-full", "add sslrootcert=FILE"),
            ("sslmode=required", "unknown sslmode"),
            ("sslmode=require&sslrootcert=system", "write sslmode=verify-full"),
            ("channel_binding=require", "channel_binding=require, which Keyfob does not do"),
            ("sslcrl=a.crl", "sslcrl, which Keyfob does not do"),
            ("sslmode=require&sslpassword=hunter2", "openssl pkey"),
            ("sslcert=a.pem", "add sslkey=FILE"),
            ("sslnegotiation=direct", "needs sslmode=require"),
            ("ssl_max_protocol_version=TLSv1.1", "TLSv1.2 and TLSv1.3"),
            ("target_session_attrs=prefer-standby", "write target_session_attrs=read-write"),
            ("service=keys", "write the server in the URL"),
            ("connect_timeout=soon", "connect_timeout that is no number"),
        ] {
            let refused = read(&format!("postgres://me:hunter2@db/k?{parameters}")).err().unwrap();
            assert!(refused.contains(sentence) && !refused.contains("hunter2"), "{parameters}: {refused}");
        }
    }

    #[test]
    fn libpq_gets_one_host_with_limits_and_the_url_has_the_last_word() {
        let limits = "tcp_user_timeout='3000' keepalives_idle='2' keepalives_interval='1' keepalives_count='2'";
        let own = "hostaddr='192.0.2.1' port='5432' sslmode='disable' channel_binding='disable' fallback_application_name='keyfob' ";
        assert_eq!(
            libpq_gets("postgres://me:p%27%5Cq@db,other/k?sslmode=require&connect_timeout=9"),
            format!("user='me' password='p\\'\\\\q' dbname='k' connect_timeout='9' {limits} host='db' {own}")
        );
        assert_eq!(libpq_gets("postgres://db"), format!("connect_timeout='2' {limits} host='db' {own}"));
    }
}
