//! Whose audit events somebody may see.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::TargetKind;
use crate::domain::account::{Access, AccountId, Permission};
use crate::domain::api_key::ServiceReach;
use crate::domain::management;
use crate::store::MultiBackend;
use crate::store::schema::{api_keys, audit_events};

/// Whose events somebody may see.
#[derive(Debug, Clone)]
pub struct AuditScope {
    /// The events of this account.
    pub account: AccountId,
    /// Those of the installation as a whole, too.
    pub with_installation: bool,
    /// Of the account's events only those of keys of these services, as long as the keys are
    /// there or in the trash; `None` for all events.
    pub keys_of: Option<ServiceReach>,
}

impl AuditScope {
    /// What an operator may see: the installation's events are for those who also manage
    /// what they are about.
    #[must_use]
    pub fn of(account: AccountId, access: Access) -> Self {
        Self { account, with_installation: access.allows(Permission::ManageServices), keys_of: None }
    }

    /// What a management key may see. It manages keys alone, and so it learns nothing of
    /// people, settings, credits and management keys, nor of other services' keys.
    #[must_use]
    pub const fn of_manager(account: AccountId, services: ServiceReach) -> Self {
        Self { account, with_installation: false, keys_of: Some(services) }
    }
}

/// Of these the events of keys of some services.
pub(super) fn of_keys<'a>(
    query: audit_events::BoxedQuery<'a, MultiBackend>,
    services: &'a ServiceReach,
) -> audit_events::BoxedQuery<'a, MultiBackend> {
    // Asked for each event, by its key's id: a list of all keys could be long.
    let target = api_keys::table.filter(api_keys::id.eq(audit_events::target_id));
    let query = query.filter(audit_events::target_kind.eq(TargetKind::ApiKey.as_str()));
    if services.is_all() {
        return query.filter(exists(target.filter(api_keys::service.ne(management::SERVICE))));
    }
    let slugs: Vec<&str> = services.slugs().collect();
    query.filter(exists(target.filter(api_keys::service.eq_any(slugs))))
}
