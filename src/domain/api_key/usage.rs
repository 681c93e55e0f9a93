//! How often each secret of a key was used, and the last use: when, from where, by which program.

use diesel::prelude::*;
use diesel::result::DatabaseErrorKind::ForeignKeyViolation;
use diesel::result::Error::DatabaseError;
use diesel::sql_types::{BigInt, Text};

use super::stored_secret::KeySecretId;
use crate::error::Result;
use crate::store::schema::key_secret_usages;
use crate::store::{Conn, MultiBackend, Steadily, UtcTime};

/// The uses of a key's secret so far, and the last of them.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = key_secret_usages)]
pub struct SecretUsage {
    /// The secret.
    pub key_secret_id: KeySecretId,
    /// How often it opened a door.
    pub uses: i64,
    /// When it did last.
    pub last_used_at: UtcTime,
    /// From where; empty when not known.
    pub address: String,
    /// With which program; empty when not known.
    pub user_agent: String,
}

impl SecretUsage {
    /// Puts two pieces of news of one key together.
    fn join(&mut self, other: &mut Self) {
        if other.last_used_at > self.last_used_at {
            std::mem::swap(self, other);
        }
        self.uses += other.uses;
    }
}

/// Keys in one statement, which takes longer to read than a row to write: few
/// lengths, so that the statements of all of them are kept prepared.
const AT_ONCE: [usize; 3] = [200, 20, 1];

/// Adds uses to those so far. Time only goes forward: what comes late from
/// another instance is counted, and leaves the last use as it is. Of a key
/// that was deleted meanwhile nothing is kept.
///
/// # Errors
/// When the database fails.
pub fn add(conn: &mut Conn, mut news: Vec<SecretUsage>) -> Result<()> {
    // All instances in one order, so that no two wait for each other's rows.
    news.sort_by(|one, other| one.key_secret_id.cmp(&other.key_secret_id)); // often in order already
    news.dedup_by(|next, kept| {
        let is_same = next.key_secret_id == kept.key_secret_id;
        if is_same {
            kept.join(next);
        }
        is_same
    });
    // In a savepoint of its own, since PostgreSQL takes nothing after an error.
    match conn.transaction(|conn| add_all(conn, &news, all_rows)) {
        // A key was deleted meanwhile. Looking for it first takes longer, and is seldom needed.
        Err(DatabaseError(ForeignKeyViolation, _)) => Ok(add_all(conn, &news, rows_of_keys)?),
        added => Ok(added?),
    }
}

fn add_all(conn: &mut Conn, news: &[SecretUsage], rows: fn(&str) -> String) -> QueryResult<()> {
    let mut rest = news;
    for count in AT_ONCE {
        let mut some = rest.chunks_exact(count);
        rest = some.remainder();
        if some.len() > 0 {
            let statement = statement(&rows(&places(conn, count)));
            some.try_for_each(|some| add_some(conn, &statement, some))?;
        }
    }
    Ok(())
}

fn add_some(conn: &mut Conn, statement: &str, news: &[SecretUsage]) -> QueryResult<()> {
    let statement = diesel::sql_query(statement).into_boxed::<MultiBackend>();
    let statement = news.iter().fold(statement, |statement, news| {
        statement
            .bind::<Text, _>(news.key_secret_id.as_str())
            .bind::<BigInt, _>(news.uses)
            .bind::<BigInt, _>(news.last_used_at)
            .bind::<Text, _>(&*news.address)
            .bind::<Text, _>(&*news.user_agent)
    });
    statement.steadily().execute(conn)
}

/// By hand, since Diesel has neither several rows nor "on conflict" for both
/// databases at once, and reads an update anew for every row.
fn statement(rows: &str) -> String {
    format!(
        "INSERT INTO key_secret_usages (key_secret_id, uses, last_used_at, address, user_agent) {rows} \
         ON CONFLICT (key_secret_id) DO UPDATE SET uses = key_secret_usages.uses + excluded.uses, \
            last_used_at = {}, address = {}, user_agent = {}",
        newer("last_used_at"),
        newer("address"),
        newer("user_agent"),
    )
}

fn all_rows(places: &str) -> String {
    format!("VALUES {places}")
}

/// Only those whose key is still there.
fn rows_of_keys(places: &str) -> String {
    format!(
        "SELECT column1, column2, column3, column4, column5 FROM (VALUES {places}) AS news \
         WHERE EXISTS (SELECT 1 FROM key_secrets WHERE id = column1)"
    )
}

/// Places for the values of so many rows.
fn places(conn: &Conn, rows: usize) -> String {
    let sign = if matches!(conn, Conn::Postgres(_)) { '$' } else { '?' };
    let row = |row: usize| {
        let [a, b, c, d, e] = std::array::from_fn(|column| row * 5 + column + 1);
        format!("({sign}{a}, {sign}{b}, {sign}{c}, {sign}{d}, {sign}{e})")
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// What a column holds after the later one of two uses; of two at the same
/// moment, the one that is written last.
fn newer(column: &str) -> String {
    format!(
        "CASE WHEN excluded.last_used_at >= key_secret_usages.last_used_at \
         THEN excluded.{column} ELSE key_secret_usages.{column} END"
    )
}
