//! Opening the database: waiting for its server, making its file, bringing its
//! tables up to date.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use r2d2::ManageConnection as _;

use super::connection::{Conn, ConnectionManager, DatabaseSession};
use super::connection_string::ConnectionString;
use super::file::{self, DatabaseFile, beside};
use super::{DatabaseUrl, MIGRATIONS, backup, catalog, digest_check, start_failure, upgrade};

/// The connections that one instance takes of PostgreSQL, at most.
pub const DEFAULT_CONNECTIONS: u32 = 16;
/// With fewer there would be none left for some kind of work.
pub const MIN_CONNECTIONS: u32 = 6;
/// Of these connections, those that poll: the gate's and the SMS service's.
pub(super) const POLLING_CONNECTIONS: u32 = 2;

const CONNECT_RETRY_DELAY: Duration = Duration::from_millis(250);

/// What [`Store::open`](super::Store::open) may do, and how much of the server it takes.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions {
    /// What is made where it does not exist.
    pub may_create: MayCreate,
    /// For how long to wait for a PostgreSQL server that is not up yet.
    pub wait: Duration,
    /// The most connections to PostgreSQL.
    pub connections: u32,
    /// Whether a pooler in transaction mode (pgbouncer) stands before PostgreSQL.
    pub is_pooled: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            may_create: MayCreate::Database,
            wait: Duration::ZERO,
            connections: DEFAULT_CONNECTIONS,
            is_pooled: false,
        }
    }
}

/// What may be made where it does not exist. A command that makes a database
/// wherever it is run would hide that it was run in the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayCreate {
    /// Nothing: the database has to be one of Keyfob's.
    Nothing,
    /// The tables in an empty database of a server.
    Tables,
    /// The SQLite file too.
    Database,
}

/// A database whose tables are up to date.
pub(super) struct Opened {
    pub(super) manager: ConnectionManager,
    pub(super) file: Option<DatabaseFile>,
    /// Whether it was empty before.
    pub(super) is_new: bool,
}

pub(super) fn open(url: &DatabaseUrl, options: OpenOptions) -> Result<Opened, String> {
    match url {
        DatabaseUrl::Postgres(address) => {
            let (manager, mut session) = connect(url, address, options)?;
            let may_create = options.may_create != MayCreate::Nothing;
            let prepare = |session: &mut DatabaseSession| {
                let is_new = upgrade::upgrade(session, MIGRATIONS, None, may_create)?;
                refuse_read_only(session)?;
                digest_check::check(session).map(|()| is_new)
            };
            let is_new = prepare(&mut session).map_err(|error| start_failure::describe(url, &error))?;
            Ok(Opened { manager, file: None, is_new })
        }
        DatabaseUrl::Sqlite(path) => {
            let is_new = options.may_create == MayCreate::Database && make(url, path)?;
            let file = DatabaseFile::open(path)?;
            file.check_writable()?;
            upgrade_file(url, &file)?;
            guard_journals(&file).map_err(|error| start_failure::describe(url, &error))?;
            Ok(Opened { manager: ConnectionManager::of_file(&file), file: Some(file), is_new })
        }
    }
}

/// Connects to a server.
///
/// # Errors
/// One sentence that says what to change.
pub(super) fn connect(
    url: &DatabaseUrl,
    address: &ConnectionString,
    options: OpenOptions,
) -> Result<(ConnectionManager, DatabaseSession), String> {
    let manager = ConnectionManager::of_server(address, options.is_pooled)?;
    let mut session =
        wait_and_connect(url, &manager, options.wait).map_err(|error| start_failure::describe(url, &error))?;
    if !options.is_pooled {
        refuse_pooler(url, &manager, &mut session)?;
    }
    Ok((manager, session))
}

/// Connects, and tries again until the end of `wait` while the server is not up yet.
/// Every other failure is final at once. Without the pool, which would retry without a word.
fn wait_and_connect(url: &DatabaseUrl, manager: &ConnectionManager, wait: Duration) -> anyhow::Result<DatabaseSession> {
    let (began, mut has_said) = (Instant::now(), false);
    loop {
        let error = match manager.connect() {
            Ok(conn) => {
                if has_said {
                    tracing::info!("{url} answers now");
                }
                return Ok(conn);
            }
            Err(error) => anyhow::Error::from(error),
        };
        if began.elapsed() >= wait || !start_failure::may_come_up(&error) {
            return Err(error);
        }
        if !has_said {
            has_said = true;
            let cause = start_failure::first_line(&error);
            tracing::warn!("{url} does not answer yet ({cause}); waiting up to {} s for it", wait.as_secs());
        }
        thread::sleep(CONNECT_RETRY_DELAY);
    }
}

