//! A database of a test's own, on either side, looked at directly.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::MigrationHarness;
use keyfob::store::{Conn, MIGRATIONS};
use tempfile::TempDir;

use super::App;

/// Removed when the test ends.
pub enum Database {
    /// A file that does not exist yet, in a folder that does.
    Sqlite(TempDir),
    /// The name of a database with Keyfob's tables and without rows.
    Postgres(String),
    /// The URL of a database on a server of the test's own.
    Server(String),
}

/// Every row of every table, as text.
pub type Rows = BTreeMap<String, Vec<String>>;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl Database {
    pub fn sqlite() -> Self {
        // In memory, where the system has a folder there: it need not survive.
        Self::Sqlite(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    pub fn postgres() -> Self {
        Self::new_postgres(template())
    }

    /// One without any tables, for a first start.
    pub fn empty(&self) -> Self {
        match self {
            Self::Sqlite(_) => Self::sqlite(),
            Self::Postgres(_) | Self::Server(_) => Self::new_postgres("template0"),
        }
    }

    fn new_postgres(template: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("keyfob_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        admin().batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")).unwrap();
        Self::Postgres(name)
    }

    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("sqlite:{}", self.file().display()),
            Self::Postgres(name) => url_of(name),
            Self::Server(url) => url.clone(),
        }
    }

    /// The SQLite file.
    pub fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("keyfob.db"),
            Self::Postgres(_) | Self::Server(_) => panic!("PostgreSQL has no file"),
        }
    }

    pub const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// A server on it, with one operator.
    pub fn app(&self) -> App<'_> {
        App::start(self).with_operator()
    }

    /// A server on it, as it is after the very first start.
    pub fn first_start(&self) -> App<'_> {
        App::start(self)
    }

    /// A connection beside the server's.
    pub fn conn(&self) -> Conn {
        match self {
            Self::Sqlite(_) => {
                let mut conn = SqliteConnection::establish(&self.file().display().to_string()).unwrap();
                conn.batch_execute("PRAGMA busy_timeout=5000; PRAGMA foreign_keys=ON").unwrap();
                Conn::Sqlite(conn)
            }
            Self::Postgres(_) | Self::Server(_) => Conn::Postgres(PgConnection::establish(&self.url()).unwrap()),
        }
    }

    pub fn execute(&self, sql: &str) {
        self.conn().batch_execute(sql).unwrap();
    }

    /// The texts in the column `line` of a query.
    pub fn ask(&self, sql: &str) -> Vec<String> {
        match self.conn() {
            Conn::Sqlite(mut conn) => lines(&mut conn, sql),
            Conn::Postgres(mut conn) => lines(&mut conn, sql),
        }
    }

    /// Waits until a change waits for the end of another transaction, or is done without. On
    /// SQLite every change waits, since there is one writer at a time.
    pub fn wait_for_a_lock<T>(&self, change: &std::thread::ScopedJoinHandle<'_, T>) {
        let waiting = "SELECT pid::text AS line FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while !self.is_sqlite() && !change.is_finished() && self.ask(waiting).is_empty() {
            std::thread::yield_now();
        }
    }

    /// The names of Keyfob's tables.
    pub fn tables(&self) -> Vec<String> {
        let tables = if self.is_sqlite() {
            "SELECT name AS line FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        } else {
            "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public'"
        };
        self.ask(tables).into_iter().filter(|table| !table.starts_with("__diesel")).collect()
    }

    pub fn count(&self, table: &str) -> usize {
        self.rows()[table].len()
    }

    pub fn rows(&self) -> Rows {
        match self.conn() {
            Conn::Sqlite(mut conn) => {
                let tables = "SELECT name AS line FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
                lines(&mut conn, tables)
                    .into_iter()
                    .map(|table| (table.clone(), sqlite_rows(&mut conn, &table)))
                    .collect()
            }
            Conn::Postgres(mut conn) => {
                let tables = "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public'";
                let rows = |conn: &mut _, table: &str| {
                    lines(conn, &format!("SELECT t::text AS line FROM {table} t ORDER BY 1"))
                };
                lines(&mut conn, tables).into_iter().map(|table| (table.clone(), rows(&mut conn, &table))).collect()
            }
        }
    }

    /// Whether `needle` is kept anywhere: in any byte of SQLite's files, in
    /// any value on PostgreSQL, as it is or in hexadecimal.
    pub fn holds(&self, needle: &str) -> bool {
        let hex: String = needle.bytes().map(|byte| format!("{byte:02x}")).collect();
        let rows = format!("{:?}", self.rows()).to_lowercase();
        let in_files = match self {
            Self::Sqlite(folder) => fs::read_dir(folder.path())
                .unwrap()
                .any(|file| contains(&fs::read(file.unwrap().path()).unwrap(), needle.as_bytes())),
            Self::Postgres(_) | Self::Server(_) => false,
        };
        in_files || rows.contains(&hex) || rows.contains(&needle.to_lowercase())
    }

    /// Lets nobody write to keys and messages until the connection is dropped.
    pub fn lock(&self) -> Conn {
        let mut conn = self.conn();
        let sql =
            if self.is_sqlite() { "BEGIN IMMEDIATE" } else { "BEGIN; LOCK TABLE api_keys, messages IN EXCLUSIVE MODE" };
        conn.batch_execute(sql).unwrap();
        conn
    }

    /// Makes it unreachable for the server.
    pub fn take_away(&self) {
        match self {
            Self::Sqlite(_) => fs::rename(self.file(), self.file().with_extension("away")).unwrap(),
            Self::Postgres(name) => admin()
                .batch_execute(&format!(
                    "ALTER DATABASE {name} ALLOW_CONNECTIONS false; \
                     SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                ))
                .unwrap(),
            Self::Server(_) => panic!("take its server away"),
        }
    }

    pub fn bring_back(&self) {
        match self {
            Self::Sqlite(_) => fs::rename(self.file().with_extension("away"), self.file()).unwrap(),
            Self::Postgres(name) => {
                admin().batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
            }
            Self::Server(_) => panic!("bring its server back"),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres(name) = self {
            // A test that failed has a better message than this could give.
            let _ = admin().batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// The server's address with another database in it.
fn url_of(name: &str) -> String {
    let url = server_url();
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

fn server_url() -> String {
    std::env::var("TEST_POSTGRES_URL")
        .unwrap_or_else(|_| panic!("these tests need PostgreSQL: run them with ./tests/run"))
}

fn admin() -> PgConnection {
    PgConnection::establish(&server_url()).unwrap()
}

/// A database with Keyfob's tables, made once and copied for every test.
fn template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("keyfob_template_{}", std::process::id());
        admin().batch_execute(&format!("DROP DATABASE IF EXISTS {name}; ")).unwrap();
        admin().batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let mut conn = Conn::Postgres(PgConnection::establish(&url_of(&name)).unwrap());
        conn.run_pending_migrations(MIGRATIONS).unwrap();
        name
    })
}

fn lines<C>(conn: &mut C, sql: &str) -> Vec<String>
where
    C: diesel::connection::LoadConnection,
    for<'query> diesel::query_builder::SqlQuery: diesel::query_dsl::LoadQuery<'query, C, Line>,
{
    let lines: Vec<Line> = diesel::sql_query(sql).load(conn).unwrap();
    lines.into_iter().map(|line| line.line).collect()
}

fn sqlite_rows(conn: &mut SqliteConnection, table: &str) -> Vec<String> {
    let columns = lines(conn, &format!("SELECT 'quote(' || name || ')' AS line FROM pragma_table_info('{table}')"));
    lines(conn, &format!("SELECT {} AS line FROM {table} ORDER BY 1", columns.join(" || '|' || ")))
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
