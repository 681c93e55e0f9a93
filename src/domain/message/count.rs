//! How many messages fit a filter, and why some of them failed.

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::error::MessageError;
use super::filter::MessageFilter;
use super::record::{MessageId, MessageStatus};
use crate::domain::account::AccountId;
use crate::domain::carrier::CarrierName;
use crate::error::Result;
use crate::store::Conn;
use crate::store::schema::messages;

/// Counting stops here: the rest would take longer than the page itself.
pub const MAX_COUNT: usize = 10_000;

/// The number of messages that fit, those newer than `newer_than` or all; of more
/// than [`MAX_COUNT`] one more than that.
///
/// # Errors
/// When the database fails.
pub fn count(
    conn: &mut Conn,
    account: &AccountId,
    filter: &MessageFilter,
    newer_than: Option<&MessageId>,
) -> Result<usize> {
    let mut count = 0;
    for filter in filter.parts() {
        let mut query = filter.of(account);
        if let Some(id) = newer_than {
            query = query.filter(messages::id.gt(id));
        }
        // Not count(*), which would count to the end.
        let ones: Vec<i64> = query.select(1_i64.into_sql::<BigInt>()).limit(MAX_COUNT as i64 + 1).load(conn)?;
        count += ones.len();
    }
    Ok(count.min(MAX_COUNT + 1))
}

/// The number of messages of an account that wait to be sent by the carrier.
///
/// # Errors
/// When the database fails.
pub fn waiting_for_carrier(conn: &mut Conn, account: &AccountId) -> Result<i64> {
    let queued = messages::table
        .filter(messages::carrier.ne(CarrierName::sandbox()))
        .filter(messages::status.eq(MessageStatus::Queued))
        .filter(messages::due_at.is_not_null())
        .filter(messages::account_id.eq(account));
    Ok(queued.count().get_result(conn)?)
}

/// The number of messages that wait to be sent by a carrier; of more than [`MAX_COUNT`]
/// one more than that.
///
/// # Errors
/// When the database fails.
pub fn waiting_by_carrier(conn: &mut Conn, carrier: &CarrierName) -> Result<usize> {
    let queued = messages::table
        .filter(messages::carrier.eq(carrier))
        .filter(messages::status.eq(MessageStatus::Queued))
        .filter(messages::due_at.is_not_null());
    let ones: Vec<i64> = queued.select(1_i64.into_sql::<BigInt>()).limit(MAX_COUNT as i64 + 1).load(conn)?;
    Ok(ones.len())
}

/// Whether messages of an account wait to be sent by a carrier.
///
/// # Errors
/// When the database fails.
pub fn waits_for(conn: &mut Conn, account: &AccountId, carrier: &CarrierName) -> Result<bool> {
    let queued = messages::table
        .filter(messages::carrier.eq(carrier))
        .filter(messages::status.eq(MessageStatus::Queued))
        .filter(messages::due_at.is_not_null())
        .filter(messages::account_id.eq(account));
    Ok(queued.select(messages::id).first::<MessageId>(conn).optional()?.is_some())
}

/// Why messages that fit failed or wait, with the number of each, the most
/// frequent first; whatever cause the filter asks for.
///
/// # Errors
/// When the database fails.
pub fn causes(conn: &mut Conn, account: &AccountId, filter: &MessageFilter) -> Result<Vec<(MessageError, i64)>> {
    let filter = MessageFilter { error: None, ..filter.clone() };
    let rows = messages::table.filter(filter.condition(account)).filter(messages::error.is_not_null());
    let rows: Vec<(Option<MessageError>, i64)> =
        rows.group_by(messages::error).select((messages::error, count_star())).load(conn)?;
    let mut causes: Vec<_> = rows.into_iter().filter_map(|(error, count)| Some((error?, count))).collect();
    causes.sort_by_key(|(error, count)| (-count, error.as_str()));
    Ok(causes)
}
