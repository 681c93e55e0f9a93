//! The database that is copied. Nobody else works on it meanwhile: what was written to it
//! after its rows were read would be missing in the copy.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::pg::PgRowByRowLoadingMode;
use diesel::prelude::*;

use super::super::connection::Conn;
use super::super::file::DatabaseFile;
use super::super::{DatabaseUrl, MIGRATIONS, OpenOptions, SchemaState, catalog, open, start_failure};
use super::problem::CopyProblem;
use super::row::CopiedRow;
use super::tables::CopiedTable;

/// How long a server that is stopping may take to let go of the database.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
const STOP_RETRY_DELAY: Duration = Duration::from_millis(100);

/// So many rows are in memory at once, or so many bytes of them.
const BATCH_ROWS: usize = 500;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Takes the lock that excludes even readers. A running Keyfob has connections that read,
/// and so has a lock of its own, as long as it runs. The mode has to be set before the first
/// look into the file (<https://sqlite.org/pragma.html#pragma_locking_mode>).
const SQLITE_ALONE: &str = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-16000; BEGIN EXCLUSIVE";
/// The copy takes as long as it takes.
const POSTGRES_WITHOUT_LIMITS: &str = "SET LOCAL statement_timeout=0; SET LOCAL idle_in_transaction_session_timeout=0";
/// Sessions of Keyfob, and of whoever else works as the same role.
const POSTGRES_OTHERS: &str = "SELECT DISTINCT coalesce(nullif(application_name, ''), 'a program without a name') AS value \
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
    AND coalesce(backend_type, 'client backend') = 'client backend' \
    AND (application_name LIKE 'keyfob%' OR usename = session_user) ORDER BY 1";

/// One snapshot of a database that nobody writes to.
pub(super) struct Source {
    url: DatabaseUrl,
    pub(super) conn: Conn,
}

impl Source {
    /// Opens the database, which must be at the schema of this version. It is not changed.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub(super) fn open(url: &DatabaseUrl, options: OpenOptions, tables: &[CopiedTable]) -> Result<Self, String> {
        let conn = match url {
            DatabaseUrl::Sqlite(path) => lock_file(url, &DatabaseFile::open(path)?)?,
            DatabaseUrl::Postgres(address) => {
                let (_, session) = open::connect(url, address, options)?;
                lock_tables(session.into_conn(), tables).map_err(|error| start_failure::describe(url, &error))?
            }
        };
        Ok(Self { url: url.clone(), conn })
    }

    /// How many rows the table has.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn count(&mut self, table: &CopiedTable) -> anyhow::Result<i64> {
        catalog::count(&mut self.conn, &table.name).map_err(|error| unreadable(&self.url, table, error))
    }

    /// Hands over all rows of the table, some at a time.
    ///
    /// # Errors
    /// What `take` gives, or when the database fails.
    pub(super) fn read(
        &mut self,
        table: &CopiedTable,
        mut take: impl FnMut(&[CopiedRow]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let query = diesel::sql_query(table.query());
        match &mut self.conn {
            Conn::Sqlite(conn) => {
                in_batches(&self.url, table, query.load_iter::<_, DefaultLoadingMode>(conn), &mut take)
            }
            // Otherwise libpq would hold all rows of the table in memory.
            Conn::Postgres(conn) => {
                in_batches(&self.url, table, query.load_iter::<_, PgRowByRowLoadingMode>(conn), &mut take)
            }
        }
    }

    /// Whether it is still so that nobody else works on it.
    ///
    /// # Errors
    /// Who does, in one sentence.
    pub(super) fn check_alone(&mut self) -> anyhow::Result<()> {
        match &mut self.conn {
            // The lock lasts as long as the connection.
            Conn::Sqlite(_) => Ok(()),
            Conn::Postgres(_) => refuse_others(&mut self.conn).map_err(|error| CopyProblem::of(&self.url, &error)),
        }
    }
}

