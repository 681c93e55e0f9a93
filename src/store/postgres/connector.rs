//! Opens connections to PostgreSQL: tries the servers of the URL one after the other, with and
//! without TLS as it says, and passes over standbys.

use std::net::SocketAddr;

use diesel::connection::{CacheSize, SimpleConnection};
use diesel::prelude::*;
use diesel::r2d2::Error;
use parking_lot::Mutex;
use rand::seq::SliceRandom;
use tokio_rustls::TlsConnector;

use super::dial::{Dial, DialFailure};
use super::encryption::Encryption;
use super::host::DatabaseHost;
use super::relay;
use super::target::{HostAccess, PostgresTarget};
use super::tls_client::tls_client;
use super::tls_rules::TlsMode;

/// The lock timeout is shorter than the pool's checkout timeout, so that one lock
/// that is held for long does not starve the pool.
const SETUP: &str =
    "SET statement_timeout='10s'; SET lock_timeout='2s'; SET idle_in_transaction_session_timeout='30s';";
/// A standby answers with what its primary wrote some time ago, so that a key which
/// was switched off would be let in.
const REFUSE_STANDBY: &str = "DO $$ BEGIN IF pg_is_in_recovery() THEN \
    RAISE EXCEPTION 'this server is a standby, which only repeats what its primary writes'; END IF; END $$";

/// Opens connections to the servers of one URL.
pub(in crate::store) struct PostgresConnector {
    target: PostgresTarget,
    client: Option<TlsConnector>,
    /// Whether a pooler hands each transaction to another session.
    is_pooled: bool,
    last: Mutex<Option<(DatabaseHost, Encryption)>>,
}

