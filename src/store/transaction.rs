//! Transactions on either database.

use std::sync::atomic::{AtomicU64, Ordering};

use diesel::Connection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};

use super::Conn;

static COMMITS: AtomicU64 = AtomicU64::new(0);
static ROLLBACKS: AtomicU64 = AtomicU64::new(0);

/// How many transactions that may write were committed, and how many rolled back, since the
/// process started. Writes that share a commit are one.
#[must_use]
pub fn transaction_totals() -> (u64, u64) {
    (COMMITS.load(Ordering::Relaxed), ROLLBACKS.load(Ordering::Relaxed))
}

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
    let total = if result.is_ok() && ended.is_ok() { &COMMITS } else { &ROLLBACKS };
    total.fetch_add(1, Ordering::Relaxed);
    match (result, ended) {
        (Ok(_), Err(error)) => {
            // A commit that failed (disk full) leaves the transaction open.
            let _ = <Conn as Connection>::TransactionManager::rollback_transaction(conn);
            Err(error.into())
        }
        (result, _) => result,
    }
}
