//! One connection type for both databases, and how each is set up.

#![expect(missing_docs, reason = "the derive writes items of its own")]

use diesel::connection::SimpleConnection;
use diesel::r2d2::{Error, R2D2Connection};
use diesel::{Connection, PgConnection, QueryResult, SqliteConnection};

/// A connection to either database. Queries are written once, against this.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// A PostgreSQL session.
    Postgres(PgConnection),
    /// An open SQLite file.
    Sqlite(SqliteConnection),
}

/// Says what a pool opens. Diesel's own manager would try one database after
/// the other until one takes the URL, and could end with a new, empty file.
#[derive(Clone)]
pub(super) enum Manager {
    Postgres(String),
    /// The URI of a file that exists, and whether writing is refused.
    Sqlite {
        uri: String,
        read_only: bool,
    },
}

/// Waits up to 5 s for another program's lock; every commit is on the disk
/// before it is acknowledged (`synchronous=FULL`).
const SQLITE: &str = "PRAGMA busy_timeout=5000; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
    PRAGMA temp_store=MEMORY; PRAGMA cache_size=-2000; PRAGMA journal_size_limit=8388608;";
const SQLITE_READ_ONLY: &str = "PRAGMA query_only=ON;";
/// Waits for a lock for less long than others wait for a free connection, so
/// that one lock does not keep them all.
const POSTGRES: &str =
    "SET statement_timeout='10s'; SET lock_timeout='2s'; SET idle_in_transaction_session_timeout='30s';";

/// Lets SQLite's readers go on beside its writer. The file remembers it, so it
/// is asked for only once the file is known to be ours.
pub(super) fn use_wal(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => conn.batch_execute("PRAGMA journal_mode=WAL"),
        Conn::Postgres(_) => Ok(()),
    }
}

impl Manager {
    /// The same database, for reading only where that can be told apart.
    pub(super) fn for_reading(&self) -> Self {
        match self {
            Self::Postgres(url) => Self::Postgres(url.clone()),
            Self::Sqlite { uri, .. } => Self::Sqlite { uri: uri.clone(), read_only: true },
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Conn;
    type Error = Error;

    fn connect(&self) -> Result<Conn, Error> {
        match self {
            Self::Postgres(url) => {
                let mut conn = PgConnection::establish(url).map_err(Error::ConnectionError)?;
                conn.batch_execute(POSTGRES).map_err(Error::QueryError)?;
                Ok(Conn::Postgres(conn))
            }
            Self::Sqlite { uri, read_only } => {
                let mut conn = SqliteConnection::establish(uri).map_err(Error::ConnectionError)?;
                conn.batch_execute(SQLITE).map_err(Error::QueryError)?;
                if *read_only {
                    conn.batch_execute(SQLITE_READ_ONLY).map_err(Error::QueryError)?;
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
