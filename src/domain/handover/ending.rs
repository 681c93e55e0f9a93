//! Ending hand-overs before their time.

use diesel::prelude::*;

use crate::domain::account::AccountId;
use crate::domain::api_key::{self, ApiKey, ApiKeyId};
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::Tx;
use crate::store::schema::key_handovers;

/// Removes a key's hand-over, also what is known of its opening: it concerned a secret that
/// the key no longer has.
///
/// # Errors
/// When the database fails.
pub fn end(tx: &mut Tx<'_>, key: &ApiKeyId) -> Result<()> {
    diesel::delete(key_handovers::table.find(key)).execute(tx.conn())?;
    Ok(())
}

/// Ends a key's link that nobody has opened. When and by whom one was opened stays known.
///
/// # Errors
/// When the database fails.
pub fn end_unopened(tx: &mut Tx<'_>, key: &ApiKeyId) -> Result<()> {
    let unopened = key_handovers::table.find(key).filter(key_handovers::opened_at.is_null());
    diesel::delete(unopened).execute(tx.conn())?;
    Ok(())
}

/// Withdraws a key's link. Returns the key, and whether there was a link to withdraw.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown key and for another account's.
pub fn withdraw(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId) -> Result<(ApiKey, bool)> {
    let key = api_key::find(tx, account, id)?.key;
    let unopened = key_handovers::table
        .find(id)
        .filter(key_handovers::opened_at.is_null())
        .filter(key_handovers::ends_at.gt(tx.now()));
    let is_withdrawn = diesel::delete(unopened).execute(tx.conn())? > 0;
    if is_withdrawn {
        tx.audit(key.event(Action::ApiKeyHandoverWithdrawn).done())?;
    }
    Ok((key, is_withdrawn))
}
