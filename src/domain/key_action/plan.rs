//! What an action would do, before somebody confirms it.

use diesel::prelude::*;

use super::record::{KeyActionKind, MAX_KEYS_OF_ACTION};
use crate::domain::account::AccountId;
use crate::domain::api_key::trash::oldest_restorable;
use crate::domain::api_key::{ApiKeyId, KeyFilter, KeyStatus, ids_matching};
use crate::error::Result;
use crate::store::schema::api_keys;
use crate::store::{Conn, UtcTime};

/// Names that are read together with the number of keys.
const SHOWN_NAMES: usize = 10;
/// Ids in one statement.
const CHUNK: usize = 500;

/// Which keys are selected.
#[derive(Debug, Clone)]
pub enum Selection {
    /// These.
    Keys(Vec<ApiKeyId>),
    /// All that match a filter; with a key, only those that are not newer.
    Matching(Box<KeyFilter>, Option<(UtcTime, ApiKeyId)>),
}

impl Selection {
    /// The ids of the account's keys that are selected, the newest first; of too many, one
    /// more than an action may have.
    ///
    /// # Errors
    /// When the database fails.
    pub fn ids(
        &self,
        conn: &mut Conn,
        account: &AccountId,
        kind: Option<KeyActionKind>,
        now: UtcTime,
    ) -> Result<Vec<ApiKeyId>> {
        match self {
            Self::Matching(filter, newest) => {
                ids_matching(conn, account, filter, now, newest.as_ref(), MAX_KEYS_OF_ACTION + 1)
            }
            Self::Keys(ids) => {
                let keys = api_keys::table
                    .filter(api_keys::account_id.eq(account))
                    .filter(api_keys::id.eq_any(ids))
                    .order((api_keys::created_at.desc(), api_keys::id.desc()))
                    .select(api_keys::id)
                    .into_boxed();
                let keys = match kind {
                    Some(KeyActionKind::Restore) => keys.filter(api_keys::deleted_at.gt(oldest_restorable(now))),
                    _ => keys.filter(api_keys::deleted_at.is_null()),
                };
                Ok(keys.load(conn)?)
            }
        }
    }
}

/// What an action would do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// How many keys are selected; of too many, one more than an action may have.
    pub count: usize,
    /// How many of them it would change.
    pub changes: usize,
    /// The newest of them.
    pub newest: Option<(UtcTime, ApiKeyId)>,
    /// The first of them, with their names.
    pub first: Vec<(ApiKeyId, String)>,
}

impl Plan {
    /// Looks at what is selected. `ends_at` is the end that keys would get.
    ///
    /// # Errors
    /// When the database fails.
    pub fn read(
        conn: &mut Conn,
        account: &AccountId,
        selection: &Selection,
        kind: KeyActionKind,
        now: UtcTime,
    ) -> Result<Self> {
        let ids = selection.ids(conn, account, Some(kind), now)?;
        let mut plan = Self { count: ids.len(), ..Self::default() };
        for chunk in ids.chunks(CHUNK).filter(|_| plan.count <= MAX_KEYS_OF_ACTION) {
            let keys = api_keys::table.filter(api_keys::id.eq_any(chunk));
            let changed: i64 = match kind {
                KeyActionKind::Enable => {
                    keys.filter(api_keys::status.eq(KeyStatus::Disabled)).count().get_result(conn)?
                }
                KeyActionKind::Disable => {
                    keys.filter(api_keys::status.eq(KeyStatus::Enabled)).count().get_result(conn)?
                }
                KeyActionKind::Extend => keys.filter(api_keys::expires_at.is_not_null()).count().get_result(conn)?,
                KeyActionKind::Delete | KeyActionKind::Restore => i64::try_from(chunk.len()).unwrap_or(i64::MAX),
            };
            plan.changes += usize::try_from(changed).unwrap_or_default();
        }
        let shown = &ids[..ids.len().min(SHOWN_NAMES)];
        plan.first = api_keys::table
            .filter(api_keys::id.eq_any(shown))
            .order((api_keys::created_at.desc(), api_keys::id.desc()))
            .select((api_keys::id, api_keys::name))
            .load(conn)?;
        if let Some(newest) = ids.into_iter().next() {
            let made: UtcTime = api_keys::table.find(&newest).select(api_keys::created_at).first(conn)?;
            plan.newest = Some((made, newest));
        }
        Ok(plan)
    }
}
