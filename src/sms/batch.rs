//! Many small changes in one transaction.

use diesel::Connection as _;

use crate::error::{Error, Result};
use crate::store::Conn;

/// Does `work` for each item, in a savepoint each: an item that fails is logged
/// and rolled back alone, so that it does not block the others. Returns the results.
///
/// # Errors
/// [`Error::Unavailable`], which concerns all items.
pub(super) fn each<T, R>(conn: &mut Conn, items: &[T], work: impl Fn(&mut Conn, &T) -> Result<R>) -> Result<Vec<R>> {
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        match conn.transaction(|conn| work(conn, item)) {
            Ok(result) => results.push(result),
            Err(Error::NotFound) => {}
            Err(error @ Error::Unavailable { .. }) => return Err(error),
            Err(Error::Internal(cause)) => {
                tracing::error!(cause = format!("{cause:#}"), "a change failed and was skipped")
            }
            Err(error) => tracing::error!(%error, "a change failed and was skipped"),
        }
    }
    Ok(results)
}