#[derive(QueryableByName)]
struct BackendId {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// Behind a pooler in transaction mode two connections share a session of the server, and what
/// one leaves in it confuses the other: prepared statements, first of all.
fn refuse_pooler(url: &DatabaseUrl, manager: &ConnectionManager, first: &mut DatabaseSession) -> Result<(), String> {
    // What can't be found out is no reason not to start.
    let Ok(mut second) = manager.connect() else { return Ok(()) };
    let shared = backend(first).is_some_and(|pid| Some(pid) == backend(&mut second));
    if !shared {
        return Ok(());
    }
    // The limits of these sessions would stay with other programs.
    for session in [first, &mut second] {
        let _ = session
            .batch_execute("RESET statement_timeout; RESET lock_timeout; RESET idle_in_transaction_session_timeout");
    }
    Err(format!(
        "{url} can't be used: there is a connection pooler in transaction mode before it; \
         start Keyfob with --database-pooler (KEYFOB_DATABASE_POOLER=true)"
    ))
}

/// The process of the server that answers.
fn backend(session: &mut DatabaseSession) -> Option<i32> {
    let Conn::Postgres(conn) = &mut **session else { return None };
    diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result::<BackendId>(conn).ok().map(|backend| backend.pid)
}

/// A role that may only read would serve pages and refuse whatever they are for.
fn refuse_read_only(session: &mut DatabaseSession) -> anyhow::Result<()> {
    catalog::lacking_right(session)?.map_or(Ok(()), |problem| Err(anyhow::Error::msg(problem)))
}

fn upgrade_file(url: &DatabaseUrl, file: &DatabaseFile) -> Result<(), String> {
    let upgraded = ConnectionManager::of_file(file).connect().map_err(anyhow::Error::from).and_then(|mut conn| {
        upgrade::upgrade(&mut conn, MIGRATIONS, Some(file), true)?;
        digest_check::check(&mut conn)
    });
    upgraded.map_err(|error| start_failure::describe(url, &error))
}

fn guard_journals(file: &DatabaseFile) -> anyhow::Result<()> {
    let mut conn = ConnectionManager::of_file(file).for_reading().connect()?;
    // The journals are made by the first read.
    conn.batch_execute("SELECT count(*) FROM sqlite_master")?;
    file.guard_journals(conn);
    Ok(())
}

/// Makes the file, unless it exists; `true` when it was made.
fn make(url: &DatabaseUrl, path: &Path) -> Result<bool, String> {
    make_filled(url, path, |_| Ok(()))
}

/// Makes the file and has `fill` work on it, unless it exists; `true` when it was made. It is
/// made under another name and renamed when it is complete, so that a start which is killed
/// leaves no half-made database behind.
pub(super) fn make_filled(
    url: &DatabaseUrl,
    path: &Path,
    fill: impl FnOnce(&DatabaseFile) -> Result<(), String>,
) -> Result<bool, String> {
    let path = std::path::absolute(path).map_err(|error| file::describe(path, &error))?;
    if path.exists() {
        return Ok(false);
    }
    // Two first starts at once would work on the same unfinished file. A file system
    // that knows no locks is used without.
    let folder = path.parent().and_then(|folder| File::open(folder).ok());
    let _ = folder.as_ref().map(File::lock);
    if path.exists() {
        return Ok(false);
    }
    let unfinished = unfinished(&path);
    remove_all(&unfinished);
    file::create(&unfinished, path.parent()).map_err(|error| file::describe(&path, &error))?;
    let made = DatabaseFile::identify(unfinished.clone())
        .and_then(|file| upgrade_file(url, &file).and_then(|()| fill(&file)))
        .and_then(|()| backup::name(&unfinished, &path));
    remove_all(&unfinished);
    made.map(|()| true)
}

/// The name of a file until it is complete.
fn unfinished(path: &Path) -> PathBuf {
    beside(path, ".unfinished")
}

/// Removes what a start or a copy that was ended too early left beside the database.
pub fn remove_unfinished(url: &DatabaseUrl) {
    if let Some(path) = url.file() {
        remove_all(&unfinished(path));
    }
}

/// Removes an unfinished database with its journals.
fn remove_all(unfinished: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        // Most often there is none.
        let _ = fs::remove_file(beside(unfinished, suffix));
    }
}
