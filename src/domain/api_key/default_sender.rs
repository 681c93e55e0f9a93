//! The sender of a key's messages that name none.

use diesel::prelude::*;

use super::list::find;
use super::record::ApiKeyId;
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::domain::message::sender::Sender;
use crate::error::{Error, Result};
use crate::store::schema::api_keys;
use crate::store::{Conn, Tx};

/// The default sender of a key; `None` leaves it to the carrier.
///
/// # Errors
/// When the database fails.
pub fn default_sender(conn: &mut Conn, id: &ApiKeyId) -> Result<Option<Sender>> {
    let sender = api_keys::table.find(id).select(api_keys::default_sender);
    Ok(sender.first::<Option<Sender>>(conn).optional()?.flatten())
}

/// Sets or removes a key's default sender; the same one changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for an unknown key, for another account's and for a management key;
/// when the database fails.
pub fn set_default_sender(tx: &mut Tx<'_>, account: &AccountId, id: &ApiKeyId, sender: Option<&Sender>) -> Result<()> {
    let entry = find(tx, account, id)?;
    if entry.key.is_for_management() {
        return Err(Error::NotFound);
    }
    let old = default_sender(tx.conn(), id)?;
    if old.as_ref() == sender {
        return Ok(());
    }
    diesel::update(api_keys::table.find(id)).set(api_keys::default_sender.eq(sender)).execute(tx.conn())?;
    let text = |sender: Option<&Sender>| sender.map(ToString::to_string).unwrap_or_default();
    let event = entry.key.event(Action::ApiKeySenderChanged);
    tx.audit(event.field("default_sender", &text(old.as_ref()), &text(sender)).done())
}
