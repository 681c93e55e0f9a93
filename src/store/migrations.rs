//! Brings the database's tables up to this program's version, and no further.

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Conn, MultiBackend};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// "keyfob" in ASCII: one number that all instances on a server agree on.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(118100949725026)";

/// Lets one instance at a time go on until its transaction ends, so that two
/// that start together do not get in each other's way. A transaction that
/// writes to SQLite is alone already.
///
/// # Errors
/// When the database fails.
pub fn start_alone(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        Conn::Postgres(conn) => conn.batch_execute(POSTGRES_LOCK),
        Conn::Sqlite(_) => Ok(()),
    }
}

/// Runs what is missing; called within a transaction.
///
/// # Errors
/// One sentence when the tables are another program's or a later Keyfob's.
pub(super) fn run(conn: &mut Conn) -> anyhow::Result<()> {
    start_alone(conn)?;
    if let Conn::Sqlite(conn) = conn {
        refuse_foreign_tables(conn)?;
    }
    refuse_later_versions(conn)?;
    conn.run_pending_migrations(MIGRATIONS).map_err(|error| anyhow::anyhow!(error))?;
    Ok(())
}

#[derive(QueryableByName)]
struct TableName {
    #[diesel(sql_type = Text)]
    name: String,
}

fn refuse_foreign_tables(conn: &mut SqliteConnection) -> anyhow::Result<()> {
    let tables: Vec<TableName> = diesel::sql_query("SELECT name FROM sqlite_master WHERE type = 'table'").load(conn)?;
    let ours = tables.is_empty() || tables.iter().any(|table| table.name == "__diesel_schema_migrations");
    anyhow::ensure!(ours, "this database belongs to another program; name another one with --database-url");
    Ok(())
}

fn refuse_later_versions(conn: &mut Conn) -> anyhow::Result<()> {
    let known: Vec<Box<dyn Migration<MultiBackend>>> =
        MIGRATIONS.migrations().map_err(|error| anyhow::anyhow!(error))?;
    let known: Vec<String> = known.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = conn.applied_migrations().map_err(|error| anyhow::anyhow!(error))?;
    for version in applied.iter().map(ToString::to_string) {
        anyhow::ensure!(
            known.contains(&version),
            "this database was used by a newer Keyfob (its tables are at {version}); start that version or a later one"
        );
    }
    Ok(())
}
