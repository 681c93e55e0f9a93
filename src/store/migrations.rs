//! The migrations, and how one SQL text serves both databases.
//!
//! A migration is a folder of `migrations/` with an `up.sql` and a `down.sql`,
//! and a line in [`MIGRATIONS`]. Both databases run its text, except for parts
//! that begin with the line `-- Only SQLite:` or `-- Only PostgreSQL:` and end
//! with the next such line or with `-- Both:`. On PostgreSQL the column type `BLOB`
//! becomes `BYTEA`, and `TEXT` gets the collation `"C"`, which compares by bytes as
//! SQLite does.
//!
//! SQLite's `ALTER TABLE` can do little. Other changes rebuild the table: `CREATE
//! TABLE new_x`, `INSERT INTO new_x SELECT … FROM x`, `DROP TABLE x`, `ALTER TABLE
//! new_x RENAME TO x`, and its indexes again. In this order, and with foreign keys
//! off, as they are while migrations run, the tables that refer to `x` keep their
//! rows and their references
//! (<https://sqlite.org/lang_altertable.html#otheralter>).

use std::fmt;

use diesel::QueryResult;
use diesel::connection::BoxableConnection;
use diesel::migration::{self, Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion};

use super::search_fill;
use super::{Conn, MultiBackend};

macro_rules! migrations {
    ($($folder:literal),+ $(,)?) => {
        Migrations(&[$(SchemaMigration {
            folder: $folder,
            up: include_str!(concat!("../../migrations/", $folder, "/up.sql")),
            down: include_str!(concat!("../../migrations/", $folder, "/down.sql")),
        }),+])
    };
}

/// Every migration, oldest first. Released ones never change.
pub const MIGRATIONS: Migrations = migrations![
    "2026-11-23-000001_create_accounts",
    "2026-11-23-000002_create_api_keys",
    "2026-11-23-000003_create_sessions",
    "2026-11-23-000004_create_api_key_changes",
    "2026-11-23-000005_create_api_key_deletions",
    "2026-11-23-000006_create_messages",
    "2026-11-23-000007_create_callbacks",
    "2026-11-28-000008_drop_enum_checks",
    "2026-11-28-000009_create_key_secrets",
    "2026-11-28-000010_create_memberships",
    "2026-11-28-000011_create_audit_events",
    "2026-11-28-000012_add_carriers_to_segments",
    "2026-11-28-000013_add_carrier_codes_and_rehearsals",
    "2026-11-28-000014_add_nonces_and_compare_texts_by_bytes",
    "2026-11-28-000015_create_previous_callback_secrets",
    "2026-11-28-000016_index_messages_by_error_and_age",
    "2026-11-28-000017_add_default_senders",
    "2026-11-28-000018_add_key_rules",
    "2026-11-28-000019_create_handovers",
    "2026-11-28-000020_index_keys_by_end",
    "2026-11-28-000021_index_audit_events",
    "2026-11-28-000022_add_operator_states",
    "2026-11-28-000023_create_invitations",
    "2026-11-28-000024_create_second_factors",
    "2026-11-28-000025_create_login_notices",
    "2026-11-28-000026_create_refusals",
    "2026-11-28-000027_create_leak_reports",
    "2026-11-28-000028_add_trash_and_search",
    "2026-11-28-000029_switch_services",
    "2026-11-28-000030_create_key_actions",
    "2026-11-28-000031_create_key_uses",
    "2026-11-28-000032_create_message_counts",
    "2026-11-28-000033_index_keys_to_search_and_sort",
    "2026-11-29-000034_assign_messages_to_carriers",
    "2026-11-29-000035_add_callbacks_of_messages",
    "2026-11-29-000036_create_guards",
    "2026-11-29-000037_count_messages_by_carrier",
    "2026-11-29-000038_add_management_keys",
    "2026-11-29-000039_version_rules_of_keys",
    "2026-11-29-000040_follow_imported_secrets",
];

type Preparation = fn(&mut Conn) -> QueryResult<()>;

/// What the program itself does right before a migration, in the same transaction.
const PREPARATIONS: &[(&str, Preparation)] = &[("2026-11-28-000033_index_keys_to_search_and_sort", search_fill::fill)];

/// The first migration whose texts get a collation. Those before it run as they were
/// released, and `000014` converts their columns.
const FIRST_WITH_COLLATION: &str = "20261128000013";

