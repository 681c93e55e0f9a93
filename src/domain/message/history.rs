//! What happened to a message.

use diesel::prelude::*;

use super::{MessageId, Status};
use crate::domain::id::id;
use crate::error::Result;
use crate::store::schema::message_events;
use crate::store::{Conn, Steadily, UtcTime};

id! {
    /// Names an event; ids sort by age.
    MessageEventId = "evt_"
}

/// Something that happened.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = message_events)]
pub struct MessageEvent {
    /// Its id.
    pub id: MessageEventId,
    /// To which message.
    pub message_id: MessageId,
    /// The message's status from then on.
    pub status: Status,
    /// What happened, for a person.
    pub detail: String,
    /// When.
    pub created_at: UtcTime,
}

/// What happened to a message since it was accepted, oldest first.
///
/// # Errors
/// When the database fails.
pub fn history(conn: &mut Conn, message: &MessageId) -> Result<Vec<MessageEvent>> {
    let rows = message_events::table.filter(message_events::message_id.eq(message));
    Ok(rows.order(message_events::id).select(MessageEvent::as_select()).load(conn)?)
}

pub(super) fn note(conn: &mut Conn, message: &MessageId, status: Status, detail: String, now: UtcTime) -> Result<()> {
    let event =
        MessageEvent { id: MessageEventId::mint(), message_id: message.clone(), status, detail, created_at: now };
    diesel::insert_into(message_events::table).values(&event).steadily().execute(conn)?;
    Ok(())
}
