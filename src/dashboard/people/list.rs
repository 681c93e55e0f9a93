//! The People page: who is in, and which invitations are open.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::paths::{SECTION, path};
use super::role_words::role_name;
use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::layout::{Shell, When, html};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::Permission;
use crate::domain::identity::invitation::{self, OpenInvitation};
use crate::domain::identity::operator::{self, Member, OperatorId};
use crate::domain::identity::second_factor;
use crate::error::Result;
use crate::http::State;
use crate::store::UtcTime;

#[derive(Template)]
#[template(path = "people/page.html")]
struct PeoplePage {
    shell: Shell,
    rows: Vec<PersonRow>,
    invitations: Vec<InvitationRow>,
    may_invite: bool,
}

/// A person's row in the table.
struct PersonRow {
    href: String,
    name: String,
    email: String,
    role: &'static str,
    is_disabled: bool,
    is_oneself: bool,
    /// When, and how long ago; `None` before the first use.
    last_seen: Option<(When, String)>,
    has_second_factor: bool,
}

/// An open invitation.
struct InvitationRow {
    id: String,
    email: Option<String>,
    role: &'static str,
    made_by: Option<String>,
    ends: When,
    may_withdraw: bool,
}

/// `GET /people`
pub async fn list_people(state: Data<State>, session: Session, who: SignedIn) -> Result<HttpResponse> {
    let (account, now) = (who.account.clone(), state.clock.now());
    let read = state.store.read(move |conn| {
        let members = operator::list_members(conn, &account)?;
        let ids: Vec<_> = members.iter().map(|member| &member.operator.id).collect();
        let with_factor = second_factor::those_with_one(conn, &ids)?;
        Ok((members, with_factor, invitation::list_open(conn, &account, now)?))
    });
    let (members, with_factor, invitations) = read.await?;
    let row = |member: Member| {
        let has_second_factor = with_factor.contains(&member.operator.id);
        person_row(member, has_second_factor, &who.operator.id, now)
    };
    let page = PeoplePage {
        shell: Shell::new(SECTION, &who, &session),
        rows: members.into_iter().map(row).collect(),
        invitations: invitations.into_iter().map(|open| invitation_row(open, &who)).collect(),
        may_invite: who.access.allows(Permission::InvitePeople),
    };
    html(StatusCode::OK, &page)
}

fn person_row(
    Member { operator, role, .. }: Member,
    has_second_factor: bool,
    oneself: &OperatorId,
    now: UtcTime,
) -> PersonRow {
    PersonRow {
        href: path(&operator.id),
        name: operator.name,
        email: operator.email,
        role: role_name(role),
        is_disabled: operator.disabled_at.is_some(),
        is_oneself: operator.id == *oneself,
        last_seen: operator.last_seen_at.map(|seen| (seen.into(), ago(seen, now))),
        has_second_factor,
    }
}

fn invitation_row(OpenInvitation { invitation, made_by }: OpenInvitation, who: &SignedIn) -> InvitationRow {
    InvitationRow {
        id: invitation.id.to_string(),
        email: invitation.email,
        role: role_name(invitation.role),
        made_by,
        ends: invitation.expires_at.into(),
        may_withdraw: who.access.allows(invitation.role.invitation_permission()),
    }
}
