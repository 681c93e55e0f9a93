//! Copies everything in one database into another, empty one: between SQLite and PostgreSQL,
//! and between two of a kind. Table by table and row by row, by the columns that the
//! migrations make; no table is known here by its name but those of the ledger.

mod compare;
mod deferred;
mod problem;
mod row;
mod source;
mod tables;
mod target;

use diesel::connection::SimpleConnection;

use super::many_rows::insert_rows;
use super::{Conn, DatabaseUrl, OpenOptions, digest_check, start_failure};
use crate::error::Error;
use compare::compare;
use deferred::Deferred;
use row::CopiedRow;
use source::Source;
use tables::CopiedTable;

pub use compare::UnbalancedAccount;

/// How far a copy is.
#[derive(Debug, Clone, Copy)]
pub enum CopyStep<'a> {
    /// Rows are copied.
    Rows {
        /// The table that is being copied.
        table: &'a str,
        /// Rows of all tables that were copied.
        done: i64,
        /// Rows of all tables.
        total: i64,
    },
    /// All rows are copied; indexes are made for them, and references checked.
    Indexes,
    /// Both databases are compared.
    Comparison,
}

/// What was copied.
#[derive(Debug)]
pub struct Copied {
    /// Every table with its rows, by name.
    pub tables: Vec<(String, i64)>,
    /// Accounts whose ledger does not add up, as it did not before.
    pub unbalanced: Vec<UnbalancedAccount>,
}

/// Copies the database `from` into the database `to`, and calls `report` along the way. Servers
/// are connected to as `options` say.
///
/// # Errors
/// One sentence that says what to change. Then nothing is in `to` but, on a server, empty tables.
pub fn copy(
    from: &DatabaseUrl,
    to: &DatabaseUrl,
    options: OpenOptions,
    report: &mut dyn FnMut(CopyStep<'_>),
) -> Result<Copied, String> {
    if from == to {
        return Err(format!("{to} is the database that is to be copied; name another one with --to"));
    }
    let tables = tables::of_this_version().map_err(|error| format!("{error:#}"))?;
    // Before the source is locked: it may be the same server.
    target::check_empty(to, options, &tables).map_err(|problem| of_target(&problem))?;
    let mut source = Source::open(from, options, &tables)?;
    digest_check::check(&mut source.conn).map_err(|error| start_failure::describe(from, &error))?;
    target::make(to, options, &tables, |conn| fill(conn, &mut source, &tables, report))
        .map_err(|problem| of_target(&problem))
}

/// Names the flag that names the target, in a sentence about a database.
fn of_target(problem: &str) -> String {
    problem.replace("--database-url (DATABASE_URL)", "--to").replace("--database-url", "--to")
}

/// Fills a new database, within a transaction.
fn fill(
    target: &mut Conn,
    source: &mut Source,
    tables: &[CopiedTable],
    report: &mut dyn FnMut(CopyStep<'_>),
) -> anyhow::Result<Copied> {
    let deferred = Deferred::take_off(target, tables)?;
    let (mut done, mut total) = (0, 0);
    for table in tables {
        total += source.count(table)?;
    }
    for table in tables {
        target.batch_execute(&format!("DELETE FROM \"{}\"", table.name))?;
        source.read(table, |rows| {
            insert(target, table, rows).map_err(|error| error.context(format!("the rows of {}", table.name)))?;
            done += i64::try_from(rows.len())?;
            report(CopyStep::Rows { table: &table.name, done, total });
            Ok(())
        })?;
    }
    report(CopyStep::Indexes);
    deferred.put_back(target)?;
    report(CopyStep::Comparison);
    let (counts, unbalanced) = compare(source, target, tables)?;
    source.check_alone()?;
    Ok(Copied { tables: tables.iter().map(|table| table.name.clone()).zip(counts).collect(), unbalanced })
}

fn insert(target: &mut Conn, table: &CopiedTable, rows: &[CopiedRow]) -> anyhow::Result<()> {
    insert_rows(target, &table.clause(), table.width(), rows, |insert, row| row.bind(insert)).map_err(|error| {
        match error {
            Error::Internal(cause) | Error::Unavailable { cause, .. } => cause,
            other => other.into(),
        }
    })
}