impl PostgresConnector {
    /// Reads the files of certificates that the URL names.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub(in crate::store) fn new(target: PostgresTarget, is_pooled: bool) -> Result<Self, String> {
        let is_remote = |host: &DatabaseHost| !host.is_local_socket();
        let may_use_tls = target.tls.mode != TlsMode::Disable && target.hosts.iter().any(is_remote);
        let client = may_use_tls.then(|| tls_client(&target.tls)).transpose()?;
        Ok(Self { target, client, is_pooled, last: Mutex::default() })
    }

    /// Whether no state of a session may be relied on.
    pub(in crate::store) const fn is_pooled(&self) -> bool {
        self.is_pooled
    }

    /// Connects to the first server that answers and is no standby.
    ///
    /// # Errors
    /// Why each of them could not be used.
    pub(in crate::store) fn connect(&self) -> Result<PgConnection, Error> {
        let mut hosts: Vec<&DatabaseHost> = self.target.hosts.iter().collect();
        if self.target.is_shuffled {
            hosts.shuffle(&mut rand::rng());
        }
        let mut failures = Vec::new();
        for host in hosts {
            match self.connect_to_host(host) {
                Ok((conn, encryption)) => {
                    self.note(host, encryption);
                    return Ok(conn);
                }
                Err(mut of_host) => failures.append(&mut of_host),
            }
        }
        // libpq's other lines only explain the first one.
        let causes: Vec<&str> = failures.iter().filter_map(|failure| failure.lines().next()).collect();
        Err(bad_connection(causes.join("; ")))
    }

    /// Says in the log whether the last connection is encrypted.
    pub(in crate::store) fn log_encryption(&self) {
        if let Some((host, encryption)) = &*self.last.lock() {
            encryption.log(host);
        }
    }

    /// Logs a change: of several servers another one may have no TLS.
    fn note(&self, host: &DatabaseHost, encryption: Encryption) {
        let now = Some((host.clone(), encryption));
        let before = std::mem::replace(&mut *self.last.lock(), now.clone());
        if before.is_some() && before != now {
            encryption.log(host);
        }
    }

    /// Tries the addresses of a host.
    fn connect_to_host(&self, host: &DatabaseHost) -> Result<(PgConnection, Encryption), Vec<String>> {
        if host.is_local_socket() {
            let conn = self.establish(host, &HostAccess::Direct(None)).map_err(|failure| vec![failure])?;
            return Ok((conn, Encryption::Local));
        }
        let mut failures = Vec::new();
        for address in host.addresses().map_err(|failure| vec![failure])? {
            match self.connect_to(host, address) {
                Ok(connected) => return Ok(connected),
                Err(failure) => failures.push(failure),
            }
        }
        // A name such as localhost has addresses at which nobody listens.
        let is_absence = |failure: &String| failure.contains("onnection refused");
        if !failures.iter().all(is_absence) {
            failures.retain(|failure| !is_absence(failure));
        }
        Err(failures)
    }

    fn connect_to(&self, host: &DatabaseHost, address: SocketAddr) -> Result<(PgConnection, Encryption), String> {
        let plainly = || {
            let encryption = if address.ip().is_loopback() { Encryption::Local } else { Encryption::None };
            let ip = address.ip().to_string();
            let connected = self.establish(host, &HostAccess::Direct(Some(&ip))).map(|conn| (conn, encryption));
            connected.map_err(|failure| named(&failure, &format!("at \"{ip}\", port {}", host.port), host, address))
        };
        let Some(client) = &self.client else { return plainly() };
        match self.target.tls.mode {
            TlsMode::Disable => plainly(),
            TlsMode::Allow => match plainly() {
                Err(failure) if is_refusal(&failure) => self.encrypted(host, address, client).map_err(sentence),
                result => result,
            },
            TlsMode::Prefer => match self.encrypted(host, address, client) {
                Err(DialFailure::NoTls(_)) => plainly(),
                Err(DialFailure::Unreachable(failure)) if is_refusal(&failure) => plainly(),
                result => result.map_err(sentence),
            },
            _ => self.encrypted(host, address, client).map_err(sentence),
        }
    }

    fn encrypted(
        &self,
        host: &DatabaseHost,
        address: SocketAddr,
        client: &TlsConnector,
    ) -> Result<(PgConnection, Encryption), DialFailure> {
        let dial = Dial {
            host: host.clone(),
            address,
            client: client.clone(),
            rules: self.target.tls.clone(),
            limits: self.target.limits.clone(),
        };
        let place = relay::open(dial)?;
        let conn = self.establish(host, &HostAccess::Relay(&place)).map_err(|failure| {
            let socket = format!("on socket \"{place}/.s.PGSQL.{}\"", host.port);
            DialFailure::Unreachable(named(&failure, &socket, host, address))
        })?;
        Ok((conn, Encryption::Tls(self.target.tls.check())))
    }

    fn establish(&self, host: &DatabaseHost, way: &HostAccess<'_>) -> Result<PgConnection, String> {
        let url = self.target.connection_string(host, way);
        let mut conn = PgConnection::establish(&url).map_err(|error| error.to_string())?;
        if self.is_pooled {
            // A statement that was prepared in one session does not exist in the next one.
            conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        } else {
            conn.batch_execute(SETUP).map_err(|error| error.to_string())?;
        }
        conn.batch_execute(REFUSE_STANDBY).map_err(|error| error.to_string())?;
        Ok(conn)
    }
}

/// Names the host where libpq names a place that means nothing to people.
fn named(failure: &str, place: &str, host: &DatabaseHost, address: SocketAddr) -> String {
    failure.replace(place, &format!("at \"{host}\" ({}), port {}", address.ip(), address.port()))
}

fn sentence(failure: DialFailure) -> String {
    match failure {
        DialFailure::NoTls(sentence) | DialFailure::Unreachable(sentence) => sentence,
    }
}

/// Whether the server takes this client only the other way, encrypted or not.
fn is_refusal(failure: &str) -> bool {
    failure.contains("pg_hba.conf")
}

fn bad_connection(failure: String) -> Error {
    Error::ConnectionError(ConnectionError::BadConnection(failure))
}
