//! Indexes and references, which are made after the rows: made once for all rows they take
//! a fraction of the time, and the tables need no order in which parents come before children.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::super::Conn;
use super::super::catalog;
use super::tables::CopiedTable;

/// How to make again what [`Deferred::take_off`] removed.
pub(super) struct Deferred(Vec<TakenOff>);

#[derive(QueryableByName)]
struct TakenOff {
    #[diesel(sql_type = Text)]
    removal: String,
    #[diesel(sql_type = Text)]
    creation: String,
}

/// SQLite checks references by itself only where foreign keys are on.
const SQLITE_INDEXES: &str = "SELECT 'DROP INDEX \"' || name || '\"' AS removal, sql AS creation \
    FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid";

/// References first: they rest on indexes.
fn postgres(tables: &[CopiedTable]) -> String {
    let names: Vec<String> = tables.iter().map(|table| format!("'{}'", table.name)).collect();
    let names = names.join(", ");
    format!(
        "SELECT removal, creation FROM ( \
             SELECT 1 AS place, format('ALTER TABLE %I DROP CONSTRAINT %I', t.relname, c.conname) AS removal, \
                 format('ALTER TABLE %I ADD CONSTRAINT %I %s', t.relname, c.conname, pg_get_constraintdef(c.oid)) AS creation \
             FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid \
             WHERE c.contype = 'f' AND t.relnamespace = current_schema()::regnamespace AND t.relname IN ({names}) \
             UNION ALL \
             SELECT 2, format('DROP INDEX %I', i.relname), pg_get_indexdef(i.oid) \
             FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid \
             WHERE t.relnamespace = current_schema()::regnamespace AND t.relname IN ({names}) \
                 AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid AND c.contype <> 'f') \
         ) parts ORDER BY place, removal"
    )
}

impl Deferred {
    /// Removes the indexes and references of the tables.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn take_off(conn: &mut Conn, tables: &[CopiedTable]) -> QueryResult<Self> {
        let query = match conn {
            Conn::Sqlite(_) => SQLITE_INDEXES.to_owned(),
            Conn::Postgres(_) => postgres(tables),
        };
        let parts: Vec<TakenOff> = diesel::sql_query(query).load(conn)?;
        parts.iter().try_for_each(|part| conn.batch_execute(&part.removal))?;
        Ok(Self(parts))
    }

    /// Makes them again, and checks the references.
    ///
    /// # Errors
    /// When the database fails, or a row refers to one that does not exist.
    pub(super) fn put_back(self, conn: &mut Conn) -> anyhow::Result<()> {
        self.0.iter().rev().try_for_each(|part| conn.batch_execute(&part.creation))?;
        if let Conn::Sqlite(_) = conn {
            let query = "SELECT DISTINCT \"table\" || ' refer to rows of ' || \"parent\" AS value \
                FROM pragma_foreign_key_check";
            let dangling = catalog::texts(conn, query)?;
            anyhow::ensure!(
                dangling.is_empty(),
                "in what was copied, rows of {} that do not exist",
                dangling.join("; rows of ")
            );
        }
        Ok(())
    }
}
