//! A delivery: one event for one callback, that a message reached a final
//! status. It is queued in the transaction of that status, so it is delivered at
//! least once, and kept for the message's page.

use diesel::prelude::*;

use super::format::CallbackFormat;
use super::outcome::{CallbackError, MAX_DELIVERY_AGE_SECONDS, sentence};
use super::twilio;
use super::url::CallbackUrl;
use crate::domain::api_key::ApiKeyId;
use crate::domain::id::id;
use crate::domain::message::{Message, MessageId, MessageStatus, MessageView};
use crate::error::{Error, Result};
use crate::store::schema::{api_key_callbacks, callback_deliveries};
use crate::store::types::text_enum;
use crate::store::{Conn, PrepareCached, UtcTime};

id! {
    /// The id of a delivery, sent as `webhook-id`.
    DeliveryId = "whd_"
}

text_enum! {
    /// The state of a delivery.
    DeliveryStatus {
        /// It waits for its first attempt or for a retry.
        Waiting = "waiting",
        /// The receiver answered with a 2xx status.
        Delivered = "delivered",
        /// No more attempts are made.
        Failed = "failed",
    }
}

/// A row of `callback_deliveries`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = callback_deliveries)]
pub struct Delivery {
    /// Its id, the same in each attempt, so that receivers can deduplicate.
    pub id: DeliveryId,
    /// The message that the event is about.
    pub message_id: MessageId,
    /// The key whose callback it is for.
    pub api_key_id: ApiKeyId,
    /// The body of the request, JSON or a form.
    pub payload: String,
    /// Its state.
    pub status: DeliveryStatus,
    /// The number of attempts so far.
    pub tries: i64,
    /// When the next attempt is due, or the lease of the current one ends; `None`
    /// in a final state.
    pub due_at: Option<UtcTime>,
    /// Why the last attempt got no response.
    pub error: Option<CallbackError>,
    /// The HTTP status of the response to the last attempt.
    pub http_status: Option<i64>,
    /// When it was queued.
    pub created_at: UtcTime,
    /// When its last attempt ended.
    pub updated_at: UtcTime,
    /// The address that its message named; `None` for the key's.
    pub url: Option<CallbackUrl>,
    /// The format of the request.
    pub format: CallbackFormat,
    /// The host and the port of `url`; empty for the key's. Those of one host wait for
    /// each other only.
    pub host: String,
}

impl Delivery {
    /// The result of the last attempt as a sentence; `None` before the first.
    #[must_use]
    pub fn last_result(&self) -> Option<String> {
        sentence(self.error, self.http_status)
    }
}

/// The body of the request, as Standard Webhooks recommends it.
#[derive(serde::Serialize)]
struct Event<'a> {
    r#type: String,
    timestamp: String,
    data: MessageView<'a>,
}

/// Queues the event of a message that came to a new status, or to the end of the wait
/// for its receipt. Nothing is queued without an address to call, or without a secret
/// to sign with.
///
/// # Errors
/// When the database fails.
pub(crate) fn enqueue(conn: &mut Conn, before: MessageStatus, message: &Message, now: UtcTime) -> Result<()> {
    let Some(key) = &message.api_key_id else { return Ok(()) };
    let format = message.callback_url.as_ref().map_or(CallbackFormat::Json, |_| message.callback_format);
    let is_news = match format {
        CallbackFormat::Json => message.has_ended(),
        CallbackFormat::Twilio => message.status != before && twilio::is_reported(message.status),
    };
    if !is_news {
        return Ok(());
    }
    let keys_url = api_key_callbacks::table.find(key).select(api_key_callbacks::url);
    match keys_url.first::<String>(conn).optional()? {
        None => return Ok(()),
        Some(url) if url.is_empty() && message.callback_url.is_none() => return Ok(()),
        Some(_) => {}
    }
    let payload = match format {
        CallbackFormat::Json => json_payload(message, now)?,
        CallbackFormat::Twilio => twilio::payload(message),
    };
    let delivery = Delivery {
        id: DeliveryId::mint(),
        message_id: message.id.clone(),
        api_key_id: key.clone(),
        payload,
        status: DeliveryStatus::Waiting,
        tries: 0,
        due_at: Some(now),
        error: None,
        http_status: None,
        created_at: now,
        updated_at: now,
        url: message.callback_url.clone(),
        format,
        host: message.callback_url.as_ref().map(CallbackUrl::host).unwrap_or_default(),
    };
    diesel::insert_into(callback_deliveries::table).values(&delivery).prepare_cached().execute(conn)?;
    Ok(())
}

fn json_payload(message: &Message, now: UtcTime) -> Result<String> {
    let event = Event {
        r#type: format!("message.{}", message.status.as_str()),
        timestamp: now.rfc3339(),
        data: MessageView::from(message),
    };
    serde_json::to_string(&event).map_err(Error::internal)
}

/// The deliveries about a message, oldest first.
///
/// # Errors
/// When the database fails.
pub fn list_by_message(conn: &mut Conn, message: &MessageId) -> Result<Vec<Delivery>> {
    let rows = callback_deliveries::table.filter(callback_deliveries::message_id.eq(message));
    Ok(rows.order(callback_deliveries::id).select(Delivery::as_select()).load(conn)?)
}

/// Whether a queued delivery is older than [`MAX_DELIVERY_AGE_SECONDS`].
///
/// # Errors
/// When the database fails.
pub fn has_expired(conn: &mut Conn, now: UtcTime) -> Result<bool> {
    Ok(!expired(conn, 1, now)?.is_empty())
}

/// Fails up to `limit` queued deliveries older than [`MAX_DELIVERY_AGE_SECONDS`],
/// including those that were never attempted.
///
/// # Errors
/// When the database fails.
pub fn fail_expired(conn: &mut Conn, limit: usize, now: UtcTime) -> Result<()> {
    let ids = expired(conn, limit, now)?;
    let rows = || {
        let rows = callback_deliveries::table.filter(callback_deliveries::id.eq_any(&ids));
        rows.filter(callback_deliveries::due_at.is_not_null())
    };
    let untried = (callback_deliveries::error.is_null()).and(callback_deliveries::http_status.is_null());
    diesel::update(rows().filter(untried)).set(callback_deliveries::error.eq(CallbackError::TooLate)).execute(conn)?;
    diesel::update(rows())
        .set((
            callback_deliveries::status.eq(DeliveryStatus::Failed),
            callback_deliveries::due_at.eq(None::<UtcTime>),
            callback_deliveries::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

fn expired(conn: &mut Conn, limit: usize, now: UtcTime) -> Result<Vec<DeliveryId>> {
    Ok(callback_deliveries::table
        .filter(callback_deliveries::due_at.is_not_null())
        .filter(callback_deliveries::created_at.le(now.plus_seconds(-MAX_DELIVERY_AGE_SECONDS)))
        .order(callback_deliveries::created_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(callback_deliveries::id)
        .load(conn)?)
}
