//! Lists of keys for programs and scripts: filtered, and page by page through all of
//! them.

use diesel::prelude::*;

use super::list::{KeyCursor, KeyPage, of_ids};
use super::record::{ApiKeyId, KeyStatus};
use crate::domain::account::AccountId;
use crate::domain::cursor::Cursor;
use crate::error::Result;
use crate::store::schema::api_keys;
use crate::store::{Conn, UtcTime};

/// Rows on one page; programs read all pages, so they are longer than those for people.
const LISTED_KEYS_PER_PAGE: usize = 200;

/// Which keys are listed.
#[derive(Debug, Clone, Default)]
pub struct KeyFilter {
    /// Those of one service.
    pub service: Option<String>,
    /// Those that are on, or off.
    pub status: Option<KeyStatus>,
    /// Those whose end has passed by this moment.
    pub expired_by: Option<UtcTime>,
}

/// A page of an account's keys, newest first: the first one, or the one after a cursor
/// (keyset pagination).
///
/// # Errors
/// When the database fails.
pub fn list_filtered(
    conn: &mut Conn,
    account: &AccountId,
    filter: &KeyFilter,
    after: Option<&KeyCursor>,
) -> Result<KeyPage> {
    let mut query = api_keys::table
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::deleted_at.is_null())
        .order((api_keys::created_at.desc(), api_keys::id.desc()))
        .limit(LISTED_KEYS_PER_PAGE as i64 + 1)
        .select((api_keys::created_at, api_keys::id))
        .into_boxed();
    if let Some(service) = &filter.service {
        query = query.filter(api_keys::service.eq(service));
    }
    if let Some(status) = filter.status {
        query = query.filter(api_keys::status.eq(status));
    }
    if let Some(moment) = filter.expired_by {
        query = query.filter(api_keys::expires_at.le(moment));
    }
    if let Some(Cursor(time, id)) = after {
        // The first condition follows from the second, but only it bounds the scan of the index.
        query = query
            .filter(api_keys::created_at.le(time))
            .filter(api_keys::created_at.lt(time).or(api_keys::created_at.eq(time).and(api_keys::id.lt(id))));
    }
    let mut places: Vec<(UtcTime, ApiKeyId)> = query.load(conn)?;
    let more = places.len() > LISTED_KEYS_PER_PAGE;
    places.truncate(LISTED_KEYS_PER_PAGE);
    let next = places.last().filter(|_| more).map(|(time, id)| Cursor(*time, id.clone()));
    let ids: Vec<ApiKeyId> = places.into_iter().map(|(_, id)| id).collect();
    Ok(KeyPage { rows: of_ids(conn, &ids)?, next })
}
