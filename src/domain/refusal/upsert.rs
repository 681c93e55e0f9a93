//! Adds counts to rows, or inserts the rows. As text, since Diesel supports neither inserts
//! of several rows nor `ON CONFLICT` for a connection to either database.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::store::{Conn, MultiBackend, PrepareCached, UtcTime};

/// Rows in one statement: parsing it takes longer than writing a row. There are few sizes,
/// so that the statements of all of them stay prepared.
const BATCH_SIZES: [usize; 2] = [50, 1];

/// Where counts are added up.
pub(super) struct CountTable {
    pub(super) name: &'static str,
    /// The columns; those of the unique index, then others.
    pub(super) columns: &'static [&'static str],
    /// The columns of its unique index.
    pub(super) unique: &'static str,
    /// Which of the new rows are wanted.
    pub(super) condition: &'static str,
    /// Whether it knows the first and the last request.
    pub(super) has_times: bool,
}

/// A value of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Time(UtcTime),
}

impl CountTable {
    /// Adds the counts of rows, no two of them with the same key.
    pub(super) fn add(&self, conn: &mut Conn, rows: &[Vec<Value<'_>>]) -> QueryResult<()> {
        let mut rest = rows;
        for count in BATCH_SIZES {
            let mut batches = rest.chunks_exact(count);
            rest = batches.remainder();
            if batches.len() > 0 {
                let statement = self.statement(conn, count);
                batches.try_for_each(|batch| execute(conn, &statement, batch))?;
            }
        }
        Ok(())
    }

    fn statement(&self, conn: &Conn, rows: usize) -> String {
        let sign = if matches!(conn, Conn::Postgres(_)) { '$' } else { '?' };
        let width = self.columns.len();
        let numbers = |row: usize| (1..=width).map(move |column| row * width + column);
        let row = |row| format!("({})", joined(numbers(row).map(|number| format!("{sign}{number}"))));
        let Self { name, unique, condition, .. } = self;
        let mut changes = vec![format!("requests = {name}.requests + excluded.requests")];
        if self.has_times {
            changes.push(self.chosen("first_at", "first_at", "<"));
            changes.extend(["last_at", "address", "user_agent"].map(|column| self.chosen(column, "last_at", ">=")));
        }
        format!(
            "INSERT INTO {name} ({columns}) SELECT {values} FROM (VALUES {rows}) AS news WHERE {condition} \
             ON CONFLICT ({unique}) DO UPDATE SET {changes}",
            columns = self.columns.join(", "),
            values = joined((1..=width).map(|number| format!("column{number}"))),
            rows = joined((0..rows).map(row)),
            changes = changes.join(", "),
        )
    }

    /// The new value of a column where the new row's `time` compares so to the stored one.
    fn chosen(&self, column: &str, time: &str, comparison: &str) -> String {
        let Self { name, .. } = self;
        format!(
            "{column} = CASE WHEN excluded.{time} {comparison} {name}.{time} THEN excluded.{column} ELSE {name}.{column} END"
        )
    }
}

fn execute(conn: &mut Conn, statement: &str, rows: &[Vec<Value<'_>>]) -> QueryResult<()> {
    let statement = diesel::sql_query(statement).into_boxed::<MultiBackend>();
    let statement = rows.iter().flatten().fold(statement, |statement, value| match *value {
        Value::Text(text) => statement.bind::<Text, _>(text),
        Value::Number(number) => statement.bind::<BigInt, _>(number),
        Value::Time(time) => statement.bind::<BigInt, _>(time),
    });
    statement.prepare_cached().execute(conn)
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
