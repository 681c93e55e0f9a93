//! The database: one door for reads, one for writes, and all that differs
//! between SQLite and PostgreSQL. Knows no domain.

mod backup;
mod cached;
mod change;
pub mod change_log;
mod connection;
mod file;
mod group_commit;
mod migrations;
mod pool;
pub mod schema;
mod schema_guard;
pub(crate) mod types;
mod upgrade;
mod url;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use diesel::Connection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use r2d2::{ManageConnection as _, PooledConnection};
use tokio::sync::oneshot;

pub use backup::back_up;
pub use cached::Steadily;
pub use change::{Actor, ActorKind, AuditEvent, Tx, Via};
pub use connection::{Conn, MultiBackend};
pub use migrations::{MIGRATIONS, Migrations, SchemaMigration};
pub use pool::PoolFigures;
pub use types::{Digest, UtcTime};
pub use upgrade::start_alone;
pub use url::DatabaseUrl;
pub use watch::Watch;

use crate::error::{Error, Outage, Result};
use connection::Manager;
use file::DatabaseFile;
use group_commit::Together;
use pool::Pool;
use schema_guard::SchemaGuard;

/// Connections for reading. SQLite reads in parallel with its one writer.
const READERS: u32 = 4;
/// Connections for writing to a server, where some may wait for others' locks;
/// SQLite has one writer.
const WRITERS: u32 = 8;
/// Connections for looking up keys, apart from the dashboard's.
pub const LOOK_UPS: u32 = 2;
/// How long reading may take, waiting included. A server that is frozen, or
/// that the network has lost, does not say that it will not answer.
const READ_WITHIN: Duration = Duration::from_secs(4);
/// How long writing may take, with the wait for other programs' locks.
const WRITE_WITHIN: Duration = Duration::from_secs(9);

/// The open database.
#[derive(Clone)]
pub struct Store {
    reads: Pool,
    writes: Pool,
    together: Together,
    look_ups: Pool,
    manager: Manager,
    file: Option<DatabaseFile>,
    schema: SchemaGuard,
    created: bool,
    listeners: change::Listeners,
}

impl Store {
    /// Opens the database at `url` and brings its tables up to date. An SQLite
    /// file that does not exist is made; one that exists is never replaced.
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
        // One connection without a pool: a pool would retry in silence.
        manager
            .connect()
            .map_err(anyhow::Error::from)
            .and_then(|mut conn| upgrade::upgrade(&mut conn, MIGRATIONS, file.as_ref()))
            .map_err(|error| start_failure(url, &error))?;
        let writers = if file.is_some() { 1 } else { WRITERS };
        let reader = manager.for_reading();
        let look_ups = Pool::open("look_up", reader.clone(), LOOK_UPS);
        // Connected now, so that the first requests do not wait for it.
        drop(look_ups.get());
        let writes = Pool::open("write", manager, writers);
        let schema = SchemaGuard::default();
        Ok(Self {
            together: write_together(&writes, &file, &schema),
            reads: Pool::open("read", reader.clone(), READERS),
            look_ups,
            manager: reader,
            writes,
            file,
            schema,
            created,
            listeners: change::Listeners::default(),
        })
    }

    /// Whether [`open`](Self::open) made the file.
    #[must_use]
    pub const fn is_new_file(&self) -> bool {
        self.created
    }

    /// Runs queries that change nothing, off the async threads.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let store = self.clone();
        blocking(READ_WITHIN, move || work(&mut *store.connection(&store.reads)?)).await
    }

    /// Runs changes in one transaction, off the async threads; they are on the
    /// disk when this returns, or none of them is.
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

    /// Like [`write`](Self::write), with something to do once the changes are
    /// on the disk, whether or not anybody still waits for them.
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
            // SQLite has one writer, and who waits for it may as well share its commit.
            return answered(self.together.write(Arc::default(), work, then)).await;
        }
        let store = self.clone();
        let write = move || {
            let checked = |conn: &mut Conn| store.schema.check(conn).and_then(|()| work(conn));
            transaction(&mut *connection(&store.writes, None)?, checked).map(then)
        };
        blocking(WRITE_WITHIN, write).await
    }

    /// Like [`write`](Self::write), for many small changes at once: those that
    /// wait at the same moment share one commit, and each is done or not done
    /// for itself. `order` says in which order they lock rows, the same on
    /// every instance: the id of what they all change.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub async fn write_together<T, F>(&self, order: &str, work: F) -> Result<T>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        answered(self.together.write(order.into(), work, |value| value)).await
    }

    /// Looks up a key; like [`read`](Self::read), over connections that the
    /// dashboard does not wait for.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Unavailable`].
    pub async fn look_up<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let store = self.clone();
        blocking(READ_WITHIN, move || work(&mut *store.connection(&store.look_ups)?)).await
    }

    /// A connection of its own, for a thread that keeps asking.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch::new(self.manager.clone(), self.file.clone(), self.schema.clone())
    }

    /// A connection for reading.
    fn connection(&self, pool: &Pool) -> Result<PooledConnection<Manager>> {
        self.schema.check_last_seen()?;
        connection(pool, self.file.as_ref())
    }

    /// How busy the connections are.
    #[must_use]
    pub fn pools(&self) -> [PoolFigures; 3] {
        [self.reads.figures(), self.writes.figures(), self.look_ups.figures()]
    }
}

