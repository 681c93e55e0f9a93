//! The page of a person.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::known_keys_view::{self, KnownKeyRow};
use super::paths::{SECTION, parse_id};
use super::role_words::{role_name, role_rights};
use crate::dashboard::frame::ago::ago;
use crate::dashboard::frame::layout::{Shell, When, html};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::Permission;
use crate::domain::identity::operator::{self, Member};
use crate::domain::identity::second_factor;
use crate::error::Result;
use crate::http::State;

#[derive(Template)]
#[template(path = "people/person.html")]
struct PersonPage {
    shell: Shell,
    id: String,
    name: String,
    email: String,
    role: &'static str,
    rights: &'static str,
    joined: When,
    last_seen: Option<(When, String)>,
    disabled: Option<When>,
    has_second_factor: bool,
    is_oneself: bool,
    /// Whether the viewer may change what the page shows.
    may_manage: bool,
    /// The keys that they have seen; for viewers who may rotate them.
    keys: Option<Vec<KnownKeyRow>>,
}

/// `GET /people/{operator}`
pub async fn show_person(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse> {
    let (id, account, now) = (parse_id(&id)?, who.account.clone(), state.clock.now());
    let may_rotate = who.access.allows(Permission::ManageKeys);
    let read = state.store.read(move |conn| {
        let member = operator::find_member(conn, &account, &id)?;
        let keys = may_rotate.then(|| known_keys_view::read(conn, &account, &id, now)).transpose()?;
        let has_second_factor = second_factor::is_on(conn, &member.operator.id)?;
        Ok((member, has_second_factor, keys))
    });
    let (Member { operator, role, joined_at }, has_second_factor, keys) = read.await?;
    let page = PersonPage {
        shell: Shell::new(SECTION, &who, &session),
        is_oneself: operator.id == who.operator.id,
        id: operator.id.to_string(),
        name: operator.name,
        email: operator.email,
        role: role_name(role),
        rights: role_rights(role),
        joined: joined_at.into(),
        last_seen: operator.last_seen_at.map(|seen| (seen.into(), ago(seen, now))),
        has_second_factor,
        disabled: operator.disabled_at.map(When::from),
        may_manage: who.access.allows(Permission::ManagePeople),
        keys,
    };
    html(StatusCode::OK, &page)
}
