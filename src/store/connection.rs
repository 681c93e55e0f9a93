//! One connection type for both databases, and the session settings of each.

#![expect(missing_docs, reason = "the derive writes items of its own")]

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{Error, R2D2Connection};
use diesel::{Connection, PgConnection, QueryResult, SqliteConnection};

use super::connection_string::ConnectionString;
use super::file::DatabaseFile;
use super::postgres::{PostgresConnector, PostgresTarget};

/// A connection to either database. Queries are written once, against this.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// A PostgreSQL session.
    Postgres(PgConnection),
    /// An open SQLite file.
    Sqlite(SqliteConnection),
}

/// A connection, and what has to be known of it besides.
pub(super) struct DatabaseSession {
    conn: Conn,
    is_pooled: bool,
}

impl DatabaseSession {
    /// One that is kept for its whole life.
    pub(super) const fn lasting(conn: Conn) -> Self {
        Self { conn, is_pooled: false }
    }

    /// The connection alone.
    pub(super) fn into_conn(self) -> Conn {
        self.conn
    }

    /// Whether a pooler hands each transaction to another session of the server, so that
    /// nothing of a session lasts beyond a transaction.
    pub(super) const fn is_pooled(&self) -> bool {
        self.is_pooled
    }
}

impl Deref for DatabaseSession {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for DatabaseSession {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

/// Opens the connections of a pool. Diesel's own manager would try the backends
/// one after the other, and could create an empty SQLite file for a mistyped URL.
#[derive(Clone)]
pub(super) enum ConnectionManager {
    Postgres(Arc<PostgresConnector>),
    /// The URI of a file that exists, and whether writes are refused.
    Sqlite {
        uri: String,
        read_only: bool,
    },
}

/// Waits up to 5 s for another program's lock, and syncs every commit to the disk
/// before it returns (`synchronous=FULL`).
const SQLITE_SETUP: &str = "PRAGMA busy_timeout=5000; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
    PRAGMA temp_store=MEMORY; PRAGMA cache_size=-2000; PRAGMA journal_size_limit=8388608;";
const SQLITE_READ_ONLY_SETUP: &str = "PRAGMA query_only=ON;";
/// Turns on write-ahead logging, with which SQLite's readers run beside its writer.
/// The mode is stored in the file, so that it must not be set before the file is
/// known to be Keyfob's.
pub(super) fn use_wal(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => conn.batch_execute("PRAGMA journal_mode=WAL"),
        Conn::Postgres(_) => Ok(()),
    }
}

impl ConnectionManager {
    /// A manager for the servers that a URL names. `is_pooled` says that a pooler in
    /// transaction mode is before them.
    ///
    /// # Errors
    /// One sentence about what the URL asks for and can't be done.
    pub(super) fn of_server(url: &ConnectionString, is_pooled: bool) -> Result<Self, String> {
        let connector = PostgresConnector::new(PostgresTarget::read(url)?, is_pooled)?;
        Ok(Self::Postgres(Arc::new(connector)))
    }

    /// Says in the log whether the connections to a server are encrypted.
    pub(super) fn log_encryption(&self) {
        if let Self::Postgres(connector) = self {
            connector.log_encryption();
        }
    }

    /// A manager for reading and writing this file.
    pub(super) fn of_file(file: &DatabaseFile) -> Self {
        Self::Sqlite { uri: file.uri(), read_only: false }
    }

    /// A manager of the same database, whose SQLite connections refuse writes.
    pub(super) fn for_reading(&self) -> Self {
        match self {
            Self::Postgres(connector) => Self::Postgres(Arc::clone(connector)),
            Self::Sqlite { uri, .. } => Self::Sqlite { uri: uri.clone(), read_only: true },
        }
    }
}

impl r2d2::ManageConnection for ConnectionManager {
    type Connection = DatabaseSession;
    type Error = Error;

    fn connect(&self) -> Result<DatabaseSession, Error> {
        match self {
            Self::Postgres(connector) => {
                Ok(DatabaseSession { conn: Conn::Postgres(connector.connect()?), is_pooled: connector.is_pooled() })
            }
            Self::Sqlite { uri, read_only } => {
                let mut conn = SqliteConnection::establish(uri).map_err(Error::ConnectionError)?;
                conn.batch_execute(SQLITE_SETUP).map_err(Error::QueryError)?;
                if *read_only {
                    conn.batch_execute(SQLITE_READ_ONLY_SETUP).map_err(Error::QueryError)?;
                }
                Ok(DatabaseSession::lasting(Conn::Sqlite(conn)))
            }
        }
    }

    fn is_valid(&self, session: &mut DatabaseSession) -> Result<(), Error> {
        match &mut session.conn {
            Conn::Postgres(conn) => conn.ping(),
            Conn::Sqlite(conn) => conn.ping(),
        }
        .map_err(Error::QueryError)
    }

    fn has_broken(&self, session: &mut DatabaseSession) -> bool {
        std::thread::panicking()
            || match &mut session.conn {
                Conn::Postgres(conn) => conn.is_broken(),
                Conn::Sqlite(conn) => conn.is_broken(),
            }
    }
}
