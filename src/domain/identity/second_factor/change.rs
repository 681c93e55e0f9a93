//! Setting a second factor up, renewing its recovery codes, and removing it.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};

use super::check::{redeem, redeem_app_code, step_of};
use super::record::{is_on, stored};
use super::recovery_code::{self, RecoveryCode};
use super::secret::TotpSecret;
use crate::domain::audit::Action;
use crate::domain::identity::operator::{self, OperatorId};
use crate::domain::identity::session;
use crate::domain::identity::throttle::Permit;
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::store::schema::second_factors;

const SETUP_OVER: &str = "This set-up took too long. Begin again.";

/// Generates the secret for an authenticator app, in place of an earlier one that was not
/// confirmed. A login does not ask for it yet, so that it is no change to record.
///
/// # Errors
/// [`Error::ChangedMeanwhile`] when the operator has a second factor.
pub fn begin_setup(tx: &mut Tx<'_>, operator: &OperatorId) -> Result<()> {
    if is_on(tx, operator)? {
        return Err(Error::ChangedMeanwhile);
    }
    let secret = TotpSecret::generate()?;
    let now = tx.now();
    diesel::delete(second_factors::table.find(operator).filter(second_factors::confirmed_at.is_null()))
        .execute(tx.conn())?;
    let row = (
        second_factors::operator_id.eq(operator),
        second_factors::secret.eq(secret.as_bytes()),
        second_factors::created_at.eq(now),
        second_factors::last_step.eq(0),
    );
    match diesel::insert_into(second_factors::table).values(row).execute(tx.conn()) {
        Err(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Err(Error::ChangedMeanwhile),
        inserted => Ok(inserted.map(drop)?),
    }
}

/// Turns the second factor on, with the first code of the app, which is used up by it.
/// Gives the recovery codes, which are not shown again.
///
/// # Errors
/// [`Error::Invalid`] for `code` when it is wrong; [`Error::ChangedMeanwhile`] when the
/// factor is on, or was begun anew in another tab.
pub fn activate(tx: &mut Tx<'_>, operator: &OperatorId, typed: &str, _: Permit) -> Result<Vec<RecoveryCode>> {
    let factor = stored(tx, operator)?.ok_or_else(|| Error::invalid("code", SETUP_OVER))?;
    if factor.confirmed_at.is_some() {
        return Err(Error::ChangedMeanwhile);
    }
    let now = tx.now();
    if !factor.is_pending(now) {
        return Err(Error::invalid("code", SETUP_OVER));
    }
    let secret = TotpSecret::from_stored(factor.secret)?;
    let step = step_of(tx, &secret, typed)?;
    let row = second_factors::table
        .find(operator)
        .filter(second_factors::confirmed_at.is_null())
        .filter(second_factors::secret.eq(secret.as_bytes()));
    let set = (second_factors::confirmed_at.eq(now), second_factors::last_step.eq(step));
    if diesel::update(row).set(set).execute(tx.conn())? == 0 {
        return Err(Error::ChangedMeanwhile);
    }
    let codes = recovery_code::renew(tx, operator)?;
    record(tx, operator, Action::OperatorSecondFactorAdded)?;
    Ok(codes)
}

/// Replaces the recovery codes, against a code of the app: whoever has found the old ones
/// gets no new ones for them.
///
/// # Errors
/// [`Error::Invalid`] for `code` when it is wrong or was used before;
/// [`Error::ChangedMeanwhile`] without a second factor.
pub fn renew_recovery_codes(
    tx: &mut Tx<'_>,
    operator: &OperatorId,
    typed: &str,
    permit: Permit,
) -> Result<Vec<RecoveryCode>> {
    redeem_app_code(tx, operator, typed, permit)?;
    let codes = recovery_code::renew(tx, operator)?;
    record(tx, operator, Action::OperatorRecoveryCodesRenewed)?;
    Ok(codes)
}

/// Turns the second factor off, against a code of the app or a recovery code.
///
/// # Errors
/// As with [`renew_recovery_codes`].
pub fn turn_off(tx: &mut Tx<'_>, operator: &OperatorId, typed: &str, permit: Permit) -> Result<()> {
    redeem(tx, operator, typed, permit)?;
    remove(tx, operator)?;
    record(tx, operator, Action::OperatorSecondFactorRemoved)
}

/// Removes the second factor of somebody who has lost it, and ends their sessions. Returns
/// whether there was one.
///
/// # Errors
/// [`Error::NotFound`] for an unknown operator.
pub fn reset(tx: &mut Tx<'_>, operator: &OperatorId) -> Result<bool> {
    if !is_on(tx, operator)? {
        return Ok(false);
    }
    remove(tx, operator)?;
    session::end_all(tx, operator)?;
    record(tx, operator, Action::OperatorSecondFactorReset)?;
    Ok(true)
}

/// The recovery codes go with it.
fn remove(tx: &mut Tx<'_>, operator: &OperatorId) -> Result<()> {
    diesel::delete(second_factors::table.find(operator)).execute(tx.conn())?;
    Ok(())
}

fn record(tx: &mut Tx<'_>, operator: &OperatorId, action: Action) -> Result<()> {
    let event = operator::find(tx, operator)?.event_of_account(tx, action)?;
    tx.audit(event.done())
}
