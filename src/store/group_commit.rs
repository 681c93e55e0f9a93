//! Writes that wait at the same moment share one commit, so that durable
//! writes scale with the number of those who wait. Each has a savepoint of its
//! own: one that fails takes no other with it. All are told once the commit is
//! on the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use diesel::connection::{AnsiTransactionManager, TransactionManager, TransactionManagerStatus};
use tokio::sync::oneshot;

use super::Conn;
use super::schema_guard::SchemaGuard;
use crate::error::{Error, Result};

/// Writes in one commit at most: how long the first one may wait for the others.
const MOST: usize = 256;

/// Gives a connection, or says why there is none.
pub(super) type Connect<C> = Box<dyn Fn() -> Result<C> + Send>;

/// The line in which writes wait.
#[derive(Clone)]
pub(super) struct Together {
    line: Sender<Box<dyn Write>>,
}

/// One write, whatever it gives back.
trait Write: Send {
    /// What decides its place in the commit.
    fn order(&self) -> &str;
    /// Whether anybody still waits for it.
    fn is_wanted(&self) -> bool;
    /// Does the work within its savepoint.
    fn run(&mut self, conn: &mut Conn);
    /// Tells the result, now that it is known whether it was committed.
    fn tell(self: Box<Self>, commit: &Result<()>);
}

struct Waiting<T, F, G, U> {
    order: Arc<str>,
    work: Option<F>,
    result: Option<Result<T>>,
    then: G,
    answer: oneshot::Sender<Result<U>>,
}

impl<T, F, G, U> Write for Waiting<T, F, G, U>
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
        !self.answer.is_closed()
    }

    fn run(&mut self, conn: &mut Conn) {
        self.result = self.work.take().map(|work| in_savepoint(conn, work));
    }

    fn tell(self: Box<Self>, commit: &Result<()>) {
        let Self { result, then, answer, .. } = *self;
        let result = match (result, commit) {
            (Some(Ok(value)), Ok(())) => {
                catch_unwind(AssertUnwindSafe(|| then(value))).map_err(|_| Error::internal(anyhow::anyhow!("a panic")))
            }
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.same_again()),
            (None, Ok(())) => Err(Error::internal(anyhow::anyhow!("a write was passed over"))),
        };
        // Whoever asked may be gone.
        let _ = answer.send(result);
    }
}

impl Together {
    /// Starts the thread that writes; it ends with the last handle.
    pub(super) fn start<C>(connect: Connect<C>, schema: SchemaGuard) -> Self
    where
        C: std::ops::DerefMut<Target = Conn> + 'static,
    {
        let (line, waiting) = channel();
        std::thread::Builder::new()
            .name("keyfob-writer".to_owned())
            .spawn(move || keep_writing(&connect, &schema, &waiting))
            .map_or_else(|error| tracing::error!(%error, "there is no thread to write with"), drop);
        Self { line }
    }

    /// Puts a write in line. Those of one commit are done in `order`, so that
    /// two instances lock rows in the same order; `then` runs after the commit.
    pub(super) fn write<T, U, F, G>(&self, order: Arc<str>, work: F, then: G) -> oneshot::Receiver<Result<U>>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        G: FnOnce(T) -> U + Send + 'static,
        T: Send + 'static,
        U: Send + 'static,
    {
        let (answer, told) = oneshot::channel();
        // Without the thread the answer is dropped, which tells enough.
        let _ = self.line.send(Box::new(Waiting { order, work: Some(work), result: None, then, answer }));
        told
    }
}

fn keep_writing<C>(connect: &Connect<C>, schema: &SchemaGuard, waiting: &Receiver<Box<dyn Write>>)
where
    C: std::ops::DerefMut<Target = Conn>,
{
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        let connection = connect();
        // Whoever came while there was no connection is told the same.
        group.extend(waiting.try_iter().take(MOST - 1));
        group.retain(|write| write.is_wanted());
        group.sort_by(|one, other| one.order().cmp(other.order()));
        let commit = connection.and_then(|mut conn| write_all(&mut conn, schema, &mut group));
        if matches!(commit, Err(Error::Unavailable { .. })) {
            // The others would wait as long for the same.
            group.extend(waiting.try_iter());
        }
        for write in group {
            write.tell(&commit);
        }
    }
}

fn write_all(conn: &mut Conn, schema: &SchemaGuard, group: &mut [Box<dyn Write>]) -> Result<()> {
    super::transaction(conn, |conn| {
        schema.check(conn)?;
        group.iter_mut().for_each(|write| write.run(conn));
        Ok(())
    })
}

/// Undoes what `work` did when it fails, and when it panics.
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

/// How many transactions and savepoints are open; 0 for a broken connection.
fn depth(conn: &mut Conn) -> u32 {
    let status: &TransactionManagerStatus = match conn {
        Conn::Sqlite(conn) => AnsiTransactionManager::transaction_manager_status_mut(conn),
        Conn::Postgres(conn) => AnsiTransactionManager::transaction_manager_status_mut(conn),
    };
    status.transaction_depth().ok().flatten().map_or(0, std::num::NonZeroU32::get)
}
