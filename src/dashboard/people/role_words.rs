//! Roles in the words of pages.

use crate::domain::account::Access;
use crate::domain::account::membership::Role;

/// The name of a role.
pub(in crate::dashboard) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Viewer => "Viewer",
    }
}

/// What a role allows.
pub(in crate::dashboard) const fn role_rights(role: Role) -> &'static str {
    match role {
        Role::Owner => "does everything, also people and settings",
        Role::Admin => "manages keys, messages, credits and services, and invites admins and viewers",
        Role::Viewer => "looks at everything and changes nothing",
    }
}

/// A role to choose.
pub(super) struct RoleOption {
    pub(super) value: &'static str,
    pub(super) name: &'static str,
    pub(super) rights: &'static str,
    pub(super) is_chosen: bool,
}

/// The roles that somebody with this access may give, the weakest one first.
pub(super) fn role_options(access: Access, chosen: &str) -> Vec<RoleOption> {
    let allowed = Role::VARIANTS.iter().rev().copied().filter(|role| access.allows(role.invitation_permission()));
    let option = |role: Role| RoleOption {
        value: role.as_str(),
        name: role_name(role),
        rights: role_rights(role),
        is_chosen: role.as_str() == chosen,
    };
    allowed.map(option).collect()
}
