//! Usage figures by secret: the number of uses, and when, from which address and by
//! which program it was used last.

use diesel::prelude::*;
use diesel::result::DatabaseErrorKind::ForeignKeyViolation;
use diesel::result::Error::DatabaseError;
use diesel::sql_types::{BigInt, Text};

use super::record::ApiKeyId;
use super::stored_secret::KeySecretId;
use super::usage_batch::{self, placeholders};
use super::usage_history::{self, KeyUses};
use crate::error::Result;
use crate::store::schema::key_secret_usages;
use crate::store::{Conn, MultiBackend, PrepareCached, UtcTime};

/// The usage of a secret: its uses so far, or those that are to be added.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = key_secret_usages)]
pub struct SecretUsage {
    /// The secret.
    pub key_secret_id: KeySecretId,
    /// How often it was accepted.
    pub uses: i64,
    /// When it was used last.
    pub last_used_at: UtcTime,
    /// The client's IP address at the last use; empty when unknown.
    pub address: String,
    /// The client's `User-Agent` at the last use; empty when unknown.
    pub user_agent: String,
}

impl SecretUsage {
    /// Adds up two usages of the same secret.
    fn merge(&mut self, other: &mut Self) {
        if other.last_used_at > self.last_used_at {
            std::mem::swap(self, other);
        }
        self.uses += other.uses;
    }
}

/// The columns of a row.
const COLUMNS: usize = 5;

/// Uses of a secret that are to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUses {
    /// The secret's key.
    pub api_key_id: ApiKeyId,
    /// The uses.
    pub usage: SecretUsage,
}

/// Adds uses to the stored ones: of each secret, and of each key by hour and day. They
/// belong to the hour of the last of them. Instances write theirs in any order: an earlier
/// use that arrives late is counted, and does not replace the last use. Uses of a
/// key that was deleted meanwhile are dropped.
///
/// # Errors
/// When the database fails.
pub fn add(conn: &mut Conn, news: Vec<NewUses>) -> Result<()> {
    let of_key = |news: &NewUses| KeyUses {
        api_key_id: news.api_key_id.clone(),
        uses: news.usage.uses,
        last_used_at: news.usage.last_used_at,
    };
    let of_keys: Vec<_> = news.iter().map(of_key).collect();
    let of_secrets = added_up(news.into_iter().map(|news| news.usage).collect());
    let add = |conn: &mut Conn, with_rows: Rows, exists: &str| {
        usage_batch::in_batches(&of_secrets, |batch| {
            let rows = with_rows(&placeholders(conn, batch.len(), COLUMNS));
            add_some(conn, &statement(&rows), batch)
        })?;
        usage_history::add(conn, &of_keys, exists)
    };
    // In a savepoint, since PostgreSQL refuses every statement after an error until a rollback.
    match conn.transaction(|conn| add(conn, all_rows, "TRUE")) {
        // A key was deleted meanwhile, which is rare: checking for it every time would cost more.
        Err(DatabaseError(ForeignKeyViolation, _)) => Ok(add(conn, rows_of_keys, usage_history::KEY_EXISTS)?),
        added => Ok(added?),
    }
}

type Rows = fn(&str) -> String;

/// One row for each secret: a statement may change a row only once.
fn added_up(mut news: Vec<SecretUsage>) -> Vec<SecretUsage> {
    // Sorted, so that all instances lock rows in the same order and never deadlock.
    news.sort_by(|one, other| one.key_secret_id.cmp(&other.key_secret_id)); // stable: the fast one for input that is often sorted already
    news.dedup_by(|next, kept| {
        let is_same = next.key_secret_id == kept.key_secret_id;
        if is_same {
            kept.merge(next);
        }
        is_same
    });
    news
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
    statement.prepare_cached().execute(conn)
}

/// The upsert as text: Diesel supports neither inserts of several rows nor
/// `ON CONFLICT` for a connection to either database.
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

fn all_rows(placeholders: &str) -> String {
    format!("VALUES {placeholders}")
}

/// Rows whose secret still exists.
fn rows_of_keys(placeholders: &str) -> String {
    format!(
        "SELECT column1, column2, column3, column4, column5 FROM (VALUES {placeholders}) AS news \
         WHERE EXISTS (SELECT 1 FROM key_secrets WHERE id = column1)"
    )
}

/// The value of a column at the later of two uses; of two at the same time, the
/// one that is written last.
fn newer(column: &str) -> String {
    format!(
        "CASE WHEN excluded.last_used_at >= key_secret_usages.last_used_at \
         THEN excluded.{column} ELSE key_secret_usages.{column} END"
    )
}
