//! Retention: texts and numbers of old messages are removed. The rows and their
//! credits stay, so that balances and statistics still add up.

use diesel::prelude::*;

use super::record::MessageId;
use crate::error::Result;
use crate::store::schema::{callback_deliveries, messages};
use crate::store::{Conn, UtcTime};

/// The result of one step of [`remove_contents`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionStep {
    /// The last message that was looked at, where the next step begins.
    pub last: Option<MessageId>,
    /// How many messages lost their text and numbers.
    pub removed: usize,
    /// Whether more may be left.
    pub has_more: bool,
}

/// Removes the text and the recipient of up to `limit` messages that were accepted
/// before `before`, and the payloads of their callbacks. Messages that are still on
/// their way keep theirs. Looks at messages behind `after`, in the order of their age.
///
/// # Errors
/// When the database fails.
pub fn remove_contents(
    conn: &mut Conn,
    after: Option<&MessageId>,
    before: UtcTime,
    limit: usize,
) -> Result<RetentionStep> {
    let after = after.map(MessageId::as_str).unwrap_or_default();
    let rows: Vec<(MessageId, Option<UtcTime>)> = messages::table
        .filter(messages::id.gt(after))
        .filter(messages::created_at.lt(before))
        .order(messages::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((messages::id, messages::due_at))
        .load(conn)?;
    let ended: Vec<&MessageId> = rows.iter().filter(|(_, due_at)| due_at.is_none()).map(|(id, _)| id).collect();
    let contents = messages::table.filter(messages::id.eq_any(&ended)).filter(messages::recipient.ne(""));
    let removed = diesel::update(contents).set((messages::recipient.eq(""), messages::text.eq(""))).execute(conn)?;
    let payloads = callback_deliveries::table
        .filter(callback_deliveries::message_id.eq_any(&ended))
        .filter(callback_deliveries::due_at.is_null())
        .filter(callback_deliveries::payload.ne(""));
    diesel::update(payloads).set(callback_deliveries::payload.eq("")).execute(conn)?;
    Ok(RetentionStep { has_more: rows.len() >= limit, last: rows.into_iter().next_back().map(|(id, _)| id), removed })
}
