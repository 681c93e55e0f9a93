//! A look at a database that changes nothing: no file is made and no migration is run.

use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use r2d2::ManageConnection as _;

use super::catalog::{self, number, text};
use super::connection::{Conn, ConnectionManager};
use super::file::DatabaseFile;
use super::{DatabaseUrl, MIGRATIONS, SchemaState, start_failure};
use crate::error::Error;

/// What a look at a database shows.
#[derive(Debug)]
pub struct Inspection {
    /// Its tables against those that this version works with.
    pub schema: SchemaState,
    /// The server or the library, with its version.
    pub engine: String,
    /// Size in bytes.
    pub bytes: i64,
    /// Why nothing can be written to it, if that is so.
    pub unwritable: Option<String>,
    /// What endangers writes that were acknowledged, one sentence each.
    pub dangers: Vec<String>,
    /// Connections in use and the most that the server allows; `None` for a file.
    pub connections: Option<(i64, i64)>,
    /// The file, with those beside it that exist; none for a server.
    pub files: Vec<PathBuf>,
}

/// Looks at the database at `url`, behind a pooler or not, and reads more from it if its tables are of this version.
///
/// # Errors
/// Why it can't be used, in one sentence that says what to change.
pub fn inspect<T>(
    url: &DatabaseUrl,
    is_pooled: bool,
    read: impl FnOnce(&mut Conn) -> Result<T, Error>,
) -> Result<(Inspection, Option<T>), String> {
    let (manager, file) = match url {
        DatabaseUrl::Postgres(address) => (ConnectionManager::of_server(address, is_pooled)?, None),
        DatabaseUrl::Sqlite(path) => {
            let file = DatabaseFile::open(path)?;
            (ConnectionManager::of_file(&file), Some(file))
        }
    };
    // Before the look, which makes journals.
    let files = file.as_ref().map(DatabaseFile::files).unwrap_or_default();
    let unwritable = file.and_then(|file| file.check_writable().err());
    let look = || -> anyhow::Result<(Inspection, Option<T>)> {
        let session = &mut manager.for_reading().connect()?;
        let conn = &mut **session;
        let seen = look_at(conn)?;
        let inspection = Inspection { files, unwritable: unwritable.or(seen.unwritable), ..seen };
        let is_current = inspection.schema == SchemaState::Current;
        let more = is_current.then(|| read(conn)).transpose()?;
        Ok((inspection, more))
    };
    look().map_err(|error| start_failure::describe(url, &error))
}

fn look_at(conn: &mut Conn) -> QueryResult<Inspection> {
    let schema = SchemaState::read(conn, MIGRATIONS)?;
    Ok(Inspection {
        engine: engine(conn)?,
        bytes: bytes(conn)?,
        unwritable: catalog::lacking_right(conn)?,
        dangers: dangers(conn)?,
        connections: connections(conn)?,
        files: Vec::new(),
        schema,
    })
}

fn engine(conn: &mut Conn) -> QueryResult<String> {
    match conn {
        Conn::Postgres(_) => text(conn, "SELECT current_setting('server_version') AS value")
            .map(|version| format!("PostgreSQL {version}")),
        Conn::Sqlite(_) => text(conn, "SELECT sqlite_version() AS value").map(|version| format!("SQLite {version}")),
    }
}

fn bytes(conn: &mut Conn) -> QueryResult<i64> {
    let sql = match conn {
        Conn::Postgres(_) => "SELECT pg_database_size(current_database()) AS value",
        Conn::Sqlite(_) => "SELECT page_count * page_size AS value FROM pragma_page_count(), pragma_page_size()",
    };
    number(conn, sql)
}

/// Settings under which a write that was acknowledged may be lost, or none can be made.
fn dangers(conn: &mut Conn) -> QueryResult<Vec<String>> {
    let mut found = Vec::new();
    match conn {
        Conn::Postgres(_) => {
            for (setting, lost) in [("fsync", "the machine loses power"), ("synchronous_commit", "the server fails")] {
                if text(conn, &format!("SELECT current_setting('{setting}') AS value"))? == "off" {
                    found.push(format!("{setting} is off: changes that were acknowledged may be lost when {lost}"));
                }
            }
        }
        Conn::Sqlite(connection) => {
            // Refused while another program holds the file for itself.
            connection.batch_execute("SELECT count(*) FROM sqlite_master")?;
            let mode = text(conn, "SELECT journal_mode AS value FROM pragma_journal_mode()")?;
            if mode != "wal" {
                found.push(format!("its journal mode is {mode}, not wal: readers and the writer wait for each other"));
            }
        }
    }
    Ok(found)
}

fn connections(conn: &mut Conn) -> QueryResult<Option<(i64, i64)>> {
    if matches!(conn, Conn::Sqlite(_)) {
        return Ok(None);
    }
    let used = number(conn, "SELECT count(*) AS value FROM pg_stat_activity WHERE backend_type = 'client backend'")?;
    let most = number(conn, "SELECT CAST(current_setting('max_connections') AS BIGINT) AS value")?;
    Ok(Some((used, most)))
}
