//! Group commit: writes that are queued at the same moment share one commit,
//! and so one fsync. Each has its own savepoint, so that a failed write rolls
//! back no other. Every write gets its result after the commit.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use diesel::QueryResult;
use diesel::connection::{AnsiTransactionManager, TransactionManager, TransactionManagerStatus};

use super::Conn;
use super::connection::DatabaseSession;
use super::file::DatabaseFile;
use super::pending_write::PendingWrite;
use super::pool::{Pool, check_out};
use super::schema_guard::SchemaGuard;
use super::transaction::transaction;
use crate::error::{Error, Result};

/// Bounds how long the first write of a group waits for the others.
const MAX_GROUP_SIZE: usize = 256;

/// Checks a connection out of the pool.
pub(super) type Connect<C> = Box<dyn Fn() -> Result<C> + Send>;

/// A handle to the queue of writes.
#[derive(Clone)]
pub(super) struct GroupCommit {
    queue: Sender<QueuedWrite>,
}

struct QueuedWrite {
    /// The key by which the writes of a group are sorted.
    order: Arc<str>,
    write: Box<dyn PendingWrite>,
}

impl GroupCommit {
    /// Starts the writer thread over connections of a pool.
    pub(super) fn over(pool: &Pool, file: &Option<DatabaseFile>, schema: &SchemaGuard) -> Self {
        let (pool, file) = (pool.clone(), file.clone());
        Self::start(Box::new(move || check_out(&pool, file.as_ref())), schema.clone())
    }

    /// Starts the writer thread, which ends when the last handle is dropped.
    fn start<C>(connect: Connect<C>, schema: SchemaGuard) -> Self
    where
        C: std::ops::DerefMut<Target = DatabaseSession> + 'static,
    {
        let (queue, queued) = channel();
        std::thread::Builder::new()
            .name("keyfob-writer".to_owned())
            .spawn(move || run_writer(&connect, &schema, &queued))
            .map_or_else(|error| tracing::error!(%error, "there is no thread to write with"), drop);
        Self { queue }
    }

    /// Queues a write. The writes of a group run sorted by `order`, so that two
    /// instances lock rows in the same order.
    pub(super) fn queue(&self, order: Arc<str>, write: Box<dyn PendingWrite>) {
        // Without the thread the write is dropped, and its receiver fails.
        let _ = self.queue.send(QueuedWrite { order, write });
    }
}

fn run_writer<C>(connect: &Connect<C>, schema: &SchemaGuard, queued: &Receiver<QueuedWrite>)
where
    C: std::ops::DerefMut<Target = DatabaseSession>,
{
    while let Ok(first) = queued.recv() {
        let mut group = vec![first];
        let connection = connect();
        // After the wait for a connection, during which more writes may have been queued.
        group.extend(queued.try_iter().take(MAX_GROUP_SIZE - 1));
        group.retain(|queued| queued.write.is_wanted());
        group.sort_by(|one, other| one.order.cmp(&other.order));
        let commit = connection.and_then(|mut conn| write_all(&mut conn, schema, &mut group));
        if matches!(commit, Err(Error::Unavailable { .. })) {
            // Those that are still queued would wait as long and fail the same way.
            group.extend(queued.try_iter());
        }
        for QueuedWrite { write, .. } in group {
            write.respond(&commit);
        }
    }
}

fn write_all(session: &mut DatabaseSession, schema: &SchemaGuard, group: &mut [QueuedWrite]) -> Result<()> {
    transaction(session, |conn| {
        schema.check(conn)?;
        group.iter_mut().for_each(|queued| run_in_savepoint(conn, &mut *queued.write));
        Ok(())
    })
}

/// Runs a write in a savepoint, which is rolled back when it fails or panics.
fn run_in_savepoint(conn: &mut Conn, write: &mut dyn PendingWrite) {
    if let Err(error) = try_in_savepoint(conn, write) {
        write.fail(error.into());
    }
}

fn try_in_savepoint(conn: &mut Conn, write: &mut dyn PendingWrite) -> QueryResult<()> {
    type Manager = <Conn as diesel::Connection>::TransactionManager;
    let outside = depth(conn);
    Manager::begin_transaction(conn)?;
    if write.run(conn) {
        return Manager::commit_transaction(conn);
    }
    while depth(conn) > outside {
        Manager::rollback_transaction(conn)?;
    }
    Ok(())
}

/// The number of open transactions and savepoints; 0 for a broken connection.
fn depth(conn: &mut Conn) -> u32 {
    let status: &TransactionManagerStatus = match conn {
        Conn::Sqlite(conn) => AnsiTransactionManager::transaction_manager_status_mut(conn),
        Conn::Postgres(conn) => AnsiTransactionManager::transaction_manager_status_mut(conn),
    };
    status.transaction_depth().ok().flatten().map_or(0, std::num::NonZeroU32::get)
}
