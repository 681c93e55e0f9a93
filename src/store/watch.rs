//! A dedicated connection for a thread that polls the database: opened on demand,
//! and again after a failure.

use diesel::prelude::*;
use diesel::sql_types::Text;
use r2d2::ManageConnection as _;

use super::connection::{Conn, ConnectionManager, DatabaseSession};
use super::file::DatabaseFile;
use super::schema_guard::SchemaGuard;
use super::transaction::reading_at_once;
use crate::error::{DatabaseOutage, Error, Result};

/// The dedicated connection.
pub struct Watch {
    manager: ConnectionManager,
    file: Option<DatabaseFile>,
    schema: SchemaGuard,
    session: Option<DatabaseSession>,
    /// The server of the last transaction, behind a pooler.
    server: Option<String>,
}

#[derive(QueryableByName)]
struct ServerStart {
    #[diesel(sql_type = Text)]
    started_at: String,
}

impl Watch {
    pub(super) const fn new(manager: ConnectionManager, file: Option<DatabaseFile>, schema: SchemaGuard) -> Self {
        Self { manager, file, schema, session: None, server: None }
    }

    /// Runs queries that change nothing, on the calling thread, after a check that
    /// no newer version has changed the schema. `work` learns whether the connection
    /// is a new one, which may lead to another server than the last one did.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub fn read<T>(&mut self, work: impl FnOnce(&mut Conn, bool) -> Result<T>) -> Result<T> {
        if let Some(file) = &self.file {
            file.check_in_place()?;
        }
        let (mut session, is_new) = match self.session.take() {
            Some(session) => (session, false),
            None => (self.connect()?, true),
        };
        let (is_pooled, last) = (session.is_pooled(), self.server.take());
        // One transaction, however many queries there are.
        let (result, server) = reading_at_once(&mut session, |conn| {
            self.schema.check(conn)?;
            let server = if is_pooled { server_start(conn)? } else { None };
            Ok::<_, Error>((work(conn, is_new || server != last)?, server))
        })?;
        self.session = Some(session);
        self.server = server;
        Ok(result)
    }

    fn connect(&self) -> Result<DatabaseSession> {
        self.manager.connect().map_err(|error| Error::unavailable(DatabaseOutage::Unreachable, error))
    }
}

/// Which server answers, by when it was started: a pooler keeps our connection while it goes
/// over to another server.
fn server_start(conn: &mut Conn) -> Result<Option<String>> {
    let Conn::Postgres(conn) = conn else { return Ok(None) };
    let query = "SELECT pg_postmaster_start_time()::text AS started_at";
    Ok(Some(diesel::sql_query(query).get_result::<ServerStart>(conn)?.started_at))
}
