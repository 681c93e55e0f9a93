//! The database: connection pools, transactions, migrations, and all that
//! differs between SQLite and PostgreSQL. Knows no domain.

mod actor;
mod audit_row;
mod backup;
mod cached;
mod catalog;
mod change;
pub mod change_log;
mod connection;
mod connection_string;
mod copy;
mod deadline;
mod digest_check;
mod file;
mod group_commit;
mod inspection;
pub mod many_rows;
mod migrations;
mod open;
mod outage_log;
mod pending_read;
mod pending_write;
mod pool;
mod postgres;
mod restore;
pub mod schema;
mod schema_guard;
mod schema_state;
mod search_fill;
mod start_failure;
mod transaction;
pub(crate) mod types;
mod upgrade;
mod url;
mod watch;

use std::sync::Arc;

use r2d2::PooledConnection;
use tokio::sync::oneshot;

pub use actor::{Actor, ActorKind, Via};
pub use audit_row::AuditRow;
pub use backup::back_up;
pub use cached::PrepareCached;
pub use change::{AuditEvent, Effects, Tx};
pub use connection::{Conn, MultiBackend};
pub use copy::{Copied, CopyStep, UnbalancedAccount, copy};
pub use inspection::{Inspection, inspect};
pub use migrations::{MIGRATIONS, Migrations, SchemaMigration};
pub use open::{DEFAULT_CONNECTIONS, MIN_CONNECTIONS, MayCreate, OpenOptions, remove_unfinished};
pub use outage_log::{log_outage, log_outage_cause, log_poll, outage_total};
pub use pool::{MAX_LOOK_UPS, PoolFigures};
pub use restore::restore;
pub use schema_state::SchemaState;
pub use transaction::transaction_totals;
pub use types::{Digest, UtcTime};
pub use upgrade::start_alone;
pub use url::DatabaseUrl;
pub use watch::Watch;

use crate::error::{Error, Result};
use change::Listeners;
use change_log::SecretChange;
use connection::ConnectionManager;
use file::DatabaseFile;
use group_commit::GroupCommit;
use open::Opened;
use pending_read::{PendingRead, run_read};
use pending_write::{PendingWrite, pending_write};
use pool::{Pool, check_out, pool_sizes};
use schema_guard::SchemaGuard;
use transaction::transaction;

/// A handle to the open database; clones share its connections.
#[derive(Clone)]
pub struct Store {
    reads: Pool,
    writes: Pool,
    group_commit: GroupCommit,
    look_ups: Pool,
    manager: ConnectionManager,
    file: Option<DatabaseFile>,
    schema: SchemaGuard,
    is_new: bool,
    stale_listeners: Listeners<SecretChange>,
    event_listeners: Listeners<AuditRow>,
}

