//! The list of an account's messages, newest first.

use diesel::prelude::*;

use super::phone_number::PhoneNumber;
use super::{Message, MessageId, Status};
use crate::domain::account::AccountId;
use crate::domain::api_key::ApiKeyId;
use crate::domain::api_key::secret::Mode;
use crate::error::Result;
use crate::store::Conn;
use crate::store::schema::{api_keys, messages};

/// Messages on one page.
pub const PAGE: usize = 50;

/// Which messages are wanted; all of them, where nothing is set.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of live keys or of test keys.
    pub mode: Option<Mode>,
    /// How far they have come.
    pub status: Option<Status>,
    /// With which key they were sent.
    pub api_key: Option<ApiKeyId>,
    /// To whom.
    pub recipient: Option<PhoneNumber>,
}

/// A message with the name of its key.
#[derive(Debug, Clone, Queryable)]
pub struct MessageEntry {
    /// The message.
    pub message: Message,
    /// What its key is called; empty when it was deleted, or when there was none.
    pub api_key: Option<String>,
}

/// One page of the list.
#[derive(Debug)]
pub struct Page {
    /// Up to [`PAGE`] messages, newest first.
    pub rows: Vec<MessageEntry>,
    /// The message behind which the next page begins, if there is one.
    pub next: Option<MessageId>,
}

/// An account's messages that `filter` lets through, newest first, behind
/// `after` or from the start.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut Conn, account: &AccountId, filter: &Filter, after: Option<&MessageId>) -> Result<Page> {
    // One mode at a time: the index has each in order, and not both together.
    let modes = filter.mode.map_or_else(|| vec![Mode::Live, Mode::Test], |mode| vec![mode]);
    let mut rows = Vec::new();
    for mode in modes {
        rows.extend(of_mode(conn, account, mode, filter, after)?);
    }
    rows.sort_by(|one, other| other.message.id.as_str().cmp(one.message.id.as_str()));
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|row| row.message.id.clone());
    Ok(Page { rows, next })
}

fn of_mode(
    conn: &mut Conn,
    account: &AccountId,
    mode: Mode,
    filter: &Filter,
    after: Option<&MessageId>,
) -> Result<Vec<MessageEntry>> {
    let mut query = messages::table
        .left_join(api_keys::table)
        .filter(messages::account_id.eq(account))
        .filter(messages::mode.eq(mode))
        .order(messages::id.desc())
        .limit(PAGE as i64 + 1)
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

/// One message of an account; of one mode, where that is asked for.
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
