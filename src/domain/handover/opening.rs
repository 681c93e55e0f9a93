//! Opening the link of a hand-over: looked at as often as somebody likes, shown once.

use diesel::prelude::*;

use super::record::{StoredHandover, is_accepted};
use super::token::HandoverToken;
use crate::domain::account::AccountId;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::api_key::{self, ApiKeyEntry};
use crate::domain::audit::Action;
use crate::error::{Error, Result};
use crate::store::schema::{api_keys, key_handovers};
use crate::store::{Conn, Tx, UtcTime};

/// A key that a link shows.
#[derive(Debug)]
pub struct OpenedHandover {
    /// The key.
    pub entry: ApiKeyEntry,
    /// Its whole secret.
    pub secret: KeySecret,
    /// From when on the link shows nothing.
    pub ends_at: UtcTime,
}

/// The key that the link with this token shows, without showing it.
///
/// # Errors
/// [`Error::NotFound`] for an unknown token, and for a link that was opened or has ended.
pub fn find_unopened(conn: &mut Conn, token: &HandoverToken, now: UtcTime) -> Result<OpenedHandover> {
    let (row, account): (StoredHandover, AccountId) = key_handovers::table
        .inner_join(api_keys::table)
        .filter(key_handovers::token_digest.eq(token.digest()?))
        .filter(key_handovers::ends_at.gt(now))
        .select((StoredHandover::as_select(), api_keys::account_id))
        .first(conn)?;
    let sealed = row.sealed.ok_or(Error::NotFound)?;
    let secret = token.unseal(&sealed, &row.api_key_id)?;
    let entry = api_key::find(conn, &account, &row.api_key_id)?;
    // A key that is refused by now, or has another secret, is of no use to anybody.
    if !is_accepted(&entry, &secret.digest(), now) {
        return Err(Error::NotFound);
    }
    Ok(OpenedHandover { entry, secret, ends_at: row.ends_at })
}

/// Takes the key out of the database, to be shown this once.
///
/// # Errors
/// As with [`find_unopened`]; of several requests at the same moment, all but one get
/// [`Error::NotFound`].
pub fn open(tx: &mut Tx<'_>, token: &HandoverToken) -> Result<OpenedHandover> {
    let now = tx.now();
    let opened = find_unopened(tx, token, now)?;
    let (address, user_agent) = (tx.actor().address.clone(), tx.actor().user_agent.clone());
    let row = key_handovers::table
        .filter(key_handovers::token_digest.eq(token.digest()?))
        .filter(key_handovers::sealed.is_not_null());
    let set = (
        key_handovers::sealed.eq(None::<Vec<u8>>),
        key_handovers::opened_at.eq(now),
        key_handovers::address.eq(address),
        key_handovers::user_agent.eq(user_agent),
    );
    if diesel::update(row).set(set).execute(tx.conn())? == 0 {
        return Err(Error::NotFound); // a concurrent request opened or ended it
    }
    tx.audit(opened.entry.key.event(Action::ApiKeyHandoverOpened).done())?;
    Ok(opened)
}
