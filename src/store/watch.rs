//! A dedicated connection for a thread that polls the database: opened on demand,
//! and again after a failure.

use diesel::Connection as _;
use r2d2::ManageConnection as _;

use super::connection::{Conn, ConnectionManager};
use super::file::DatabaseFile;
use super::schema_guard::SchemaGuard;
use crate::error::{DatabaseOutage, Error, Result};

/// The dedicated connection.
pub struct Watch {
    manager: ConnectionManager,
    file: Option<DatabaseFile>,
    schema: SchemaGuard,
    conn: Option<Conn>,
}

impl Watch {
    pub(super) const fn new(manager: ConnectionManager, file: Option<DatabaseFile>, schema: SchemaGuard) -> Self {
        Self { manager, file, schema, conn: None }
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
        let (mut conn, is_new) = match self.conn.take() {
            Some(conn) => (conn, false),
            None => (self.connect()?, true),
        };
        // One transaction, however many queries there are.
        let result = conn.transaction(|conn| {
            self.schema.check(conn)?;
            work(conn, is_new)
        })?;
        self.conn = Some(conn);
        Ok(result)
    }

    fn connect(&self) -> Result<Conn> {
        self.manager.connect().map_err(|error| Error::unavailable(DatabaseOutage::Unreachable, error))
    }
}
