//! What became of an account's messages, hour by hour.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::error::MessageError;
use super::status_group::StatusGroup;
use crate::domain::account::AccountId;
use crate::error::Result;
use crate::store::{Conn, UtcTime};

/// In one statement, and so of one moment: what is added up meanwhile is neither missed
/// nor counted twice. PostgreSQL sums up to a wider type.
const COUNTS: &str = "\
    SELECT hour, status_group, error, messages FROM message_counts WHERE account_id = $1 AND hour >= $2 \
    UNION ALL SELECT hour, status_group, error, CAST(SUM(messages) AS BIGINT) FROM message_count_changes \
    WHERE account_id = $1 AND hour >= $2 GROUP BY hour, status_group, error \
    UNION ALL SELECT hour, old_group, old_error, CAST(-SUM(messages) AS BIGINT) FROM message_count_changes \
    WHERE account_id = $1 AND hour >= $2 AND old_group <> '' GROUP BY hour, old_group, old_error";

/// Messages of one hour to which the same happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageCount {
    /// The hour in which they were accepted.
    pub hour: UtcTime,
    /// What became of them.
    pub group: StatusGroup,
    /// Why they failed, or wait.
    pub error: Option<MessageError>,
    /// Their number; less than 0 where it is taken off from another count.
    pub messages: i64,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    hour: UtcTime,
    #[diesel(sql_type = Text)]
    status_group: String,
    #[diesel(sql_type = Text)]
    error: String,
    #[diesel(sql_type = BigInt)]
    messages: i64,
}

/// Counts of the messages that were accepted from `from` on, the beginning of an hour.
/// Several may be about the same: their sum is what happened.
///
/// # Errors
/// When the database fails.
pub fn message_counts(conn: &mut Conn, account: &AccountId, from: UtcTime) -> Result<Vec<MessageCount>> {
    let query = diesel::sql_query(COUNTS).bind::<Text, _>(account).bind::<BigInt, _>(from);
    let rows: Vec<CountRow> = query.load(conn)?;
    let count = |CountRow { hour, status_group, error, messages }: CountRow| {
        Some(MessageCount { hour, group: status_group.parse().ok()?, error: error.parse().ok(), messages })
    };
    Ok(rows.into_iter().filter_map(count).collect())
}
