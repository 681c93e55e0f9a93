//! The rows of invitations.

use diesel::prelude::*;

use crate::domain::account::AccountId;
use crate::domain::account::membership::Role;
use crate::domain::audit::{self, Action, EventBuilder, TargetKind};
use crate::domain::id::id;
use crate::domain::identity::operator::OperatorId;
use crate::error::Result;
use crate::store::schema::{invitations, operators};
use crate::store::{Conn, Digest, UtcTime};

id! {
    /// The id of an invitation.
    InvitationId = "inv_"
}

/// A row of `invitations`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = invitations)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// What the row is found by.
    pub digest: Digest,
    /// The account to join.
    pub account_id: AccountId,
    /// What whoever joins may do there.
    pub role: Role,
    /// The only address that may join; `None` for anybody with the link.
    pub email: Option<String>,
    /// Who made it.
    pub created_by: Option<OperatorId>,
    /// When it was made.
    pub created_at: UtcTime,
    /// From when on nobody can use it.
    pub expires_at: UtcTime,
    /// When somebody used it.
    pub used_at: Option<UtcTime>,
}

impl Invitation {
    pub(super) fn event(&self, action: Action) -> EventBuilder {
        let whom = self.email.as_deref().unwrap_or("anybody with the link");
        audit::event(action, TargetKind::Invitation, self.id.as_str(), whom).of(&self.account_id)
    }
}

/// An invitation that somebody can use.
#[derive(Debug, Clone)]
pub struct OpenInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The name of whoever made it.
    pub made_by: Option<String>,
}

pub(super) type OpenRow = (Invitation, Option<String>);

impl From<OpenRow> for OpenInvitation {
    fn from((invitation, made_by): OpenRow) -> Self {
        Self { invitation, made_by }
    }
}

/// The invitations of an account that can be used, newest first.
///
/// # Errors
/// When the database fails.
pub fn list_open(conn: &mut Conn, account: &AccountId, now: UtcTime) -> Result<Vec<OpenInvitation>> {
    let rows: Vec<OpenRow> = invitations::table
        .left_join(operators::table)
        .filter(invitations::account_id.eq(account))
        .filter(invitations::used_at.is_null())
        .filter(invitations::expires_at.gt(now))
        .order((invitations::created_at.desc(), invitations::id.desc()))
        .select((Invitation::as_select(), operators::name.nullable()))
        .load(conn)?;
    Ok(rows.into_iter().map(OpenInvitation::from).collect())
}
