//! Queries of a database about itself: its tables, its rows, its migrations. Their texts are put together at run time,
//! and they change nothing.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::Conn;

/// The table in which Diesel notes what was run.
pub(super) const MIGRATIONS_TABLE: &str = "__diesel_schema_migrations";

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(QueryableByName)]
struct NumberRow {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

/// The texts in the column `value`.
///
/// # Errors
/// When the database fails.
pub(super) fn texts(conn: &mut Conn, sql: &str) -> QueryResult<Vec<String>> {
    let rows: Vec<TextRow> = diesel::sql_query(sql).load(conn)?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

/// The text in the column `value` of the only row.
///
/// # Errors
/// When there is none, or the database fails.
pub(super) fn text(conn: &mut Conn, sql: &str) -> QueryResult<String> {
    let row: TextRow = diesel::sql_query(sql).get_result(conn)?;
    Ok(row.value)
}

/// The number in the column `value` of the only row.
///
/// # Errors
/// When there is none, or the database fails.
pub(super) fn number(conn: &mut Conn, sql: &str) -> QueryResult<i64> {
    let row: NumberRow = diesel::sql_query(sql).get_result(conn)?;
    Ok(row.value)
}

/// How many rows a table has.
///
/// # Errors
/// When the database fails.
pub(super) fn count(conn: &mut Conn, table: &str) -> QueryResult<i64> {
    number(conn, &format!("SELECT count(*) AS value FROM \"{table}\""))
}

/// Whether a table has more rows than so many, however many there are.
///
/// # Errors
/// When the database fails.
pub(super) fn has_more_than(conn: &mut Conn, table: &str, rows: i64) -> QueryResult<bool> {
    let first_rows = format!("SELECT 1 FROM \"{table}\" LIMIT {}", rows + 1);
    Ok(number(conn, &format!("SELECT count(*) AS value FROM ({first_rows}) AS first_rows"))? > rows)
}

/// The names of all tables, whosever they are.
///
/// # Errors
/// When the database fails.
pub(super) fn tables(conn: &mut Conn) -> QueryResult<Vec<String>> {
    let sql = match conn {
        Conn::Sqlite(_) => "SELECT name AS value FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        Conn::Postgres(_) => {
            "SELECT CAST(tablename AS TEXT) AS value FROM pg_tables WHERE schemaname = current_schema()"
        }
    };
    texts(conn, sql)
}

/// The versions of the migrations that were run, oldest first; none where there is no table of them. (Diesel itself
/// makes that table before it looks.)
///
/// # Errors
/// When the database fails.
pub(super) fn applied_versions(conn: &mut Conn) -> QueryResult<Vec<String>> {
    // The table is in any schema of the search path, as for all other queries.
    let exists = match conn {
        Conn::Sqlite(_) => format!("SELECT count(*) AS value FROM sqlite_master WHERE name = '{MIGRATIONS_TABLE}'"),
        Conn::Postgres(_) => {
            format!("SELECT count(*) AS value FROM pg_class WHERE oid = to_regclass('{MIGRATIONS_TABLE}')")
        }
    };
    if number(conn, &exists)? == 0 {
        return Ok(Vec::new());
    }
    texts(conn, &format!("SELECT CAST(version AS TEXT) AS value FROM {MIGRATIONS_TABLE} ORDER BY version"))
}

/// Why the role may not read or change every table, and what to do; `None` in an SQLite file, which has no roles.
///
/// # Errors
/// When the database fails.
pub(super) fn lacking_right(conn: &mut Conn) -> QueryResult<Option<String>> {
    if matches!(conn, Conn::Sqlite(_)) {
        return Ok(None);
    }
    // Several rights in one call would mean: any of them.
    let sql = format!(
        "SELECT CAST(relname AS TEXT) AS value FROM pg_class \
         WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('{MIGRATIONS_TABLE}')) \
             AND relkind = 'r' AND relname <> '{MIGRATIONS_TABLE}' \
             AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') \
                 AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')) \
         ORDER BY relname LIMIT 1"
    );
    Ok(texts(conn, &sql)?.pop().map(|table| {
        format!("its role may not write to {table}; grant it SELECT, INSERT, UPDATE and DELETE on all tables")
    }))
}
