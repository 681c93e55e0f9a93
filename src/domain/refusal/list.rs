//! The list of refusals of an account's keys, newest first.

use diesel::prelude::*;

use super::record::{KeyRefusal, RefusalId, oldest_kept};
use crate::domain::account::AccountId;
use crate::domain::api_key::{ApiKey, ApiKeyId};
use crate::domain::cursor::Cursor;
use crate::error::Result;
use crate::store::schema::{api_keys, key_refusals};
use crate::store::{Conn, UtcTime};

/// The number of refusals on one page.
pub const REFUSALS_PER_PAGE: usize = 50;

/// A place in the list.
pub type RefusalCursor = Cursor<RefusalId>;

/// Which refusals are wanted.
#[derive(Debug, Clone, Default)]
pub struct RefusalFilter {
    /// Only those of this key.
    pub key: Option<ApiKeyId>,
    /// Only those for this reason, as the answer named it.
    pub code: Option<String>,
}

/// Refusals with the key that they are of.
#[derive(Debug)]
pub struct RefusalEntry {
    /// The refusals.
    pub refusal: KeyRefusal,
    /// The key, as it is now.
    pub key: ApiKey,
}

/// Some refusals of the list, newest first.
#[derive(Debug, Default)]
pub struct RefusalList {
    /// The refusals.
    pub rows: Vec<RefusalEntry>,
    /// The place of the last of them, if there are older ones.
    pub next: Option<RefusalCursor>,
}

/// The newest refusals of an account's keys that match `filter`, at most `limit`; of those
/// older than `after`, or of all.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    account: &AccountId,
    filter: &RefusalFilter,
    after: Option<&RefusalCursor>,
    now: UtcTime,
    limit: usize,
) -> Result<RefusalList> {
    let of_account = key_refusals::account_id.eq(account).and(api_keys::account_id.eq(account));
    let of_account = of_account.and(api_keys::deleted_at.is_null());
    let mut query = key_refusals::table.inner_join(api_keys::table).filter(of_account).into_boxed();
    query = query.filter(key_refusals::last_at.ge(oldest_kept(now)));
    if let Some(key) = &filter.key {
        query = query.filter(key_refusals::api_key_id.eq(key));
    }
    if let Some(code) = &filter.code {
        query = query.filter(key_refusals::code.eq(code));
    }
    if let Some(Cursor(time, id)) = after {
        let (last_at, id) = (key_refusals::last_at, key_refusals::id.lt(id));
        // The first condition follows from the second, but only it bounds the scan of the index.
        query = query.filter(last_at.le(time)).filter(last_at.lt(time).or(last_at.eq(time).and(id)));
    }
    let mut rows: Vec<(RefusalId, KeyRefusal, ApiKey)> = query
        .order((key_refusals::last_at.desc(), key_refusals::id.desc()))
        .limit(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .select((key_refusals::id, KeyRefusal::as_select(), ApiKey::as_select()))
        .load(conn)?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|(id, refusal, _)| Cursor(refusal.last_at, id.clone()));
    Ok(RefusalList { rows: rows.into_iter().map(|(_, refusal, key)| RefusalEntry { refusal, key }).collect(), next })
}
