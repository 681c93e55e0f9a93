//! Group commit: writes that are queued at the same moment share one commit,
//! and so one fsync. Each has its own savepoint, so that a failed write rolls
//! back no other. Every write gets its result after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use diesel::connection::{AnsiTransactionManager, TransactionManager, TransactionManagerStatus};
use tokio::sync::oneshot;

use super::Conn;
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
    queue: Sender<Box<dyn QueuedWrite>>,
}

/// A queued write with its types erased.
trait QueuedWrite: Send {
    /// The key by which the writes of a group are sorted.
    fn order(&self) -> &str;
    /// Whether the caller still waits for the result.
    fn is_wanted(&self) -> bool;
    /// Does the work within its savepoint.
    fn run(&mut self, conn: &mut Conn);
    /// Sends the result to the caller, once the commit has succeeded or failed.
    fn respond(self: Box<Self>, commit: &Result<()>);
}

struct PendingWrite<T, F, G, U> {
    order: Arc<str>,
    work: Option<F>,
    result: Option<Result<T>>,
    then: G,
    response: oneshot::Sender<Result<U>>,
}

impl<T, F, G, U> QueuedWrite for PendingWrite<T, F, G, U>
where
    F: FnOnce(&mut Conn) -> Result<T> + Send,
    G: FnOnce(T) -> U + Send,
    T: Send,
    U: Send,
{
    fn order(&self) -> &str {
        &self.order
    }

    fn is_wanted(&self) -> bool {
        !self.response.is_closed()
    }

    fn run(&mut self, conn: &mut Conn) {
        self.result = self.work.take().map(|work| in_savepoint(conn, work));
    }

    fn respond(self: Box<Self>, commit: &Result<()>) {
        let Self { result, then, response, .. } = *self;
        let result = match (result, commit) {
            (Some(Ok(value)), Ok(())) => {
                catch_unwind(AssertUnwindSafe(|| then(value))).map_err(|_| Error::internal(anyhow::anyhow!("a panic")))
            }
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.same_again()),
            (None, Ok(())) => Err(Error::internal(anyhow::anyhow!("a write was not run"))),
        };
        // Fails when the caller has stopped waiting.
        let _ = response.send(result);
    }
}

impl GroupCommit {
    /// Starts the writer thread, which ends when the last handle is dropped.
    pub(super) fn start<C>(connect: Connect<C>, schema: SchemaGuard) -> Self
    where
        C: std::ops::DerefMut<Target = Conn> + 'static,
    {
        let (queue, queued) = channel();
        std::thread::Builder::new()
            .name("keyfob-writer".to_owned())
            .spawn(move || run_writer(&connect, &schema, &queued))
            .map_or_else(|error| tracing::error!(%error, "there is no thread to write with"), drop);
        Self { queue }
    }

    /// Queues a write. The writes of a group run sorted by `order`, so that two
    /// instances lock rows in the same order; `then` runs after the commit.
    pub(super) fn write<T, U, F, G>(&self, order: Arc<str>, work: F, then: G) -> oneshot::Receiver<Result<U>>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        G: FnOnce(T) -> U + Send + 'static,
        T: Send + 'static,
        U: Send + 'static,
    {
        let (response, result) = oneshot::channel();
        // Without the thread the sender is dropped, and the receiver fails.
        let _ = self.queue.send(Box::new(PendingWrite { order, work: Some(work), result: None, then, response }));
        result
    }
}

fn run_writer<C>(connect: &Connect<C>, schema: &SchemaGuard, queued: &Receiver<Box<dyn QueuedWrite>>)
where
    C: std::ops::DerefMut<Target = Conn>,
{
    while let Ok(first) = queued.recv() {
        let mut group = vec![first];
        let connection = connect();
        // After the wait for a connection, during which more writes may have been queued.
        group.extend(queued.try_iter().take(MAX_GROUP_SIZE - 1));
        group.retain(|write| write.is_wanted());
        group.sort_by(|one, other| one.order().cmp(other.order()));
        let commit = connection.and_then(|mut conn| write_all(&mut conn, schema, &mut group));
        if matches!(commit, Err(Error::Unavailable { .. })) {
            // Those that are still queued would wait as long and fail the same way.
            group.extend(queued.try_iter());
        }
        for write in group {
            write.respond(&commit);
        }
    }
}

fn write_all(conn: &mut Conn, schema: &SchemaGuard, group: &mut [Box<dyn QueuedWrite>]) -> Result<()> {
    transaction(conn, |conn| {
        schema.check(conn)?;
        group.iter_mut().for_each(|write| write.run(conn));
        Ok(())
    })
}

/// Runs `work` in a savepoint, which is rolled back when it fails or panics.
fn in_savepoint<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    type Manager = <Conn as diesel::Connection>::TransactionManager;
    let outside = depth(conn);
    Manager::begin_transaction(conn)?;
    let result = catch_unwind(AssertUnwindSafe(|| work(conn)));
    let result = result.unwrap_or_else(|_| Err(Error::internal(anyhow::anyhow!("a write panicked"))));
    match &result {
        Ok(_) => Manager::commit_transaction(conn)?,
        Err(_) => {
            while depth(conn) > outside {
                Manager::rollback_transaction(conn)?;
            }
        }
    }
    result
}

/// The number of open transactions and savepoints; 0 for a broken connection.
fn depth(conn: &mut Conn) -> u32 {
    let status: &TransactionManagerStatus = match conn {
        Conn::Sqlite(conn) => AnsiTransactionManager::transaction_manager_status_mut(conn),
        Conn::Postgres(conn) => AnsiTransactionManager::transaction_manager_status_mut(conn),
    };
    status.transaction_depth().ok().flatten().map_or(0, std::num::NonZeroU32::get)
}
