//! The list of an account's messages, newest first.

use diesel::prelude::*;

use super::filter::MessageFilter;
use super::record::{Message, MessageId};
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::Mode;
use crate::error::{Error, Result};
use crate::store::Conn;
use crate::store::schema::{api_keys, key_secrets, messages};

/// The number of messages on one page.
pub const MESSAGES_PER_PAGE: usize = 50;

/// A message with what names its key.
#[derive(Debug, Clone, Queryable)]
pub struct MessageEntry {
    /// The message.
    pub message: Message,
    /// The name of its key; `None` when the key was deleted, or an operator sent it.
    pub api_key: Option<String>,
    /// The last four characters of its key's current secret.
    pub key_tail: Option<String>,
}

/// One page of an account's messages.
#[derive(Debug)]
pub struct MessageList {
    /// Messages, newest first.
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
    list_many(conn, account, filter, after, MESSAGES_PER_PAGE)
}

/// The same with up to `limit` messages.
///
/// # Errors
/// When the database fails.
pub fn list_many(
    conn: &mut Conn,
    account: &AccountId,
    filter: &MessageFilter,
    after: Option<&MessageId>,
    limit: usize,
) -> Result<MessageList> {
    let mut ids: Vec<MessageId> = Vec::new();
    for filter in filter.parts() {
        let mut query = filter.of(account).order(messages::id.desc()).limit(rows(limit + 1));
        if let Some(after) = after {
            query = query.filter(messages::id.lt(after));
        }
        ids.extend(query.select(messages::id).load::<MessageId>(conn)?);
    }
    ids.sort_by(|one, other| other.cmp(one));
    let more = ids.len() > limit;
    ids.truncate(limit);
    let next = ids.last().filter(|_| more).cloned();
    Ok(MessageList { rows: entries(conn, &ids)?, next })
}

/// The page before the one that begins after `before`: the messages next newer
/// than it. Fewer than a page when it would reach the newest, and then the first
/// page has all of them.
///
/// # Errors
/// When the database fails.
pub fn list_newer(
    conn: &mut Conn,
    account: &AccountId,
    filter: &MessageFilter,
    before: &MessageId,
) -> Result<MessageList> {
    let mut ids: Vec<MessageId> = Vec::new();
    for filter in filter.parts() {
        let query = filter.of(account).filter(messages::id.gt(before)).order(messages::id.asc());
        ids.extend(query.limit(rows(MESSAGES_PER_PAGE)).select(messages::id).load::<MessageId>(conn)?);
    }
    ids.sort();
    ids.truncate(MESSAGES_PER_PAGE);
    if ids.len() < MESSAGES_PER_PAGE {
        return list(conn, account, filter, None);
    }
    ids.reverse();
    let next = ids.last().cloned();
    Ok(MessageList { rows: entries(conn, &ids)?, next })
}

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Messages with their keys' current secrets.
#[diesel::dsl::auto_type]
fn with_keys() -> _ {
    let is_current = key_secrets::api_key_id.nullable().eq(messages::api_key_id).and(key_secrets::ends_at.is_null());
    // A key in the trash is a deleted one.
    let is_key = api_keys::id.nullable().eq(messages::api_key_id).and(api_keys::deleted_at.is_null());
    messages::table.left_join(api_keys::table.on(is_key)).left_join(key_secrets::table.on(is_current))
}

fn entries(conn: &mut Conn, ids: &[MessageId]) -> Result<Vec<MessageEntry>> {
    let rows = with_keys().filter(messages::id.eq_any(ids)).order(messages::id.desc());
    Ok(rows.select((Message::as_select(), api_keys::name.nullable(), key_secrets::tail.nullable())).load(conn)?)
}

/// One message of an account for its applications, which do not see those that they
/// deleted.
///
/// # Errors
/// [`Error::NotFound`] as with [`find`], and for a deleted message.
pub fn find_for_api(conn: &mut Conn, account: &AccountId, mode: Mode, id: &MessageId) -> Result<MessageEntry> {
    let entry = find(conn, account, Some(mode), id)?;
    if entry.message.deleted_at.is_some() { Err(Error::NotFound) } else { Ok(entry) }
}

/// One message of an account, if `mode` is none or the message's.
///
/// # Errors
/// [`Error::NotFound`] for an unknown message
/// and for another account's or mode's.
pub fn find(conn: &mut Conn, account: &AccountId, mode: Option<Mode>, id: &MessageId) -> Result<MessageEntry> {
    let mut query = with_keys()
        .filter(messages::account_id.eq(account))
        .filter(messages::id.eq(id))
        .select((Message::as_select(), api_keys::name.nullable(), key_secrets::tail.nullable()))
        .into_boxed();
    if let Some(mode) = mode {
        query = query.filter(messages::mode.eq(mode));
    }
    Ok(query.first(conn)?)
}
