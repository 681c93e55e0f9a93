//! Transactions on either database.

use diesel::Connection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};

use super::Conn;

/// Runs `work` in a transaction, which is rolled back when `work` fails.
///
/// On SQLite it takes the write lock at once (`BEGIN IMMEDIATE`): a transaction
/// that reads first and upgrades its lock later fails with `SQLITE_BUSY` when
/// another connection has written in between.
pub(super) fn transaction<T, E>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E>
where
    E: From<diesel::result::Error>,
{
    match conn {
        Conn::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?,
        Conn::Postgres(postgres) => AnsiTransactionManager::begin_transaction(postgres)?,
    }
    let result = work(conn);
    let ended = match &result {
        Ok(_) => <Conn as Connection>::TransactionManager::commit_transaction(conn),
        Err(_) => <Conn as Connection>::TransactionManager::rollback_transaction(conn),
    };
    match (result, ended) {
        (Ok(_), Err(error)) => {
            // A commit that failed (disk full) leaves the transaction open.
            let _ = <Conn as Connection>::TransactionManager::rollback_transaction(conn);
            Err(error.into())
        }
        (result, _) => result,
    }
}