/// Rows of a table that can't be read, as those of a text that is no UTF-8.
fn unreadable(url: &DatabaseUrl, table: &CopiedTable, error: diesel::result::Error) -> anyhow::Error {
    CopyProblem::of(url, &anyhow::Error::from(error).context(format!("the rows of {}", table.name)))
}

fn in_batches(
    url: &DatabaseUrl,
    table: &CopiedTable,
    rows: QueryResult<impl Iterator<Item = QueryResult<CopiedRow>>>,
    take: &mut impl FnMut(&[CopiedRow]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut batch, mut size) = (Vec::with_capacity(BATCH_ROWS), 0);
    let failed = |error| unreadable(url, table, error);
    for row in rows.map_err(failed)? {
        let row = row.map_err(failed)?;
        size += row.size();
        batch.push(row);
        if batch.len() == BATCH_ROWS || size >= BATCH_BYTES {
            take(&batch)?;
            batch.clear();
            size = 0;
        }
    }
    if batch.is_empty() { Ok(()) } else { take(&batch) }
}

/// Tries again for as long as a server that was told to stop may take.
fn patiently<T, E>(mut attempt: impl FnMut() -> Result<T, E>, may_pass: impl Fn(&E) -> bool) -> Result<T, E> {
    let began = Instant::now();
    loop {
        match attempt() {
            Err(error) if may_pass(&error) && began.elapsed() < STOP_PATIENCE => thread::sleep(STOP_RETRY_DELAY),
            ended => return ended,
        }
    }
}

fn lock_file(url: &DatabaseUrl, file: &DatabaseFile) -> Result<Conn, String> {
    let lock = || -> anyhow::Result<Conn> {
        let mut conn = SqliteConnection::establish(&file.uri())?;
        conn.batch_execute(SQLITE_ALONE)?;
        Ok(Conn::Sqlite(conn))
    };
    let is_locked = |error: &anyhow::Error| error.to_string().contains("locked");
    let mut conn = patiently(lock, is_locked).map_err(|error| {
        if is_locked(&error) {
            format!(
                "{url} is in use; stop Keyfob before you copy: what it wrote meanwhile would be missing in the copy"
            )
        } else {
            start_failure::describe(url, &error)
        }
    })?;
    refuse_other_versions(&mut conn).map_err(|error| start_failure::describe(url, &error))?;
    Ok(conn)
}

fn lock_tables(mut conn: Conn, tables: &[CopiedTable]) -> anyhow::Result<Conn> {
    refuse_other_versions(&mut conn)?;
    patiently(|| refuse_others(&mut conn), |_| true)?;
    // The locks come before the first query, which takes the snapshot.
    conn.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    conn.batch_execute(POSTGRES_WITHOUT_LIMITS)?;
    let names: Vec<String> = tables.iter().map(|table| format!("\"{}\"", table.name)).collect();
    conn.batch_execute(&format!("LOCK TABLE {} IN SHARE MODE", names.join(", ")))
        .map_err(|error| anyhow::anyhow!("it is being written to ({error}); stop what writes to it before you copy"))?;
    Ok(conn)
}

fn refuse_others(conn: &mut Conn) -> anyhow::Result<()> {
    let others = catalog::texts(conn, POSTGRES_OTHERS)?;
    anyhow::ensure!(
        others.is_empty(),
        "others are connected to it ({}); stop Keyfob, and whatever else works as the same user, before you copy: \
         what they wrote meanwhile would be missing in the copy",
        others.join(", ")
    );
    Ok(())
}

fn refuse_other_versions(conn: &mut Conn) -> anyhow::Result<()> {
    match SchemaState::read(conn, MIGRATIONS)? {
        SchemaState::Current => Ok(()),
        SchemaState::Missing => {
            anyhow::bail!("it has no tables of Keyfob; name another database with --database-url")
        }
        SchemaState::Older(_) | SchemaState::Later(_) => anyhow::bail!(
            "its tables are of another version of Keyfob than this one; bring them up to date with `keyfob migrate`, \
             or copy with the version that used it last"
        ),
    }
}