/// Migrations in the order in which they run.
#[derive(Debug, Clone, Copy)]
pub struct Migrations(pub(super) &'static [SchemaMigration]);

/// One folder of `migrations/`.
#[derive(Debug, Clone, Copy)]
pub struct SchemaMigration {
    pub(super) folder: &'static str,
    pub(super) up: &'static str,
    pub(super) down: &'static str,
}

impl Migrations {
    /// The migrations, oldest first.
    pub fn iter(self) -> impl Iterator<Item = &'static SchemaMigration> {
        self.0.iter()
    }

    /// The schema version after the last migration.
    #[must_use]
    pub fn newest_version(self) -> Option<String> {
        self.0.last().map(SchemaMigration::version_text)
    }
}

impl SchemaMigration {
    /// The name of its folder.
    #[must_use]
    pub const fn folder(&self) -> &'static str {
        self.folder
    }

    /// The folder's name up to its first `_`, without dashes: the form in which
    /// Diesel stores versions.
    pub(super) fn version_text(&self) -> String {
        self.folder.split('_').next().unwrap_or_default().replace('-', "")
    }

    fn execute(&self, text: &str, conn: &mut dyn BoxableConnection<MultiBackend>) -> migration::Result<()> {
        let is_sqlite = matches!(conn.as_any().downcast_ref::<Conn>(), Some(Conn::Sqlite(_)));
        let mut text = text_for(is_sqlite, text);
        if !is_sqlite && *self.version_text() >= *FIRST_WITH_COLLATION {
            text = text.replace(" TEXT", " TEXT COLLATE \"C\"");
        }
        conn.batch_execute(&text).map_err(|error| format!("the migration {} failed: {error}", self.folder).into())
    }
}

impl MigrationSource<MultiBackend> for Migrations {
    fn migrations(&self) -> migration::Result<Vec<Box<dyn Migration<MultiBackend>>>> {
        Ok(self.iter().map(|migration| Box::new(*migration) as Box<dyn Migration<MultiBackend>>).collect())
    }
}

impl Migration<MultiBackend> for SchemaMigration {
    fn run(&self, conn: &mut dyn BoxableConnection<MultiBackend>) -> migration::Result<()> {
        let prepared = PREPARATIONS.iter().find(|(folder, _)| *folder == self.folder);
        if let (Some((_, prepare)), Some(conn)) = (prepared, conn.as_any_mut().downcast_mut()) {
            prepare(conn)?;
        }
        self.execute(self.up, conn)
    }

    fn revert(&self, conn: &mut dyn BoxableConnection<MultiBackend>) -> migration::Result<()> {
        self.execute(self.down, conn)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self
    }
}

/// The default: Diesel runs each migration in a transaction.
impl MigrationMetadata for SchemaMigration {}

impl MigrationName for SchemaMigration {
    fn version(&self) -> MigrationVersion<'_> {
        self.version_text().into()
    }
}

impl fmt::Display for SchemaMigration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.folder)
    }
}

/// The part of a migration's text that one database runs, in its dialect.
fn text_for(is_sqlite: bool, text: &str) -> String {
    let mut applies = true;
    let lines = text.lines().filter(|line| {
        match *line {
            "-- Both:" => applies = true,
            "-- Only SQLite:" => applies = is_sqlite,
            "-- Only PostgreSQL:" => applies = !is_sqlite,
            _ => {}
        }
        applies
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    if is_sqlite { text } else { text.replace(" BLOB", " BYTEA") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_runs_its_own_parts_and_those_of_both() {
        let text = "a BLOB\n-- Only SQLite:\nb\n-- Only PostgreSQL:\nc\n-- Both:\nd";
        let statements = |is_sqlite| {
            text_for(is_sqlite, text).lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join(",")
        };

        assert_eq!(statements(true), "a BLOB,b,d");
        assert_eq!(statements(false), "a BYTEA,c,d");
    }

    #[test]
    fn every_folder_is_in_the_list_and_in_order() {
        let mut folders: Vec<String> = std::fs::read_dir("migrations")
            .unwrap()
            .map(|folder| folder.unwrap().file_name().into_string().unwrap())
            .collect();
        folders.sort();

        assert_eq!(MIGRATIONS.iter().map(SchemaMigration::folder).collect::<Vec<_>>(), folders);
    }
}
