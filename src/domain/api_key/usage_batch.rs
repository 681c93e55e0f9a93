//! Statements that write several rows at once.

use diesel::prelude::*;

use crate::store::Conn;

/// Rows in one statement: parsing it takes longer than writing a row. There are
/// few sizes, so that the statements of all of them stay prepared.
const BATCH_SIZES: [usize; 3] = [200, 20, 1];

/// Calls `write` with all rows, so many at a time as one of its statements has.
pub(super) fn in_batches<T>(rows: &[T], mut write: impl FnMut(&[T]) -> QueryResult<()>) -> QueryResult<()> {
    let mut rest = rows;
    for count in BATCH_SIZES {
        let mut batches = rest.chunks_exact(count);
        rest = batches.remainder();
        batches.try_for_each(&mut write)?;
    }
    Ok(())
}

/// The placeholders for the values of so many rows.
pub(super) fn placeholders(conn: &Conn, rows: usize, columns: usize) -> String {
    let sign = if matches!(conn, Conn::Postgres(_)) { '$' } else { '?' };
    let row = |row: usize| {
        let values: Vec<_> = (1..=columns).map(|column| format!("{sign}{}", row * columns + column)).collect();
        format!("({})", values.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}
