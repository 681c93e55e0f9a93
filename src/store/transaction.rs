//! Transactions on either database.

use std::sync::atomic::{AtomicU64, Ordering};

use diesel::Connection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};

use super::Conn;
use super::connection::DatabaseSession;

/// Begins a transaction behind a pooler. The limits of a session would be those of other
/// programs too, or be lost. And each transaction may be another server's: one that is a
/// standby does not allow `READ WRITE`.
const BEGIN_POOLED: &str = "BEGIN READ WRITE; SET LOCAL statement_timeout='10s'; SET LOCAL lock_timeout='2s'; \
    SET LOCAL idle_in_transaction_session_timeout='30s'";

type Transactions = <Conn as Connection>::TransactionManager;

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
pub(super) fn transaction<T, E>(
    session: &mut DatabaseSession,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<diesel::result::Error>,
{
    let is_pooled = session.is_pooled();
    match &mut **session {
        Conn::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?,
        Conn::Postgres(postgres) if is_pooled => AnsiTransactionManager::begin_transaction_sql(postgres, BEGIN_POOLED)?,
        Conn::Postgres(postgres) => AnsiTransactionManager::begin_transaction(postgres)?,
    }
    end(session, work)
}

/// Runs `work`, which changes nothing: in one transaction behind a pooler, and otherwise
/// without.
pub(super) fn reading<T, E>(session: &mut DatabaseSession, work: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E>
where
    E: From<diesel::result::Error>,
{
    if session.is_pooled() { transaction(session, work) } else { work(session) }
}

/// Like [`reading`], in one transaction anyway, which takes no lock of SQLite's.
pub(super) fn reading_at_once<T, E>(
    session: &mut DatabaseSession,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<diesel::result::Error>,
{
    if session.is_pooled() { transaction(session, work) } else { session.transaction(work) }
}

fn end<T, E>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E>
where
    E: From<diesel::result::Error>,
{
    let result = work(conn);
    let ended = match &result {
        Ok(_) => Transactions::commit_transaction(conn),
        Err(_) => Transactions::rollback_transaction(conn),
    };
    let total = if result.is_ok() && ended.is_ok() { &COMMITS } else { &ROLLBACKS };
    total.fetch_add(1, Ordering::Relaxed);
    match (result, ended) {
        (Ok(_), Err(error)) => {
            // A commit that failed (disk full) leaves the transaction open.
            let _ = Transactions::rollback_transaction(conn);
            Err(error.into())
        }
        (result, _) => result,
    }
}
