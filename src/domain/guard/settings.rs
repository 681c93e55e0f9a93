//! How the limits are changed.

use diesel::prelude::*;

use super::count;
use super::limits::Limits;
use super::record::{Guard, find_guard, insert};
use crate::domain::account::{self, AccountId};
use crate::domain::api_key::{self, ApiKeyId};
use crate::domain::audit::{self, Action, EventBuilder, TargetKind};
use crate::domain::credit;
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::store::schema::guards;

/// Saves the limits of an account; the same ones change nothing. Who has saved limits is
/// offered none any more.
///
/// # Errors
/// When the database fails.
pub fn save_account_limits(tx: &mut Tx<'_>, account: &AccountId, limits: Limits) -> Result<()> {
    let name = account::name(tx, account)?;
    let event = audit::event(Action::AccountLimitsChanged, TargetKind::Account, account.as_str(), &name).of(account);
    save(tx, account, None, limits, event)
}

/// Saves the limits of a key; the same ones change nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key, for another account's and for a management key.
pub fn save_key_limits(tx: &mut Tx<'_>, account: &AccountId, key: &ApiKeyId, limits: Limits) -> Result<()> {
    let entry = api_key::find_locked(tx, account, key)?;
    if entry.key.is_for_management() {
        return Err(Error::NotFound);
    }
    let event = entry.key.event(Action::ApiKeyLimitsChanged);
    save(tx, account, Some(key), limits, event)
}

fn save(
    tx: &mut Tx<'_>,
    account: &AccountId,
    key: Option<&ApiKeyId>,
    limits: Limits,
    event: EventBuilder,
) -> Result<()> {
    // Nothing is sent and counted meanwhile.
    credit::lock(tx.conn(), account)?;
    let stored = find_guard(tx.conn(), account, key)?;
    let before = stored.as_ref().map_or_else(Limits::none, |guard| guard.limits.clone());
    let guard = Guard::new(account, key, limits);
    let is_offered = stored.as_ref().is_some_and(|guard| guard.is_offered);
    if before == guard.limits && !is_offered {
        return Ok(());
    }
    if stored.is_some() {
        let row = guards::table.find(&guard.holder);
        diesel::update(row).set((&guard.limits, guards::is_offered.eq(false))).execute(tx.conn())?;
    } else {
        insert(tx.conn(), &guard)?;
    }
    if before.credits_day.is_none() && guard.limits.credits_day.is_some() {
        let now = tx.now();
        let spent = credit::spent_today(tx.conn(), account, key, now)?;
        count::begin_day(tx.conn(), &guard.holder, spent, now)?;
    }
    if before == guard.limits {
        return Ok(());
    }
    tx.audit(guard.limits.changed_since(&before, event).done())
}
