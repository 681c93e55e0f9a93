//! Keys by their ends: those that end soon, and those that end later than a rule of
//! the installation allows.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::expiry::Lifetimes;
use super::list::forget;
use super::matching::SORTED_END;
use super::record::{ApiKey, ApiKeyId, KeyStatus};
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::error::{Error, Result};
use crate::store::schema::api_keys;
use crate::store::{Conn, Tx, UtcTime};

/// The most keys that are shortened at once, so that the change keeps no other one waiting for long.
pub const MAX_SHORTENED_AT_ONCE: i64 = 1_000;

/// Keys that end within a time, the soonest first.
#[derive(Debug, Default)]
pub struct EndingKeys {
    /// The first of them.
    pub first: Vec<(ApiKeyId, String)>,
    /// How many there are.
    pub count: i64,
}

/// The end, as the index of ends has it.
fn sorted_end() -> diesel::expression::SqlLiteral<BigInt> {
    sql(SORTED_END)
}

/// An account's enabled keys that end after `from` and until `to`, and the names of
/// the first `limit`.
///
/// # Errors
/// When the database fails.
pub fn ending(conn: &mut Conn, account: &AccountId, from: UtcTime, to: UtcTime, limit: i64) -> Result<EndingKeys> {
    let keys = || {
        api_keys::table
            .filter(api_keys::account_id.eq(account))
            .filter(api_keys::deleted_at.is_null())
            .filter(sorted_end().gt(from))
            .filter(sorted_end().le(to))
            .filter(api_keys::status.eq(KeyStatus::Enabled))
            .filter(api_keys::deleted_at.is_null())
    };
    let first: Vec<(ApiKeyId, String)> = keys()
        .order((sorted_end().asc(), api_keys::created_at.desc(), api_keys::id.desc()))
        .limit(limit)
        .select((api_keys::id, api_keys::name))
        .load(conn)?;
    let is_all = i64::try_from(first.len()).is_ok_and(|found| found < limit);
    let count = if is_all { i64::try_from(first.len()).unwrap_or(limit) } else { keys().count().get_result(conn)? };
    Ok(EndingKeys { first, count })
}

/// What shortening keys to the maximum would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortening {
    /// How many keys end later than the maximum allows, or never.
    pub total: i64,
    /// The end that they would get.
    pub end: UtcTime,
}

impl Shortening {
    /// Looks for keys of any account that end later than the maximum allows; `None` when
    /// there is none, or no maximum.
    ///
    /// # Errors
    /// When the database fails.
    pub fn find(conn: &mut Conn, now: UtcTime) -> Result<Option<Self>> {
        let Some(end) = Lifetimes::read(conn)?.latest(now) else { return Ok(None) };
        let too_late = api_keys::expires_at.is_null().or(api_keys::expires_at.gt(end));
        let keys = api_keys::table.filter(too_late).filter(api_keys::deleted_at.is_null());
        let total = keys.count().get_result(conn)?;
        Ok(Some(Self { total, end }).filter(|found| found.total > 0))
    }

    /// How many keys are shortened at once.
    #[must_use]
    pub fn at_once(self) -> i64 {
        self.total.min(MAX_SHORTENED_AT_ONCE)
    }
}

/// Gives keys that end too late the latest end that the maximum allows: all, or as many
/// as [`Shortening::at_once`] says. Returns how many.
///
/// # Errors
/// [`Error::ChangedMeanwhile`] when it is not what was `confirmed`, and then nothing is changed.
pub fn shorten(tx: &mut Tx<'_>, confirmed: Shortening) -> Result<i64> {
    let now = tx.now();
    if Shortening::find(tx, now)? != Some(confirmed) {
        return Err(Error::ChangedMeanwhile);
    }
    let is_too_late = || api_keys::expires_at.is_null().or(api_keys::expires_at.gt(confirmed.end));
    let too_late = || is_too_late().and(api_keys::deleted_at.is_null());
    let keys: Vec<ApiKey> = api_keys::table
        .filter(too_late())
        .order((api_keys::created_at.asc(), api_keys::id.asc()))
        .limit(MAX_SHORTENED_AT_ONCE)
        .select(ApiKey::as_select())
        .load(tx.conn())?;
    let mut shortened = 0;
    for key in &keys {
        let end = (api_keys::expires_at.eq(confirmed.end), api_keys::version.eq(api_keys::version + 1));
        // A concurrent change may have given the key an earlier end, which stays.
        if diesel::update(api_keys::table.find(&key.id).filter(too_late())).set(end).execute(tx.conn())? == 0 {
            continue;
        }
        shortened += 1;
        forget(tx, &key.id)?;
        let [before, after] = [key.expires_at, Some(confirmed.end)].map(|end| end.map(UtcTime::rfc3339));
        tx.audit(key.event(Action::ApiKeyExpiryChanged).field("expires_at", before, after).done())?;
    }
    Ok(shortened)
}
