//! What a customer is told: that a message has come to its end. Put in the
//! queue together with that end, and kept for the message's page.

use diesel::prelude::*;

use super::outcome::{Trouble, sentence};
use crate::domain::api_key::ApiKeyId;
use crate::domain::id::id;
use crate::domain::message::{Message, MessageId, MessageView, rfc3339};
use crate::error::{Error, Result};
use crate::store::schema::{api_key_callbacks, callback_deliveries};
use crate::store::types::text_enum;
use crate::store::{Conn, Steadily, UtcTime};

/// For how long a customer is told again and again, in seconds.
pub const TOLD_FOR_SECONDS: i64 = 24 * 3600;

id! {
    /// Names a delivery: its `webhook-id`.
    DeliveryId = "whd_"
}

text_enum! {
    /// How far a delivery has come.
    DeliveryStatus {
        /// It waits for its first try, or for the next one.
        Waiting = "waiting",
        /// The receiver has it.
        Delivered = "delivered",
        /// It was given up.
        Failed = "failed",
    }
}

/// A delivery as it is kept.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = callback_deliveries)]
pub struct Delivery {
    /// Its id, the same at each try.
    pub id: DeliveryId,
    /// About which message.
    pub message_id: MessageId,
    /// To whom: the application with this key.
    pub api_key_id: ApiKeyId,
    /// The body, JSON.
    pub payload: String,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub tries: i64,
    /// When it is tried next, while it waits.
    pub due_at: Option<UtcTime>,
    /// What kept the last try from being answered.
    pub error: Option<Trouble>,
    /// The HTTP status that the last try was answered with.
    pub http_status: Option<i64>,
    /// Since when it is in the queue.
    pub created_at: UtcTime,
    /// When it was tried last.
    pub updated_at: UtcTime,
}

impl Delivery {
    /// What came of the last try, in one sentence; nothing before the first.
    #[must_use]
    pub fn last_result(&self) -> Option<String> {
        sentence(self.error, self.http_status)
    }
}

/// What is told.
#[derive(serde::Serialize)]
struct Event<'a> {
    r#type: String,
    timestamp: String,
    data: MessageView<'a>,
}

/// Queues the news of a message's end, where its key has a callback.
///
/// # Errors
/// When the database fails.
pub(crate) fn tell(conn: &mut Conn, message: &Message, now: UtcTime) -> Result<()> {
    let Some(key) = &message.api_key_id else { return Ok(()) };
    let callback = api_key_callbacks::table.find(key).select(api_key_callbacks::api_key_id);
    if callback.first::<ApiKeyId>(conn).optional()?.is_none() {
        return Ok(());
    }
    let event = Event {
        r#type: format!("message.{}", message.status.as_str()),
        timestamp: rfc3339(now),
        data: MessageView::from(message),
    };
    let delivery = Delivery {
        id: DeliveryId::mint(),
        message_id: message.id.clone(),
        api_key_id: key.clone(),
        payload: serde_json::to_string(&event).map_err(Error::internal)?,
        status: DeliveryStatus::Waiting,
        tries: 0,
        due_at: Some(now),
        error: None,
        http_status: None,
        created_at: now,
        updated_at: now,
    };
    diesel::insert_into(callback_deliveries::table).values(&delivery).steadily().execute(conn)?;
    Ok(())
}

/// What was told, or is to be told, about a message, oldest first.
///
/// # Errors
/// When the database fails.
pub fn of_message(conn: &mut Conn, message: &MessageId) -> Result<Vec<Delivery>> {
    let rows = callback_deliveries::table.filter(callback_deliveries::message_id.eq(message));
    Ok(rows.order(callback_deliveries::id).select(Delivery::as_select()).load(conn)?)
}

/// Whether there is a delivery whose day is over.
///
/// # Errors
/// When the database fails.
pub fn has_old(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    Ok(!old(conn, 1, now)?.is_empty())
}

/// Gives up deliveries whose day is over, also those whose turn never came.
///
/// # Errors
/// When the database fails.
pub fn give_up_old(conn: &mut Conn, most: usize, now: UtcTime) -> Result<()> {
    let ids = old(conn, most, now)?;
    let rows = || {
        let rows = callback_deliveries::table.filter(callback_deliveries::id.eq_any(&ids));
        rows.filter(callback_deliveries::due_at.is_not_null())
    };
    let untold = (callback_deliveries::error.is_null()).and(callback_deliveries::http_status.is_null());
    diesel::update(rows().filter(untold)).set(callback_deliveries::error.eq(Trouble::TooLate)).execute(conn)?;
    diesel::update(rows())
        .set((
            callback_deliveries::status.eq(DeliveryStatus::Failed),
            callback_deliveries::due_at.eq(None::<UtcTime>),
            callback_deliveries::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

fn old(conn: &mut Conn, most: usize, now: UtcTime) -> Result<Vec<DeliveryId>> {
    Ok(callback_deliveries::table
        .filter(callback_deliveries::due_at.is_not_null())
        .filter(callback_deliveries::created_at.le(now.plus_seconds(-TOLD_FOR_SECONDS)))
        .order(callback_deliveries::created_at)
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select(callback_deliveries::id)
        .load(conn)?)
}
