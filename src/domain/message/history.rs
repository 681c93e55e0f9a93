//! The history of a message: its status changes.

use diesel::prelude::*;

use super::record::{MessageId, MessageStatus};
use crate::domain::id::id;
use crate::error::Result;
use crate::store::schema::message_events;
use crate::store::{Conn, PrepareCached, UtcTime};

id! {
    /// The id of an event; ids sort by age.
    MessageEventId = "evt_"
}

/// A status change, or a retry.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = message_events)]
pub struct MessageEvent {
    /// Its id.
    pub id: MessageEventId,
    /// The message.
    pub message_id: MessageId,
    /// The message's status since then.
    pub status: MessageStatus,
    /// What happened, as a sentence for people.
    pub detail: String,
    /// When it happened.
    pub created_at: UtcTime,
}

/// The events of a message since it was accepted, oldest first.
///
/// # Errors
/// When the database fails.
pub fn history(conn: &mut Conn, message: &MessageId) -> Result<Vec<MessageEvent>> {
    let rows = message_events::table.filter(message_events::message_id.eq(message));
    Ok(rows.order(message_events::id).select(MessageEvent::as_select()).load(conn)?)
}

pub(super) fn record_event(
    conn: &mut Conn,
    message: &MessageId,
    status: MessageStatus,
    detail: String,
    now: UtcTime,
) -> Result<()> {
    let event =
        MessageEvent { id: MessageEventId::mint(), message_id: message.clone(), status, detail, created_at: now };
    diesel::insert_into(message_events::table).values(&event).prepare_cached().execute(conn)?;
    Ok(())
}
