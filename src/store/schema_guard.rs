//! Notices that another version of this program has changed the tables, so
//! that this one neither writes to them nor trusts what it remembers of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use diesel::prelude::*;

use super::{Conn, MIGRATIONS};
use crate::error::{Error, Outage, Result};

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// The version of the tables that this build works with.
static OWN_VERSION: LazyLock<Option<String>> = LazyLock::new(|| MIGRATIONS.newest_version());

/// Shared by all connections to a database.
#[derive(Clone, Default)]
pub(super) struct SchemaGuard {
    is_upgraded: Arc<AtomicBool>,
}

impl SchemaGuard {
    /// Asks the database. At the start of a transaction that writes, the answer
    /// holds until its end: SQLite has one writer, and on PostgreSQL a migration
    /// waits for every transaction that has read this table.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the tables are another version's.
    pub(super) fn check(&self, conn: &mut Conn) -> Result<()> {
        let newest = __diesel_schema_migrations::table
            .select(__diesel_schema_migrations::version)
            .order(__diesel_schema_migrations::version.desc())
            .first::<String>(conn)
            .optional()?;
        self.is_upgraded.store(newest != *OWN_VERSION, Ordering::Relaxed);
        self.check_last_seen()
    }

    /// Goes by what the database said when it was asked last.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the tables were another version's.
    pub(super) fn check_last_seen(&self) -> Result<()> {
        if self.is_upgraded.load(Ordering::Relaxed) {
            let cause =
                anyhow::anyhow!("the tables are at another version than this program knows; it can only be stopped");
            return Err(Error::unavailable(Outage::Upgraded, cause));
        }
        Ok(())
    }
}
