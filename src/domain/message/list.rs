//! The list of an account's messages, newest first.

use diesel::prelude::*;

use super::phone_number::PhoneNumber;
use super::record::{Message, MessageId, MessageStatus};
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::api_key::secret::Mode;
use crate::error::Result;
use crate::store::Conn;
use crate::store::schema::{api_keys, messages};

/// The number of messages on one page.
pub const MESSAGES_PER_PAGE: usize = 50;

/// Conditions on the listed messages; `None` is no condition.
#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    /// Live or test.
    pub mode: Option<Mode>,
    /// Their status.
    pub status: Option<MessageStatus>,
    /// The key that they were sent with.
    pub api_key: Option<ApiKeyId>,
    /// The phone that they go to.
    pub recipient: Option<PhoneNumber>,
}

/// A message with the name of its key.
#[derive(Debug, Clone, Queryable)]
pub struct MessageEntry {
    /// The message.
    pub message: Message,
    /// The name of its key; `None` when the key was deleted, or an operator sent it.
    pub api_key: Option<String>,
}

/// One page of an account's messages.
#[derive(Debug)]
pub struct MessageList {
    /// Up to [`MESSAGES_PER_PAGE`] messages, newest first.
    pub rows: Vec<MessageEntry>,
    /// The cursor of the next page: the last message of this one. `None` on the
    /// last page.
    pub next: Option<MessageId>,
}

/// A page of an account's messages that match `filter`, newest first; those
/// older than `after`, or the first page.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    account: &AccountId,
    filter: &MessageFilter,
    after: Option<&MessageId>,
) -> Result<MessageList> {
    // One query per mode: the index is ordered by id within a mode only.
    let modes = filter.mode.map_or_else(|| vec![Mode::Live, Mode::Test], |mode| vec![mode]);
    let mut rows = Vec::new();
    for mode in modes {
        rows.extend(of_mode(conn, account, mode, filter, after)?);
    }
    rows.sort_by(|one, other| other.message.id.as_str().cmp(one.message.id.as_str()));
    let more = rows.len() > MESSAGES_PER_PAGE;
    rows.truncate(MESSAGES_PER_PAGE);
    let next = rows.last().filter(|_| more).map(|row| row.message.id.clone());
    Ok(MessageList { rows, next })
}

fn of_mode(
    conn: &mut Conn,
    account: &AccountId,
    mode: Mode,
    filter: &MessageFilter,
    after: Option<&MessageId>,
) -> Result<Vec<MessageEntry>> {
    let mut query = messages::table
        .left_join(api_keys::table)
        .filter(messages::account_id.eq(account))
        .filter(messages::mode.eq(mode))
        .order(messages::id.desc())
        .limit(MESSAGES_PER_PAGE as i64 + 1)
        .select((Message::as_select(), api_keys::name.nullable()))
        .into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(messages::status.eq(status));
    }
    if let Some(key) = &filter.api_key {
        query = query.filter(messages::api_key_id.eq(key));
    }
    if let Some(recipient) = &filter.recipient {
        query = query.filter(messages::recipient.eq(recipient));
    }
    if let Some(after) = after {
        query = query.filter(messages::id.lt(after));
    }
    Ok(query.load(conn)?)
}

/// One message of an account, if `mode` is none or the message's.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown message
/// and for another account's or mode's.
pub fn find(conn: &mut Conn, account: &AccountId, mode: Option<Mode>, id: &MessageId) -> Result<MessageEntry> {
    let mut query = messages::table
        .left_join(api_keys::table)
        .filter(messages::account_id.eq(account))
        .filter(messages::id.eq(id))
        .select((Message::as_select(), api_keys::name.nullable()))
        .into_boxed();
    if let Some(mode) = mode {
        query = query.filter(messages::mode.eq(mode));
    }
    Ok(query.first(conn)?)
}
