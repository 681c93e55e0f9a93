//! The database: connection pools, transactions, migrations, and all that
//! differs between SQLite and PostgreSQL. Knows no domain.

mod backup;
mod cached;
mod change;
pub mod change_log;
mod connection;
mod connection_string;
mod deadline;
mod file;
mod group_commit;
mod migrations;
mod pool;
pub mod schema;
mod schema_guard;
mod start_failure;
mod transaction;
pub(crate) mod types;
mod upgrade;
mod url;
mod watch;

use std::sync::Arc;

use r2d2::{ManageConnection as _, PooledConnection};

pub use backup::back_up;
pub use cached::PrepareCached;
pub use change::{Actor, ActorKind, AuditEvent, Tx, Via};
pub use connection::{Conn, MultiBackend};
pub use migrations::{MIGRATIONS, Migrations, SchemaMigration};
pub use pool::PoolFigures;
pub use types::{Digest, UtcTime};
pub use upgrade::start_alone;
pub use url::DatabaseUrl;
pub use watch::Watch;

use crate::error::{DatabaseOutage, Error, Result};
use connection::Manager;
use file::DatabaseFile;
use group_commit::GroupCommit;
use pool::Pool;
use schema_guard::SchemaGuard;
use transaction::transaction;

/// Connections for reading. SQLite's readers run beside its one writer (WAL).
const MAX_READERS: u32 = 4;
/// Connections for writing to PostgreSQL, where several transactions may wait
/// for row locks at the same time. SQLite has one writer.
const MAX_WRITERS: u32 = 8;
/// Connections for looking up keys. They are a pool of their own, so that slow
/// pages of the dashboard delay no verdict.
pub const MAX_LOOK_UPS: u32 = 2;

/// Attempts to connect at the start, each with the connection's own time limit.
const MAX_CONNECTS_AT_START: u32 = 3;

/// A handle to the open database; clones share its connections.
#[derive(Clone)]
pub struct Store {
    reads: Pool,
    writes: Pool,
    group_commit: GroupCommit,
    look_ups: Pool,
    manager: Manager,
    file: Option<DatabaseFile>,
    schema: SchemaGuard,
    created: bool,
    listeners: change::Listeners,
}

impl Store {
    /// Opens the database at `url` and runs the migrations that are missing. An
    /// SQLite file that does not exist is created; one that exists is never replaced.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub fn open(url: &DatabaseUrl) -> Result<Self, String> {
        let (manager, file, created) = match url {
            DatabaseUrl::Postgres(address) => (Manager::Postgres(url::with_limits(address)), None, false),
            DatabaseUrl::Sqlite(path) => {
                let (file, created) = DatabaseFile::open_or_create(path)?;
                (Manager::Sqlite { uri: file.uri(), read_only: false }, Some(file), created)
            }
        };
        // Without the pool, which would retry a failed connection without a word until its timeout.
        connect_at_start(&manager)
            .map_err(anyhow::Error::from)
            .and_then(|mut conn| upgrade::upgrade(&mut conn, MIGRATIONS, file.as_ref()))
            .map_err(|error| start_failure::describe(url, &error))?;
        let writers = if file.is_some() { 1 } else { MAX_WRITERS };
        let reader = manager.for_reading();
        let look_ups = Pool::open("look_up", reader.clone(), MAX_LOOK_UPS);
        // Establishes the first connection before the first request needs it.
        drop(look_ups.get());
        let writes = Pool::open("write", manager, writers);
        let schema = SchemaGuard::default();
        Ok(Self {
            group_commit: start_group_commit(&writes, &file, &schema),
            reads: Pool::open("read", reader.clone(), MAX_READERS),
            look_ups,
            manager: reader,
            writes,
            file,
            schema,
            created,
            listeners: change::Listeners::default(),
        })
    }

    /// Whether [`open`](Self::open) created the SQLite file.
    #[must_use]
    pub const fn is_new_file(&self) -> bool {
        self.created
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
        let store = self.clone();
        deadline::read(move || work(&mut *store.connection(&store.reads)?)).await
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
        if self.file.is_some() {
            // SQLite has one writer. Transactions that wait for it share a commit, and so an fsync.
            return deadline::group_write(self.group_commit.write(Arc::default(), work, then)).await;
        }
        let store = self.clone();
        let write = move || {
            let checked = |conn: &mut Conn| store.schema.check(conn).and_then(|()| work(conn));
            transaction(&mut *connection(&store.writes, None)?, checked).map(then)
        };
        deadline::write(write).await
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
        deadline::group_write(self.group_commit.write(order.into(), work, |value| value)).await
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
        let listeners = self.listeners.clone();
        let change = move |conn: &mut Conn| Tx::run(conn, actor, now, work);
        let committed = move |(value, stale): (T, Vec<Digest>)| {
            listeners.notify(&stale);
            value
        };
        self.write_then(change, committed).await
    }

    /// Registers a callback for the digests that changes on this instance make
    /// stale. It runs after the commit and before [`change`](Self::change) returns.
    pub fn on_stale(&self, listener: impl Fn(&Digest) + Send + Sync + 'static) {
        self.listeners.add(listener);
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
        let store = self.clone();
        deadline::read(move || work(&mut *store.connection(&store.look_ups)?)).await
    }

    /// A dedicated connection for a thread that polls the database.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::new(self.manager.clone(), self.file.clone(), self.schema.clone())
    }

    /// A connection for reading, unless a newer version has changed the schema.
    fn connection(&self, pool: &Pool) -> Result<PooledConnection<Manager>> {
        self.schema.check_last_seen()?;
        connection(pool, self.file.as_ref())
    }

    /// The figures of each pool, for metrics.
    #[must_use]
    pub fn pools(&self) -> [PoolFigures; 3] {
        [self.reads.figures(), self.writes.figures(), self.look_ups.figures()]
    }
}

/// Connects once more, and a third time, where a server that is busy with something
/// else did not answer in time. Every other failure is final at once.
fn connect_at_start(manager: &Manager) -> Result<Conn, diesel::r2d2::Error> {
    let mut connected = manager.connect();
    for _ in 1..MAX_CONNECTS_AT_START {
        match &connected {
            Err(error) if error.to_string().contains("timeout expired") => {
                tracing::warn!("the database server did not answer in time; connecting again");
                connected = manager.connect();
            }
            _ => break,
        }
    }
    connected
}

fn connection(pool: &Pool, file: Option<&DatabaseFile>) -> Result<PooledConnection<Manager>> {
    if let Some(file) = file {
        file.check_in_place()?;
    }
    pool.get().map_err(|error| {
        // SQLite's one writer is busy, or PostgreSQL is down or has no free connection.
        let reason = if file.is_some() { DatabaseOutage::Locked } else { DatabaseOutage::Unreachable };
        Error::unavailable(reason, error)
    })
}

fn start_group_commit(pool: &Pool, file: &Option<DatabaseFile>, schema: &SchemaGuard) -> GroupCommit {
    let (pool, file) = (pool.clone(), file.clone());
    GroupCommit::start(Box::new(move || connection(&pool, file.as_ref())), schema.clone())
}
