//! Inserts of many rows in few statements.

use diesel::query_builder::{BoxedSqlQuery, SqlQuery};

use super::cached::PrepareCached;
use super::connection::{Conn, MultiBackend};
use crate::error::Result;

/// Rows in one statement: sending and parsing it takes longer than writing a row. There are
/// few sizes, so that the statements of all of them stay prepared.
const BATCH_SIZES: [usize; 3] = [100, 10, 1];

/// An insert whose values are being bound.
pub type RowValues<'q> = BoxedSqlQuery<'q, MultiBackend, SqlQuery>;

/// Inserts rows into `table`, such as `settings (name, value)`, which has so many `columns`;
/// `bind` binds the values of one row in their order. The statement is put together here, since
/// Diesel can't insert several rows over a connection to either database.
///
/// # Errors
/// When the database fails.
pub fn insert_rows<'q, T>(
    conn: &mut Conn,
    table: &str,
    columns: usize,
    rows: &'q [T],
    bind: impl Fn(RowValues<'q>, &'q T) -> RowValues<'q>,
) -> Result<()> {
    let mut rest = rows;
    for size in BATCH_SIZES {
        let batches = rest.chunks_exact(size);
        rest = batches.remainder();
        for batch in batches {
            let statement = format!("INSERT INTO {table} VALUES {}", placeholders(conn, size, columns));
            let query = diesel::sql_query(statement).into_boxed::<MultiBackend>();
            batch.iter().fold(query, &bind).prepare_cached().execute(conn)?;
        }
    }
    Ok(())
}

fn placeholders(conn: &Conn, rows: usize, columns: usize) -> String {
    let sign = placeholder_sign(conn);
    let row = |row: usize| {
        let places: Vec<String> = (1..=columns).map(|column| format!("{sign}{}", row * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// What stands before the number of a placeholder.
#[must_use]
pub const fn placeholder_sign(conn: &Conn) -> char {
    if matches!(conn, Conn::Postgres(_)) { '$' } else { '?' }
}
