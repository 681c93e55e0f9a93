//! The empty database that gets the rows: all of them in one transaction, or none.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::super::catalog::{self, MIGRATIONS_TABLE};
use super::super::connection::{self, Conn, DatabaseSession};
use super::super::file::DatabaseFile;
use super::super::transaction::transaction;
use super::super::{DatabaseUrl, MIGRATIONS, OpenOptions, SchemaState, open, upgrade};
use super::problem::describe;
use super::tables::CopiedTable;

/// The file is one of nobody's until it is complete, so that it needs no journal on the disk.
/// Indexes are sorted in files, not in memory.
const SQLITE_SETUP: &str = "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; \
    PRAGMA temp_store=FILE; PRAGMA cache_size=-16000";
/// The copy takes as long as it takes.
const POSTGRES_SETUP: &str = "SET LOCAL statement_timeout=0; SET LOCAL idle_in_transaction_session_timeout=0";

/// Refuses a database that has anything in it.
///
/// # Errors
/// One sentence that says what to change.
pub(super) fn check_empty(url: &DatabaseUrl, options: OpenOptions, tables: &[CopiedTable]) -> Result<(), String> {
    match url {
        DatabaseUrl::Sqlite(path) if path.exists() => Err(taken(path)),
        DatabaseUrl::Sqlite(_) => Ok(()),
        DatabaseUrl::Postgres(address) => {
            let (_, mut session) = open::connect(url, address, options)?;
            refuse_others_tables(&mut session, tables).map_err(|error| describe(url, &error))
        }
    }
}

fn taken(path: &Path) -> String {
    format!("{} exists, and a copy overwrites nothing; name a file that does not exist", path.display())
}

fn refuse_others_tables(conn: &mut Conn, tables: &[CopiedTable]) -> anyhow::Result<()> {
    let there = catalog::tables(conn)?;
    if there.is_empty() {
        return Ok(());
    }
    anyhow::ensure!(
        there.iter().any(|table| table == MIGRATIONS_TABLE),
        "it has tables of another program ({}); name an empty database",
        some(&there)
    );
    anyhow::ensure!(
        SchemaState::read(conn, MIGRATIONS)? == SchemaState::Current,
        "it has tables of another version; name an empty database"
    );
    refuse_rows(conn, tables)
}

fn refuse_rows(conn: &mut Conn, tables: &[CopiedTable]) -> anyhow::Result<()> {
    let mut filled = Vec::new();
    for table in tables {
        if catalog::has_more_than(conn, &table.name, table.first_rows)? {
            filled.push(table.name.clone());
        }
    }
    anyhow::ensure!(
        filled.is_empty(),
        "it is not empty (there are rows in {}), and a copy overwrites nothing; name an empty database",
        some(&filled)
    );
    Ok(())
}

/// The first few of the names.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "))
}

/// Makes the tables and runs `fill`, whose effects are kept only when it succeeds. A file gets
/// its name after that.
///
/// # Errors
/// What `fill` gives, or one sentence that says what to change.
pub(super) fn make<T>(
    url: &DatabaseUrl,
    options: OpenOptions,
    tables: &[CopiedTable],
    fill: impl FnOnce(&mut Conn) -> anyhow::Result<T>,
) -> Result<T, String> {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let mut filled = None;
            let is_new = open::make_filled(url, path, |file| {
                filled = Some(fill_file(file, fill).map_err(|error| describe(url, &error))?);
                Ok(())
            })?;
            filled.filter(|_| is_new).ok_or_else(|| taken(path))
        }
        DatabaseUrl::Postgres(address) => {
            let (_, mut session) = open::connect(url, address, options)?;
            fill_server(&mut session, tables, fill).map_err(|error| describe(url, &error))
        }
    }
}

fn fill_file<T>(file: &DatabaseFile, fill: impl FnOnce(&mut Conn) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut conn = DatabaseSession::lasting(Conn::Sqlite(SqliteConnection::establish(&file.uri())?));
    conn.batch_execute(SQLITE_SETUP)?;
    let filled = transaction(&mut conn, fill)?;
    connection::use_wal(&mut conn)?;
    Ok(filled)
}

fn fill_server<T>(
    session: &mut DatabaseSession,
    tables: &[CopiedTable],
    fill: impl FnOnce(&mut Conn) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    upgrade::upgrade(session, MIGRATIONS, None, true)?;
    transaction(session, |conn| {
        lock(conn, tables)?;
        let filled = fill(conn)?;
        // Without figures about the rows, the first queries would be planned badly.
        tables.iter().try_for_each(|table| conn.batch_execute(&format!("ANALYZE \"{}\"", table.name)))?;
        Ok(filled)
    })
}

/// Keeps everybody else out, a Keyfob that is started on it too early as well as another copy.
fn lock(conn: &mut Conn, tables: &[CopiedTable]) -> anyhow::Result<()> {
    conn.batch_execute(POSTGRES_SETUP)?;
    let names: Vec<String> = tables.iter().map(|table| format!("\"{}\"", table.name)).collect();
    conn.batch_execute(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", ")))?;
    refuse_rows(conn, tables)
}