fn connection(pool: &Pool, file: Option<&DatabaseFile>) -> Result<PooledConnection<Manager>> {
    if let Some(file) = file {
        file.check_in_place()?;
    }
    pool.get().map_err(|error| {
        // SQLite's one writer is busy; a server has no free connection or is down.
        let reason = if file.is_some() { Outage::Locked } else { Outage::Unreachable };
        Error::unavailable(reason, error)
    })
}

fn write_together(pool: &Pool, file: &Option<DatabaseFile>, schema: &SchemaGuard) -> Together {
    let (pool, file) = (pool.clone(), file.clone());
    Together::start(Box::new(move || connection(&pool, file.as_ref())), schema.clone())
}

/// Waits for a write; what takes too long goes on by itself.
async fn answered<T>(answer: oneshot::Receiver<Result<T>>) -> Result<T> {
    match tokio::time::timeout(WRITE_WITHIN, answer).await {
        Ok(Ok(result)) => result,
        Ok(Err(gone)) => Err(Error::internal(gone)),
        Err(_) => Err(too_late(WRITE_WITHIN)),
    }
}

fn too_late(within: Duration) -> Error {
    Error::unavailable(Outage::Unreachable, anyhow::anyhow!("no answer within {within:?}"))
}

/// Works off the async threads. What takes too long goes on by itself: whether
/// it is done in the end is not known.
async fn blocking<T: Send + 'static>(within: Duration, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let Ok(done) = tokio::time::timeout(within, tokio::task::spawn_blocking(work)).await else {
        return Err(too_late(within));
    };
    done.unwrap_or_else(|panic| Err(Error::internal(panic)))
}

/// SQLite takes its write lock at once: a transaction that reads first and
/// asks for the lock later fails where another one wrote in between.
fn transaction<T, E>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E>
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

/// Puts a failure at the start in one sentence that says what to change.
fn start_failure(url: &DatabaseUrl, error: &anyhow::Error) -> String {
    let cause = format!("{error:#}");
    let cause = cause.lines().next().unwrap_or_default();
    let has = |text: &str| cause.contains(text);
    let advice = match url {
        DatabaseUrl::Postgres(_) if has("no encryption") || has("SSL") => {
            "; this server wants TLS, which needs a build with: cargo build --release --features pg-tls"
        }
        DatabaseUrl::Postgres(_) if has("onnection refused") || has("translate host name") => {
            "; start the server, or mend the address in --database-url (DATABASE_URL)"
        }
        DatabaseUrl::Postgres(_) if has("authentication failed") || has("does not exist") => {
            "; mend the user, password or database in --database-url (DATABASE_URL)"
        }
        DatabaseUrl::Sqlite(_) if has("locked") => "; another program holds it: stop that program and start again",
        DatabaseUrl::Sqlite(_) if has("readonly") => "; give Keyfob's user the right to write it and its folder",
        DatabaseUrl::Sqlite(_) if has("not a database") || has("malformed") => "; restore it from a backup",
        DatabaseUrl::Sqlite(_) if has("full") => "; free some space on its disk",
        _ => "",
    };
    format!("{url} can't be used: {cause}{advice}")
}
