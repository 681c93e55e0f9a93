//! What ends together with somebody's access: sessions, and the links that they made or have.

use diesel::prelude::*;

use super::record::OperatorId;
use crate::domain::account::membership::Role;
use crate::domain::account::{AccountId, Permission};
use crate::domain::audit::Action;
use crate::domain::identity::session;
use crate::error::Result;
use crate::store::Tx;
use crate::store::schema::{api_keys, audit_events, invitations, key_handovers, password_links};

/// Ends every session of an operator, the link for their new password, and the links they made
/// for this account: a link would let them in again, or show them a key.
pub(super) fn end_access(tx: &mut Tx<'_>, account: &AccountId, id: &OperatorId) -> Result<()> {
    session::end_all(tx, id)?;
    diesel::delete(password_links::table.find(id)).execute(tx.conn())?;
    diesel::delete(password_links::table.filter(password_links::created_by.eq(id))).execute(tx.conn())?;
    let invited = invitations::table.filter(invitations::created_by.eq(id));
    let open = invited.filter(invitations::account_id.eq(account)).filter(invitations::used_at.is_null());
    diesel::delete(open).execute(tx.conn())?;
    end_handovers(tx, account, id)
}

/// Ends the links by which an operator with this new role could let in somebody with more
/// rights than they may give.
pub(super) fn end_links_beyond(tx: &mut Tx<'_>, account: &AccountId, id: &OperatorId, role: Role) -> Result<()> {
    if !role.allows(Permission::ManagePeople) {
        diesel::delete(password_links::table.filter(password_links::created_by.eq(id))).execute(tx.conn())?;
    }
    let beyond: Vec<Role> =
        Role::VARIANTS.iter().copied().filter(|invited| !role.allows(invited.invitation_permission())).collect();
    let open = invitations::table.filter(invitations::created_by.eq(id)).filter(invitations::used_at.is_null());
    let open = open.filter(invitations::account_id.eq(account)).filter(invitations::role.eq_any(beyond));
    diesel::delete(open).execute(tx.conn())?;
    Ok(())
}

/// Ends the unopened links by which an operator hands keys over. The event of a link has the
/// same time as its row.
fn end_handovers(tx: &mut Tx<'_>, account: &AccountId, id: &OperatorId) -> Result<()> {
    let of_account = api_keys::table.filter(api_keys::account_id.eq(account)).select(api_keys::id);
    let made = audit_events::table
        .filter(audit_events::account_id.eq(account.as_str()))
        .filter(audit_events::actor_id.eq(id.as_str()))
        .filter(audit_events::action.eq(Action::ApiKeyHandedOver.as_str()))
        .filter(audit_events::target_id.eq(key_handovers::api_key_id))
        .filter(audit_events::at.eq(key_handovers::created_at));
    let open = key_handovers::table
        .filter(key_handovers::opened_at.is_null())
        .filter(key_handovers::api_key_id.eq_any(of_account))
        .filter(diesel::dsl::exists(made));
    let keys: Vec<String> = open.select(key_handovers::api_key_id).load(tx.conn())?;
    diesel::delete(key_handovers::table.filter(key_handovers::api_key_id.eq_any(keys))).execute(tx.conn())?;
    Ok(())
}