impl Store {
    /// Opens the database at `url` and runs the migrations that are missing. A
    /// database that does not exist is created; one that exists is never replaced.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub fn open(url: &DatabaseUrl) -> Result<Self, String> {
        Self::open_with(url, OpenOptions::default())
    }

    /// Like [`open`](Self::open), as `options` say.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub fn open_with(url: &DatabaseUrl, options: OpenOptions) -> Result<Self, String> {
        let Opened { manager, file, is_new } = open::open(url, options)?;
        let (readers, writers) = pool_sizes(file.is_some(), options.connections);
        let reader = manager.for_reading();
        let look_ups = Pool::open("look_up", reader.clone(), MAX_LOOK_UPS);
        // Establishes the first connection before the first request needs it.
        drop(look_ups.get());
        let writes = Pool::open("write", manager, writers);
        let schema = SchemaGuard::default();
        Ok(Self {
            group_commit: GroupCommit::over(&writes, &file, &schema),
            reads: Pool::open("read", reader.clone(), readers),
            look_ups,
            manager: reader,
            writes,
            file,
            schema,
            is_new,
            stale_listeners: Listeners::default(),
            event_listeners: Listeners::default(),
        })
    }

    /// Says in the log whether the connections to a server are encrypted.
    pub fn log_encryption(&self) {
        self.manager.log_encryption();
    }

    /// Whether [`open`](Self::open) created the database's tables.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Runs queries that change nothing, on a thread that may block.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.read_from(|store| &store.reads, work).await
    }

    async fn read_from<T, F>(&self, pool: fn(&Self) -> &Pool, work: F) -> Result<T>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (response, result) = oneshot::channel();
        // It fails when the caller has stopped waiting.
        self.spawn_read(pool, Box::new(move |conn| drop(response.send(conn.and_then(work)))));
        deadline::read(result).await
    }

    fn spawn_read(&self, pool: fn(&Self) -> &Pool, read: PendingRead) {
        let store = self.clone();
        tokio::task::spawn_blocking(move || run_read(store.connection(pool(&store)), read));
    }

    /// Runs changes in one transaction, on a thread that may block. When this
    /// returns, they are durable, or rolled back after an error.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.write_then(work, |value| value).await
    }

    /// Like [`write`](Self::write), and runs `then` after the commit, even if the
    /// caller's future was dropped meanwhile.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub async fn write_then<T, U, F, G>(&self, work: F, then: G) -> Result<U>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        G: FnOnce(T) -> U + Send + 'static,
        T: Send + 'static,
        U: Send + 'static,
    {
        let (write, result) = pending_write(work, then);
        if self.file.is_some() {
            // SQLite has one writer. Transactions that wait for it share a commit, and so an fsync.
            self.group_commit.queue(Arc::default(), write);
        } else {
            self.spawn_write(write);
        }
        deadline::write(result).await
    }

    /// Runs a write in a transaction of its own.
    fn spawn_write(&self, mut write: Box<dyn PendingWrite>) {
        let store = self.clone();
        tokio::task::spawn_blocking(move || {
            let run = |conn: &mut Conn| {
                store.schema.check(conn)?;
                if write.run(conn) { Ok(()) } else { Err(Error::internal(anyhow::anyhow!("rolled back"))) }
            };
            let committed = check_out(&store.writes, None).and_then(|mut session| transaction(&mut session, run));
            // What the work gave matters more than that it was rolled back.
            write.respond(&committed);
        });
    }

    /// Like [`write`](Self::write), for small and frequent changes: those that
    /// are queued at the same moment share one commit (group commit), and each
    /// is rolled back by itself when it fails. Writes of one commit run sorted by
    /// `order`, the id of the row that they contend for, so that two instances
    /// lock rows in the same order and never deadlock.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub async fn write_grouped<T, F>(&self, order: &str, work: F) -> Result<T>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (write, result) = pending_write(work, |value| value);
        self.group_commit.queue(order.into(), write);
        deadline::write(result).await
    }

    /// Makes a change on behalf of `actor`, in one transaction. When this
    /// returns, the key cache of this instance holds no stale entry of a changed
    /// key; other instances learn of it within a second.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`]; then nothing is changed.
    pub async fn change<T, F>(&self, actor: Actor, now: UtcTime, work: F) -> Result<T>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (on_stale, on_event) = (self.stale_listeners.clone(), self.event_listeners.clone());
        let change = move |conn: &mut Conn| Tx::run(conn, actor, now, work);
        let committed = move |(value, effects): (T, Effects)| {
            on_stale.notify(&effects.stale);
            on_event.notify(&effects.events);
            value
        };
        self.write_then(change, committed).await
    }

    /// Registers a callback for the secrets whose keys changes on this instance make
    /// stale. It runs after the commit and before [`change`](Self::change) returns.
    pub fn on_stale(&self, listener: impl Fn(&SecretChange) + Send + Sync + 'static) {
        self.stale_listeners.add(listener);
    }

    /// Registers a callback for the audit events of changes on this instance. It runs after
    /// the commit and before [`change`](Self::change) returns, on the thread that wrote them.
    pub fn on_event(&self, listener: impl Fn(&AuditRow) + Send + Sync + 'static) {
        self.event_listeners.add(listener);
    }

    /// Like [`read`](Self::read), over the connections that are kept for looking up keys.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub async fn look_up<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.read_from(|store| &store.look_ups, work).await
    }

    /// A dedicated connection for a thread that polls the database.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::new(self.manager.clone(), self.file.clone(), self.schema.clone())
    }

    /// A connection for reading, unless a newer version has changed the schema.
    fn connection(&self, pool: &Pool) -> Result<PooledConnection<ConnectionManager>> {
        self.schema.check_last_seen()?;
        check_out(pool, self.file.as_ref())
    }

    /// The figures of each pool, for metrics.
    #[must_use]
    pub fn pools(&self) -> [PoolFigures; 3] {
        [self.reads.figures(), self.writes.figures(), self.look_ups.figures()]
    }
}
