//! What a role allows.

use super::membership::Role;

/// Something that not every operator may do. Whoever is logged in may look at what their
/// account has, and change their own name, password, second factor and sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Create, change, switch, rotate, hand over and delete keys, and send messages.
    ManageKeys,
    /// Add credits.
    ManageCredits,
    /// See the carriers, their connections and routes; only in the first account, since they
    /// are the installation's.
    ViewCarriers,
    /// Create and change services and their scopes; only in the first account, since services
    /// are the installation's.
    ManageServices,
    /// Invite viewers and admins.
    InvitePeople,
    /// Invite owners, change roles, disable and remove people, and make password links.
    ManagePeople,
    /// Change the settings of the installation; only in the first account.
    ManageInstallation,
}

impl Permission {
    /// Whether it concerns the whole installation, for which the first account answers.
    #[must_use]
    pub const fn is_of_installation(self) -> bool {
        matches!(self, Self::ViewCarriers | Self::ManageServices | Self::ManageInstallation)
    }
}

impl Role {
    /// Whether somebody with this role may do it.
    #[must_use]
    pub const fn allows(self, permission: Permission) -> bool {
        match permission {
            Permission::ManageKeys
            | Permission::ManageCredits
            | Permission::ViewCarriers
            | Permission::ManageServices
            | Permission::InvitePeople => matches!(self, Self::Owner | Self::Admin),
            Permission::ManagePeople | Permission::ManageInstallation => matches!(self, Self::Owner),
        }
    }

    /// What somebody needs to invite a person into this role.
    #[must_use]
    pub const fn invitation_permission(self) -> Permission {
        match self {
            Self::Owner => Permission::ManagePeople,
            Self::Admin | Self::Viewer => Permission::InvitePeople,
        }
    }
}

/// The role of an operator in the account that they work for.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// What they may do for the account.
    pub role: Role,
    /// Whether the account is the first one, which answers for the installation.
    pub is_of_first_account: bool,
}

impl Access {
    /// Whether it includes a permission.
    #[must_use]
    pub const fn allows(self, permission: Permission) -> bool {
        self.role.allows(permission) && (self.is_of_first_account || !permission.is_of_installation())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_manages_keys_and_an_owner_people_and_the_installation_too() {
        let allowed = |role: Role| {
            let all = [
                Permission::ManageKeys,
                Permission::ManageCredits,
                Permission::ViewCarriers,
                Permission::ManageServices,
                Permission::InvitePeople,
                Permission::ManagePeople,
                Permission::ManageInstallation,
            ];
            all.into_iter().filter(|permission| role.allows(*permission)).count()
        };

        assert_eq!([Role::Owner, Role::Admin, Role::Viewer].map(allowed), [7, 5, 0]);
        assert!(!Role::Admin.allows(Permission::ManagePeople));
        assert!(!Role::Admin.allows(Permission::ManageInstallation));
    }
}
