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
/// name; those with full access do not count.
///
/// # Errors
/// When the database fails.
pub fn count_with_scope(conn: &mut Conn, service: &str, scope: &str) -> Result<usize> {
    let rows = api_keys::table.filter(api_keys::service.eq(service)).filter(api_keys::scopes.like(pattern(scope)));
    let held: Vec<Scopes> = rows.select(api_keys::scopes).load(conn)?;
    Ok(held.iter().filter(|scopes| has(scopes, scope)).count())
}

/// Takes a scope from the keys of a service, with an audit event for each. Gives their number.
pub(in crate::domain) fn take_scope_from_all(tx: &mut Tx<'_>, service: &str, scope: &str) -> Result<usize> {
    let rows = api_keys::table.filter(api_keys::service.eq(service)).filter(api_keys::scopes.like(pattern(scope)));
    let mut keys: Vec<ApiKey> = rows.select(ApiKey::as_select()).load(tx.conn())?;
    keys.retain(|key| has(&key.scopes, scope));
    for key in &keys {
        let rest = key.scopes.without(scope);
        diesel::update(api_keys::table.find(&key.id)).set(api_keys::scopes.eq(&rest)).execute(tx.conn())?;
        forget(tx, &key.id)?;
        let event = key.event(Action::ApiKeyScopesChanged);
        tx.audit(event.field("scopes", key.scopes.as_str(), rest.as_str()).done())?;
    }
    Ok(keys.len())
}

/// Narrows the rows down; `_` in a name stands for any character there, and longer names
/// hold shorter ones, so that [`has`] decides.
fn pattern(scope: &str) -> String {
    format!("%{scope}%")
}

fn has(scopes: &Scopes, scope: &str) -> bool {
    scopes.names().any(|name| name == scope)
}
