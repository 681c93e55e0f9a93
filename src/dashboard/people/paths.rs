//! The addresses of the People pages.

use crate::domain::identity::operator::OperatorId;
use crate::error::{Error, Result};

/// The entry of the sidebar.
pub(super) const SECTION: &str = "people";
/// The list.
pub(super) const PATH: &str = "/people";
/// The form of a new invitation.
pub(super) const INVITE: &str = "/people/invitations/new";

/// The page of a person.
pub(in crate::dashboard) fn path(id: &OperatorId) -> String {
    format!("{PATH}/{id}")
}

/// Where a person gets another role.
pub(super) fn role(id: &OperatorId) -> String {
    format!("{}/role", path(id))
}

/// Where a person is disabled and enabled.
pub(super) fn status(id: &OperatorId) -> String {
    format!("{}/status", path(id))
}

/// Where a person is removed.
pub(super) fn removal(id: &OperatorId) -> String {
    format!("{}/removal", path(id))
}

/// Where the link for a person's new password is made.
pub(super) fn password_link(id: &OperatorId) -> String {
    format!("{}/password-link", path(id))
}

/// Where a person's second factor is reset.
pub(super) fn second_factor(id: &OperatorId) -> String {
    format!("{}/second-factor", path(id))
}

/// Reads the id in an address.
///
/// # Errors
/// [`Error::NotFound`] for a text that can't be an id.
pub(super) fn parse_id(id: &str) -> Result<OperatorId> {
    id.parse().map_err(|()| Error::NotFound)
}
