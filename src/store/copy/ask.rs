//! Queries whose text is put together here, over a connection to either database.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::super::Conn;

#[derive(QueryableByName)]
struct AskedText {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(QueryableByName)]
struct AskedNumber {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

/// The texts in the column `value`.
///
/// # Errors
/// When the database fails.
pub(super) fn texts(conn: &mut Conn, sql: &str) -> QueryResult<Vec<String>> {
    let rows: Vec<AskedText> = diesel::sql_query(sql).load(conn)?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

/// How many rows a table has.
///
/// # Errors
/// When the database fails.
pub(super) fn count(conn: &mut Conn, table: &str) -> QueryResult<i64> {
    let row: AskedNumber = diesel::sql_query(format!("SELECT count(*) AS value FROM \"{table}\"")).get_result(conn)?;
    Ok(row.value)
}

/// Whether a table has more rows than so many, however many there are.
///
/// # Errors
/// When the database fails.
pub(super) fn has_more_than(conn: &mut Conn, table: &str, rows: i64) -> QueryResult<bool> {
    let query = format!("SELECT count(*) AS value FROM (SELECT 1 FROM \"{table}\" LIMIT {}) AS first_rows", rows + 1);
    let row: AskedNumber = diesel::sql_query(query).get_result(conn)?;
    Ok(row.value > rows)
}

/// The versions of the migrations that were run; none where there is no table of them.
///
/// # Errors
/// When the database fails.
pub(super) fn versions(conn: &mut Conn) -> QueryResult<Vec<String>> {
    if !tables(conn)?.iter().any(|table| table == MIGRATIONS_TABLE) {
        return Ok(Vec::new());
    }
    texts(conn, &format!("SELECT CAST(version AS TEXT) AS value FROM {MIGRATIONS_TABLE} ORDER BY version"))
}

/// The table in which Diesel notes what was run.
pub(super) const MIGRATIONS_TABLE: &str = "__diesel_schema_migrations";

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
