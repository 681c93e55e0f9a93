//! The tables to copy, with their columns, as the migrations make them.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::super::connection::DatabaseSession;
use super::super::{Conn, MIGRATIONS, catalog, upgrade};

/// A table of this version.
pub(super) struct CopiedTable {
    pub(super) name: String,
    columns: Vec<CopiedColumn>,
    /// The rows that the migrations themselves put into it.
    pub(super) first_rows: i64,
}

struct CopiedColumn {
    name: String,
    kind: ColumnKind,
}

/// What a column holds. Both databases have the same four kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Text,
    Integer,
    Bytes,
    Boolean,
}

#[derive(QueryableByName)]
struct ColumnDeclaration {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    declared_type: String,
}

const COLUMNS: &str = "SELECT m.name AS table_name, c.name AS column_name, c.type AS declared_type \
    FROM sqlite_master m, pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> '__diesel_schema_migrations' \
    ORDER BY m.name, c.cid";

/// The tables of a new database, which is made in memory for it: so a table or a column of a
/// later migration can't be forgotten here.
///
/// # Errors
/// When a column is of a kind that is not copied yet.
pub(super) fn of_this_version() -> anyhow::Result<Vec<CopiedTable>> {
    let mut conn = DatabaseSession::lasting(Conn::Sqlite(SqliteConnection::establish(":memory:")?));
    upgrade::upgrade(&mut conn, MIGRATIONS, None, true)?;
    let columns: Vec<ColumnDeclaration> = diesel::sql_query(COLUMNS).load(&mut *conn)?;
    let mut tables: Vec<CopiedTable> = Vec::new();
    for ColumnDeclaration { table_name, column_name, declared_type } in columns {
        let kind = ColumnKind::of(&declared_type)
            .ok_or_else(|| anyhow::anyhow!("{table_name}.{column_name} is of a kind that can't be copied"))?;
        let column = CopiedColumn { name: column_name, kind };
        match tables.last_mut() {
            Some(table) if table.name == table_name => table.columns.push(column),
            _ => {
                let first_rows = catalog::count(&mut conn, &table_name)?;
                tables.push(CopiedTable { name: table_name, columns: vec![column], first_rows });
            }
        }
    }
    Ok(tables)
}

impl CopiedTable {
    /// The query for all rows. Each column of the result is named after its kind, by which
    /// [`ColumnKind::named`] knows it again: nothing else says how to read it on both databases.
    pub(super) fn query(&self) -> String {
        let column = |CopiedColumn { name, kind }: &CopiedColumn| format!("\"{name}\" AS {}", kind.name());
        let columns: Vec<String> = self.columns.iter().map(column).collect();
        format!("SELECT {} FROM \"{}\"", columns.join(", "), self.name)
    }

    /// What follows `INSERT INTO`, up to the values.
    pub(super) fn clause(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        format!("\"{}\" ({})", self.name, columns.join(", "))
    }

    pub(super) const fn width(&self) -> usize {
        self.columns.len()
    }
}

impl ColumnKind {
    const ALL: [Self; 4] = [Self::Text, Self::Integer, Self::Bytes, Self::Boolean];

    /// By the type in a migration, as SQLite keeps it.
    fn of(declared_type: &str) -> Option<Self> {
        match declared_type {
            "TEXT" => Some(Self::Text),
            "BIGINT" => Some(Self::Integer),
            "BLOB" => Some(Self::Bytes),
            "BOOLEAN" => Some(Self::Boolean),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "as_text",
            Self::Integer => "as_integer",
            Self::Bytes => "as_bytes",
            Self::Boolean => "as_boolean",
        }
    }

    /// The kind that a column of a result is named after.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
