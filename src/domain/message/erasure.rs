//! What an application has removed of its messages. The row stays with its recipient and
//! credits: limits count messages by recipient, and balances have to add up.

use diesel::prelude::*;

use super::history::record_event;
use super::lifecycle::lock;
use super::list::find_for_api;
use super::record::{Message, MessageId, MessageStatus};
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::Mode;
use crate::error::{Error, Result};
use crate::store::schema::{callback_deliveries, messages};
use crate::store::{Conn, UtcTime};

/// Removes the text of a message that is no longer to be sent. Idempotent. Returns it without its text.
///
/// # Errors
/// [`Error::NotFound`] for an unknown message and for another account's or mode's;
/// [`Error::WrongState`] while it is still to be sent, for which its text is needed.
pub fn redact(conn: &mut Conn, account: &AccountId, mode: Mode, id: &MessageId, now: UtcTime) -> Result<Message> {
    let message = lock_sent(conn, account, mode, id)?;
    if message.text.as_str().is_empty() {
        return Ok(message);
    }
    let removed = diesel::update(messages::table.find(id)).set((messages::text.eq(""), messages::updated_at.eq(now)));
    let removed = removed.returning(messages::all_columns).get_result(conn)?;
    record_event(conn, id, message.status, "Your application removed the text.".to_owned(), now)?;
    Ok(removed)
}

/// Removes the text and the reference of a message that is no longer to be sent, and hides
/// it from the application: the API no longer finds it.
///
/// # Errors
/// As with [`redact`].
pub fn erase(conn: &mut Conn, account: &AccountId, mode: Mode, id: &MessageId, now: UtcTime) -> Result<()> {
    let message = lock_sent(conn, account, mode, id)?;
    diesel::update(messages::table.find(id))
        .set((
            messages::text.eq(""),
            messages::reference.eq(""),
            messages::deleted_at.eq(now),
            messages::updated_at.eq(now),
        ))
        .execute(conn)?;
    // Callbacks hold the reference too. Those that wait are still sent.
    let payloads = callback_deliveries::table
        .filter(callback_deliveries::message_id.eq(id))
        .filter(callback_deliveries::due_at.is_null());
    diesel::update(payloads).set(callback_deliveries::payload.eq("")).execute(conn)?;
    record_event(conn, id, message.status, "Your application removed the message.".to_owned(), now)
}

fn lock_sent(conn: &mut Conn, account: &AccountId, mode: Mode, id: &MessageId) -> Result<Message> {
    find_for_api(conn, account, mode, id)?;
    let message = lock(conn, id)?;
    // Another request may have removed it since it was found.
    match (message.deleted_at, message.status) {
        (Some(_), _) => Err(Error::NotFound),
        (None, MessageStatus::Queued | MessageStatus::Sending) => {
            let sentence = "It is still to be sent. Cancel it first, or wait until the carrier has it.";
            Err(Error::WrongState { sentence })
        }
        (None, _) => Ok(message),
    }
}
