//! Taking a scope from every key that has it, when its service no longer has it.

use diesel::prelude::*;

use super::list::forget;
use super::record::ApiKey;
use super::scopes::Scopes;
use crate::domain::audit::Action;
use crate::error::Result;
use crate::store::schema::api_keys;
use crate::store::{Conn, Tx};

/// The number of keys of a service, whoever owns them, that have this scope by its
/// name; those with full access and those in the trash do not count.
///
/// # Errors
/// When the database fails.
pub fn count_with_scope(conn: &mut Conn, service: &str, scope: &str) -> Result<usize> {
    let rows = api_keys::table.filter(api_keys::service.eq(service)).filter(api_keys::scopes.like(pattern(scope)));
    let rows = rows.filter(api_keys::deleted_at.is_null());
    let held: Vec<Scopes> = rows.select(api_keys::scopes).load(conn)?;
    Ok(held.iter().filter(|scopes| has(scopes, scope)).count())
}

/// Has concurrent changes of the keys of a service that have this scope wait for the end of this
/// one, so that none of them is undone. Writing the rows locks them on PostgreSQL.
pub(in crate::domain) fn lock_with_scope(tx: &mut Tx<'_>, service: &str, scope: &str) -> Result<()> {
    let rows = api_keys::table.filter(api_keys::service.eq(service)).filter(api_keys::scopes.like(pattern(scope)));
    diesel::update(rows).set(api_keys::version.eq(api_keys::version)).execute(tx.conn())?;
    Ok(())
}

/// Takes a scope from the keys of a service, with an audit event for each; also from those in
/// the trash, so that none is restored with a scope that there is no more. Gives the number of
/// the others.
pub(in crate::domain) fn take_scope_from_all(tx: &mut Tx<'_>, service: &str, scope: &str) -> Result<usize> {
    lock_with_scope(tx, service, scope)?;
    let rows = api_keys::table.filter(api_keys::service.eq(service)).filter(api_keys::scopes.like(pattern(scope)));
    let columns = (ApiKey::as_select(), api_keys::deleted_at.is_null());
    let mut keys: Vec<(ApiKey, bool)> = rows.select(columns).load(tx.conn())?;
    keys.retain(|(key, _)| has(&key.scopes, scope));
    for (key, _) in &keys {
        let rest = key.scopes.without(scope);
        let set = (api_keys::scopes.eq(&rest), api_keys::version.eq(api_keys::version + 1));
        diesel::update(api_keys::table.find(&key.id)).set(set).execute(tx.conn())?;
        forget(tx, &key.id)?;
        let event = key.event(Action::ApiKeyScopesChanged);
        tx.audit(event.field("scopes", key.scopes.as_str(), rest.as_str()).done())?;
    }
    Ok(keys.iter().filter(|(_, is_in_use)| *is_in_use).count())
}

/// Narrows the rows down; `_` in a name stands for any character there, and longer names
/// hold shorter ones, so that [`has`] decides.
fn pattern(scope: &str) -> String {
    format!("%{scope}%")
}

fn has(scopes: &Scopes, scope: &str) -> bool {
    scopes.names().any(|name| name == scope)
}
