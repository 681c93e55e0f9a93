//! Detects that a newer version of this program has migrated the database, so that
//! this instance stops writing to it and trusting its own cache.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use diesel::prelude::*;

use super::{Conn, MIGRATIONS};
use crate::error::{DatabaseOutage, Error, Result};

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// The schema version of this build.
static OWN_VERSION: LazyLock<Option<String>> = LazyLock::new(|| MIGRATIONS.newest_version());

/// The last seen state, shared by all connections.
#[derive(Clone, Default)]
pub(super) struct SchemaGuard {
    is_upgraded: Arc<AtomicBool>,
}

impl SchemaGuard {
    /// Queries the version. At the start of a transaction that writes, the result
    /// is valid until its end: SQLite has one writer, and on PostgreSQL a migration
    /// takes an exclusive lock on this table, which waits for its readers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the schema has another version.
    pub(super) fn check(&self, conn: &mut Conn) -> Result<()> {
        let newest = __diesel_schema_migrations::table
            .select(__diesel_schema_migrations::version)
            .order(__diesel_schema_migrations::version.desc())
            .first::<String>(conn)
            .optional()?;
        self.is_upgraded.store(newest != *OWN_VERSION, Ordering::Relaxed);
        self.check_last_seen()
    }

    /// Checks the version that was seen last, without a query.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the schema had another version.
    pub(super) fn check_last_seen(&self) -> Result<()> {
        if self.is_upgraded.load(Ordering::Relaxed) {
            let cause =
                anyhow::anyhow!("the tables are at another version than this program knows; it can only be stopped");
            return Err(Error::unavailable(DatabaseOutage::Upgraded, cause));
        }
        Ok(())
    }
}
