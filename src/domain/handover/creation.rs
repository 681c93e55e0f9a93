//! Making the link that hands a key over.

use diesel::prelude::*;

use super::record::{StoredHandover, is_accepted};
use super::token::HandoverToken;
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::api_key::{self, ApiKeyEntry, ApiKeyId};
use crate::domain::audit::Action;
use crate::error::{Error, Result};
use crate::store::schema::key_handovers;
use crate::store::{Tx, UtcTime};

/// How long a link works, in seconds.
const HANDOVER_SECONDS: i64 = 24 * 3_600;
const NOT_CURRENT: &str = "This key was switched off, has ended, or has another secret by now. No link was made.";

/// A hand-over that was made just now.
#[derive(Debug)]
pub struct NewHandover {
    /// The key.
    pub entry: ApiKeyEntry,
    /// The secret of the link, which is nowhere else.
    pub token: HandoverToken,
    /// From when on the link shows nothing.
    pub ends_at: UtcTime,
}

/// Makes a link that shows this secret of the key once. It takes the place of an earlier link.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key and for another account's; [`Error::Invalid`] for `key`
/// unless it is the current secret of a key that is accepted.
pub fn create(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId, secret: &KeySecret) -> Result<NewHandover> {
    let now = tx.now();
    // Locked, so that no switch, rotation or second link comes between.
    let entry = api_key::find_locked(tx, account, id)?;
    if !is_accepted(&entry, &secret.digest(), now) {
        return Err(Error::invalid("key", NOT_CURRENT));
    }
    let in_a_day = now.plus_seconds(HANDOVER_SECONDS);
    let ends_at = entry.key.expires_at.map_or(in_a_day, |end| end.min(in_a_day));
    let token = HandoverToken::generate()?;
    let row = StoredHandover {
        api_key_id: id.clone(),
        token_digest: token.digest()?,
        sealed: Some(token.seal(secret, id)?),
        created_at: now,
        ends_at,
        opened_at: None,
        address: None,
        user_agent: None,
    };
    remove_ended(tx)?;
    diesel::delete(key_handovers::table.find(id)).execute(tx.conn())?;
    diesel::insert_into(key_handovers::table).values(&row).execute(tx.conn())?;
    tx.audit(entry.key.event(Action::ApiKeyHandedOver).done())?;
    Ok(NewHandover { entry, token, ends_at })
}

/// Removes what links of all keys would have shown that ended without being opened. Every new
/// link does so, which bounds the table without a task of its own.
fn remove_ended(tx: &mut Tx<'_>) -> Result<()> {
    let ended =
        key_handovers::table.filter(key_handovers::ends_at.le(tx.now())).filter(key_handovers::opened_at.is_null());
    diesel::delete(ended).execute(tx.conn())?;
    Ok(())
}
