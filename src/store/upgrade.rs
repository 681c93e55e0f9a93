//! Runs the migrations that the database lacks: all of them, or none after an error.

use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationVersion;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::MigrationHarness;

use super::catalog::{self, MIGRATIONS_TABLE};
use super::connection::{self, Conn, DatabaseSession};
use super::file::DatabaseFile;
use super::migrations::Migrations;
use super::transaction::transaction;
use super::{SchemaState, backup};

/// Advisory locks. Their keys must be the same in every version: "keyfob" in ASCII, and
/// the next number.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(118100949725026)";
const PREPARATION_LOCK: &str = "SELECT pg_advisory_xact_lock(118100949725027)";

/// Blocks the transactions of running instances until the migrations are committed:
/// each begins by reading the version from this table. Migrations may take longer
/// than the statement timeout of requests.
const POSTGRES_EXCLUSIVE: &str =
    "LOCK TABLE __diesel_schema_migrations IN ACCESS EXCLUSIVE MODE; SET LOCAL statement_timeout = 0";

/// Serializes the first transactions of instances that start at the same time, by
/// an advisory lock that is held to the end of the transaction. SQLite's writers are
/// serialized already. It is not the lock of migrations: these wait for transactions
/// that may wait for this lock, which would be a deadlock.
///
/// # Errors
/// When the database fails.
pub fn start_alone(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        Conn::Postgres(conn) => conn.batch_execute(PREPARATION_LOCK),
        Conn::Sqlite(_) => Ok(()),
    }
}

/// Runs the missing migrations in one transaction. A database file is copied
/// first, since no older version works with it afterwards. The connection must not
/// be used for anything else, since its foreign keys are off.
///
/// # Errors
/// One sentence; then nothing has changed.
///
/// Returns whether the database was empty, which is refused unless it `may_create` tables.
pub(super) fn upgrade(
    session: &mut DatabaseSession,
    migrations: Migrations,
    file: Option<&DatabaseFile>,
    may_create: bool,
) -> anyhow::Result<bool> {
    if matches!(**session, Conn::Postgres(_)) {
        refuse_other_encodings(session)?;
        let state = SchemaState::read(session, migrations)?;
        anyhow::ensure!(
            may_create || state != SchemaState::Missing,
            "it has no tables of Keyfob; start Keyfob on it, or name another database with --database-url"
        );
        // Without writing, so that a role without the right to create tables can start.
        if state == SchemaState::Current {
            return Ok(false);
        }
    }
    if let Conn::Sqlite(conn) = &mut **session {
        // With foreign keys on, `DROP TABLE` would cascade to the rows that refer to the table
        // that is being rebuilt. The pragma has no effect within a transaction.
        conn.batch_execute("PRAGMA foreign_keys=OFF")?;
    }
    let mut copy = None;
    let upgraded = transaction(session, |conn| run(conn, migrations, file, &mut copy));
    match (&upgraded, copy) {
        (Ok(_), Some(copy)) => {
            tracing::info!(copy = %copy.display(), "the database was upgraded; a copy of it as it was before is kept");
        }
        (Err(_), Some(copy)) => drop(std::fs::remove_file(copy)),
        _ => {}
    }
    let was_empty = upgraded?;
    connection::use_wal(session)?;
    Ok(was_empty)
}

/// In another encoding names and messages could not be stored.
fn refuse_other_encodings(conn: &mut Conn) -> anyhow::Result<()> {
    let encoding = catalog::text(conn, "SELECT current_setting('server_encoding') AS value")?;
    anyhow::ensure!(
        encoding == "UTF8",
        "its encoding is {encoding}, in which not every name can be kept; make one with: \
         CREATE DATABASE keyfob ENCODING 'UTF8' TEMPLATE template0"
    );
    Ok(())
}

fn run(
    conn: &mut Conn,
    migrations: Migrations,
    file: Option<&DatabaseFile>,
    copy: &mut Option<PathBuf>,
) -> anyhow::Result<bool> {
    match conn {
        Conn::Postgres(conn) => conn.batch_execute(MIGRATION_LOCK)?,
        Conn::Sqlite(_) => refuse_foreign_tables(conn)?,
    }
    let applied = conn.applied_migrations().map_err(anyhow::Error::from_boxed)?;
    refuse_later_versions(&applied, migrations)?;
    let pending = conn.pending_migrations(migrations).map_err(anyhow::Error::from_boxed)?;
    let Some(first) = pending.first() else { return Ok(false) };
    if let Some(file) = file.filter(|_| !applied.is_empty()) {
        let version = first.name().version().to_string();
        *copy = Some(backup::copy_before(file, &version).map_err(anyhow::Error::msg)?);
    }
    if let Conn::Postgres(conn) = conn {
        conn.batch_execute(POSTGRES_EXCLUSIVE)?;
    }
    conn.run_migrations(&pending).map_err(anyhow::Error::from_boxed)?;
    match conn {
        Conn::Sqlite(conn) => refuse_dangling_references(conn)?,
        Conn::Postgres(_) => {} // checks references by itself
    }
    Ok(applied.is_empty())
}

