//! One connection type for both databases, and the session settings of each.

#![expect(missing_docs, reason = "the derive writes items of its own")]

use diesel::connection::SimpleConnection;
use diesel::r2d2::{Error, R2D2Connection};
use diesel::{Connection, PgConnection, QueryResult, SqliteConnection};

use super::file::DatabaseFile;

/// A connection to either database. Queries are written once, against this.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// A PostgreSQL session.
    Postgres(PgConnection),
    /// An open SQLite file.
    Sqlite(SqliteConnection),
}

/// Opens the connections of a pool. Diesel's own manager would try the backends
/// one after the other, and could create an empty SQLite file for a mistyped URL.
#[derive(Clone)]
pub(super) enum ConnectionManager {
    Postgres(String),
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
/// The lock timeout is shorter than the pool's checkout timeout, so that one lock
/// that is held for long does not starve the pool.
const POSTGRES_SETUP: &str =
    "SET statement_timeout='10s'; SET lock_timeout='2s'; SET idle_in_transaction_session_timeout='30s';";
/// A standby answers with what its primary wrote some time ago, so that a key which
/// was switched off would be let in.
const POSTGRES_REFUSE_STANDBY: &str = "DO $$ BEGIN IF pg_is_in_recovery() THEN \
    RAISE EXCEPTION 'this server is a standby, which only repeats what its primary writes'; END IF; END $$";

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
    /// A manager for reading and writing this file.
    pub(super) fn of_file(file: &DatabaseFile) -> Self {
        Self::Sqlite { uri: file.uri(), read_only: false }
    }

    /// A manager of the same database, whose SQLite connections refuse writes.
    pub(super) fn for_reading(&self) -> Self {
        match self {
            Self::Postgres(url) => Self::Postgres(url.clone()),
            Self::Sqlite { uri, .. } => Self::Sqlite { uri: uri.clone(), read_only: true },
        }
    }
}

impl r2d2::ManageConnection for ConnectionManager {
    type Connection = Conn;
    type Error = Error;

    fn connect(&self) -> Result<Conn, Error> {
        match self {
            Self::Postgres(url) => {
                let mut conn = PgConnection::establish(url).map_err(Error::ConnectionError)?;
                conn.batch_execute(POSTGRES_SETUP).map_err(Error::QueryError)?;
                conn.batch_execute(POSTGRES_REFUSE_STANDBY).map_err(Error::QueryError)?;
                Ok(Conn::Postgres(conn))
            }
            Self::Sqlite { uri, read_only } => {
                let mut conn = SqliteConnection::establish(uri).map_err(Error::ConnectionError)?;
                conn.batch_execute(SQLITE_SETUP).map_err(Error::QueryError)?;
                if *read_only {
                    conn.batch_execute(SQLITE_READ_ONLY_SETUP).map_err(Error::QueryError)?;
                }
                Ok(Conn::Sqlite(conn))
            }
        }
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), Error> {
        match conn {
            Conn::Postgres(conn) => conn.ping(),
            Conn::Sqlite(conn) => conn.ping(),
        }
        .map_err(Error::QueryError)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        std::thread::panicking()
            || match conn {
                Conn::Postgres(conn) => conn.is_broken(),
                Conn::Sqlite(conn) => conn.is_broken(),
            }
    }
}
