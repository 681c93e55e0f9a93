//! Comparing a code that was typed, and using it up.

use diesel::prelude::*;

use super::record::stored;
use super::recovery_code;
use super::secret::TotpSecret;
use crate::domain::identity::operator::OperatorId;
use crate::domain::identity::throttle::Permit;
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::store::schema::second_factors;

/// Longer texts are meant as recovery codes, which have 16 characters; a slip in one of the
/// app's six digits is told as such.
const MAX_APP_CODE_CHARS: usize = 12;
const WRONG_CODE: &str = "This code is wrong. Use the newest one. If that is wrong too, let your phone set its clock by \
    itself: a minute too early or too late is too much.";
const USED_CODE: &str = "This code was used already. Wait a moment and use the next code.";
const WRONG_RECOVERY_CODE: &str = "This recovery code is wrong, or was used already.";

/// What somebody proved themselves with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// A code of the authenticator app.
    App,
    /// A recovery code.
    RecoveryCode,
}

/// Uses up a code of the app or a recovery code.
///
/// # Errors
/// [`Error::Invalid`] for `code` when it is wrong or was used before.
pub(super) fn redeem(tx: &mut Tx<'_>, operator: &OperatorId, typed: &str, permit: Permit) -> Result<Proof> {
    if looks_like_recovery_code(typed) {
        return if recovery_code::take(tx, operator, typed)? {
            Ok(Proof::RecoveryCode)
        } else {
            Err(Error::invalid("code", WRONG_RECOVERY_CODE))
        };
    }
    redeem_app_code(tx, operator, typed, permit).map(|()| Proof::App)
}

/// Uses up a code of the app.
///
/// # Errors
/// As with [`redeem`].
pub(super) fn redeem_app_code(tx: &mut Tx<'_>, operator: &OperatorId, typed: &str, _: Permit) -> Result<()> {
    let factor = stored(tx, operator)?.filter(|factor| factor.confirmed_at.is_some()).ok_or(Error::ChangedMeanwhile)?;
    let step = step_of(tx, &TotpSecret::from_stored(factor.secret)?, typed)?;
    // Compared in the update itself, so that of two logins on two instances one gets in.
    let row = second_factors::table.find(operator).filter(second_factors::last_step.lt(step));
    if diesel::update(row).set(second_factors::last_step.eq(step)).execute(tx.conn())? == 0 {
        return Err(Error::invalid("code", USED_CODE));
    }
    Ok(())
}

/// The time step of a right code.
///
/// # Errors
/// [`Error::Invalid`] for `code` when it is wrong.
pub(super) fn step_of(tx: &Tx<'_>, secret: &TotpSecret, typed: &str) -> Result<i64> {
    let code = plain(typed);
    if code.is_empty() {
        return Err(Error::invalid("code", "Enter a code."));
    }
    secret.step_of(&code, tx.now())?.ok_or_else(|| Error::invalid("code", WRONG_CODE))
}

fn looks_like_recovery_code(typed: &str) -> bool {
    plain(typed).len() > MAX_APP_CODE_CHARS
}

/// Apps show codes in two groups, which are typed with a blank.
fn plain(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).collect()
}