/// SQLite opens any file of its format.
fn refuse_foreign_tables(conn: &mut Conn) -> anyhow::Result<()> {
    let tables = catalog::tables(conn)?;
    let ours = tables.is_empty() || tables.iter().any(|table| table == MIGRATIONS_TABLE);
    anyhow::ensure!(ours, "this database belongs to another program; name another one with --database-url");
    Ok(())
}

fn refuse_later_versions(applied: &[MigrationVersion<'_>], migrations: Migrations) -> anyhow::Result<()> {
    for version in applied {
        anyhow::ensure!(
            migrations.iter().any(|known| known.version_text() == version.to_string()),
            "this database was used by a newer Keyfob (its tables are at {version}); start that version or a later one"
        );
    }
    Ok(())
}

#[derive(QueryableByName)]
struct DanglingReference {
    #[diesel(sql_type = Text)]
    child: String,
    #[diesel(sql_type = Text)]
    parent: String,
}

/// Checks the references that SQLite did not while its foreign keys were off.
fn refuse_dangling_references(conn: &mut SqliteConnection) -> anyhow::Result<()> {
    let query = "SELECT \"table\" AS child, parent FROM pragma_foreign_key_check LIMIT 1";
    let dangling: Option<DanglingReference> = diesel::sql_query(query).get_result(conn).optional()?;
    if let Some(DanglingReference { child, parent }) = dangling {
        anyhow::bail!(
            "after the upgrade rows of {child} would refer to rows of {parent} that do not exist, so it was undone; \
             start the version that was used before, and report this"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::migrations::SchemaMigration;
    use super::*;

    fn rows(conn: &mut Conn, sql: &str) -> Vec<String> {
        catalog::texts(conn, sql).unwrap()
    }

    const FIRST: SchemaMigration = SchemaMigration {
        folder: "2026-01-01-000001_first",
        up: "CREATE TABLE parents (id TEXT NOT NULL PRIMARY KEY); \
             CREATE TABLE children (parent TEXT NOT NULL REFERENCES parents (id) ON DELETE CASCADE);",
        down: "",
    };
    const REBUILD: SchemaMigration = SchemaMigration {
        folder: "2026-01-01-000002_rebuild",
        up: "CREATE TABLE new_parents (id TEXT NOT NULL PRIMARY KEY, name TEXT); \
             INSERT INTO new_parents (id) SELECT id FROM parents; \
             DROP TABLE parents; ALTER TABLE new_parents RENAME TO parents;",
        down: "",
    };
    const FORGETFUL: SchemaMigration = SchemaMigration {
        folder: "2026-01-01-000002_forgetful",
        up: "DROP TABLE parents; CREATE TABLE parents (id TEXT NOT NULL PRIMARY KEY);",
        down: "",
    };

    /// A database of the first migration with a parent and its child.
    fn family() -> DatabaseSession {
        let mut conn = DatabaseSession::lasting(Conn::Sqlite(SqliteConnection::establish(":memory:").unwrap()));
        upgrade(&mut conn, Migrations(&[FIRST]), None, true).unwrap();
        conn.batch_execute("INSERT INTO parents VALUES ('ada'); INSERT INTO children VALUES ('ada')").unwrap();
        conn
    }

    #[test]
    fn a_rebuilt_table_keeps_the_rows_that_refer_to_it_and_their_references() {
        let mut conn = family();

        upgrade(&mut conn, Migrations(&[FIRST, REBUILD]), None, true).unwrap();

        assert_eq!(rows(&mut conn, "SELECT parent AS value FROM children"), ["ada"]);
        conn.batch_execute("PRAGMA foreign_keys=ON; DELETE FROM parents").unwrap();
        assert_eq!(rows(&mut conn, "SELECT parent AS value FROM children"), [""; 0]);
    }

    #[test]
    fn a_migration_that_leaves_a_dangling_reference_is_undone_and_says_so() {
        let mut conn = family();

        let error = upgrade(&mut conn, Migrations(&[FIRST, FORGETFUL]), None, true).unwrap_err().to_string();

        assert!(error.starts_with("after the upgrade rows of children would refer to rows of parents"), "{error}");
        assert_eq!(rows(&mut conn, "SELECT id AS value FROM parents"), ["ada"]);
        assert_eq!(rows(&mut conn, "SELECT version AS value FROM __diesel_schema_migrations"), ["20260101000001"]);
    }
}
