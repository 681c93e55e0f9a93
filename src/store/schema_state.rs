//! The tables of a database against those that this version works with.

use diesel::prelude::*;

use super::{Conn, Migrations, SchemaMigration, catalog};

/// How the tables of a database differ from those of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// They are the same.
    Current,
    /// There are none yet.
    Missing,
    /// The next start brings them up to date by this many migrations.
    Older(usize),
    /// A later version made these migrations.
    Later(Vec<String>),
}

impl SchemaState {
    /// Reads which migrations the database has.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn read(conn: &mut Conn, migrations: Migrations) -> QueryResult<Self> {
        let applied = catalog::applied_versions(conn)?;
        let known: Vec<String> = migrations.iter().map(SchemaMigration::version_text).collect();
        let missing = known.iter().filter(|version| !applied.contains(version)).count();
        let later: Vec<String> = applied.iter().filter(|version| !known.contains(version)).cloned().collect();
        Ok(match (applied.is_empty(), later.is_empty(), missing) {
            (true, ..) => Self::Missing,
            (_, false, _) => Self::Later(later),
            (_, true, 0) => Self::Current,
            (_, true, missing) => Self::Older(missing),
        })
    }
}
