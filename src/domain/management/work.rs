//! What management keys do with keys beside creating and changing them.

use super::remit::KeyRemit;
use crate::domain::api_key::rotation::{self, Rotation, RotationRequest};
use crate::domain::api_key::{self, ApiKeyEntry, ApiKeyId, StatusRequest, deletion};
use crate::error::{Error, Result};
use crate::store::{Tx, UtcTime};

/// Enables or disables a key.
///
/// # Errors
/// As [`api_key::set_status`]; [`Error::NotFound`] for a key outside of the remit.
pub fn set_status(tx: &mut Tx<'_>, remit: &KeyRemit, id: &ApiKeyId, request: StatusRequest) -> Result<ApiKeyEntry> {
    remit.find_locked(tx, id)?;
    api_key::set_status(tx, &remit.account, id, request)
}

/// Gives a key a new secret.
///
/// # Errors
/// [`Error::OutOfBounds`] for a key that the management key could not have made; as [`rotation::rotate`];
/// [`Error::NotFound`] for a key outside of the remit.
pub fn rotate(tx: &mut Tx<'_>, remit: &KeyRemit, id: &ApiKeyId, request: RotationRequest) -> Result<Rotation> {
    let (key, now) = (remit.find_locked(tx, id)?.key, tx.now());
    remit.require_makeable(&key, now)?;
    rotation::rotate(tx, &remit.account, id, request)
}

/// Ends the previous secret of a key now.
///
/// # Errors
/// As [`rotation::end_previous`]; [`Error::NotFound`] for a key outside of the remit.
pub fn end_previous_secret(tx: &mut Tx<'_>, remit: &KeyRemit, id: &ApiKeyId) -> Result<ApiKeyEntry> {
    remit.find_locked(tx, id)?;
    rotation::end_previous(tx, &remit.account, id)
}

/// Moves the end of the previous secret of a key.
///
/// # Errors
/// As [`rotation::extend`]; [`Error::NotFound`] for a key outside of the remit.
pub fn extend_previous_secret(
    tx: &mut Tx<'_>,
    remit: &KeyRemit,
    id: &ApiKeyId,
    ends_at: UtcTime,
) -> Result<ApiKeyEntry> {
    remit.find_locked(tx, id)?;
    rotation::extend(tx, &remit.account, id, ends_at)
}

/// Deletes a key, which can be restored for some days.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key, for one in the trash, and for one outside of the remit.
pub fn delete(tx: &mut Tx<'_>, remit: &KeyRemit, id: &ApiKeyId) -> Result<()> {
    remit.find_locked(tx, id)?;
    deletion::delete(tx, &remit.account, id).map(drop)
}

/// Takes a key out of the trash; one that is not there is as it was.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key, for one that was deleted too long ago, and for one outside of the remit.
pub fn restore(tx: &mut Tx<'_>, remit: &KeyRemit, id: &ApiKeyId) -> Result<ApiKeyEntry> {
    match remit.find_locked(tx, id) {
        Err(Error::NotFound) => {}
        found => return found,
    }
    remit.find_deleted(tx, id)?;
    deletion::restore(tx, &remit.account, id)
}
