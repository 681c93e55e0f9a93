//! What a program ties a key to: an id of its own, and words.

use diesel::prelude::*;

use super::bounds::ServiceReach;
use super::entry::ApiKeyEntry;
use super::external_id::ExternalId;
use super::list::{find, find_locked, forget};
use super::metadata::Metadata;
use super::record::ApiKeyId;
use crate::domain::account::AccountId;
use crate::domain::audit::Action;
use crate::error::Result;
use crate::folded_text::search_columns;
use crate::store::schema::api_keys;
use crate::store::{Conn, Tx};

/// Changes the external id and the metadata of a key; the same ones change nothing.
///
/// # Errors
/// [`Error::NotFound`](crate::error::Error::NotFound) for an unknown key and for another account's.
pub fn set_reference(
    tx: &mut Tx<'_>,
    account: &AccountId,
    id: &ApiKeyId,
    external_id: Option<&ExternalId>,
    metadata: &Metadata,
) -> Result<ApiKeyEntry> {
    let entry = find_locked(tx, account, id)?;
    let key = &entry.key;
    if key.external_id.as_ref() == external_id && key.metadata == *metadata {
        return Ok(entry);
    }
    let (_, search) = search_columns(&key.name, &key.description, external_id.map(ExternalId::as_str));
    diesel::update(api_keys::table.find(id))
        .set((
            api_keys::external_id.eq(external_id),
            api_keys::metadata.eq(metadata),
            api_keys::search.eq(search),
            api_keys::version.eq(api_keys::version + 1),
        ))
        .execute(tx.conn())?;
    forget(tx, id)?;
    let event = key
        .event(Action::ApiKeyReferenceChanged)
        .field("external_id", key.external_id.as_ref().map(ExternalId::as_str), external_id.map(ExternalId::as_str))
        .field("metadata", key.metadata.as_str(), metadata.as_str());
    tx.audit(event.done())?;
    find(tx, account, id)
}

/// How many keys of an account have an external id, of the services within `reach`; those in
/// the trash do not count.
///
/// # Errors
/// When the database fails.
pub fn count_with_external_id(
    conn: &mut Conn,
    account: &AccountId,
    id: &ExternalId,
    reach: &ServiceReach,
) -> Result<usize> {
    let keys = api_keys::table.filter(api_keys::account_id.eq(account)).filter(api_keys::external_id.eq(id));
    // Counted here: grouped by service, SQLite would walk all keys of the account along that index.
    let services: Vec<String> = keys.filter(api_keys::deleted_at.is_null()).select(api_keys::service).load(conn)?;
    Ok(services.iter().filter(|service| reach.includes(service)).count())
}
