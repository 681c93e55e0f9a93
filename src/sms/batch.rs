//! Many small changes in one transaction.

use diesel::Connection as _;

use crate::error::{Error, Result};
use crate::store::Conn;

/// Does `work` for each item. One that fails by itself is logged and undone
/// alone, so that it keeps no other back.
///
/// # Errors
/// [`Error::Unavailable`], which is about all of them.
pub(super) fn each<T>(conn: &mut Conn, items: &[T], work: impl Fn(&mut Conn, &T) -> Result<()>) -> Result<()> {
    for item in items {
        match conn.transaction(|conn| work(conn, item)) {
            Ok(()) | Err(Error::NotFound) => {}
            Err(error @ Error::Unavailable { .. }) => return Err(error),
            Err(Error::Internal(cause)) => tracing::error!(cause = format!("{cause:#}"), "a change was passed over"),
            Err(error) => tracing::error!(%error, "a change was passed over"),
        }
    }
    Ok(())
}
