//! Giving a person another role.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};
use serde::Deserialize;

use super::confirmation::{Confirmation, find, manager, require_manager};
use super::paths::{self, parse_id, path};
use super::role_words::{role_name, role_options};
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::membership::Role;
use crate::domain::identity::operator::{self, Member, OperatorId};
use crate::error::{Error, Result};
use crate::http::State;

/// What is chosen.
#[derive(Deserialize)]
pub struct RoleForm {
    #[serde(default)]
    role: String,
}

/// `GET /people/{operator}/role`
pub async fn ask_for_role(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
) -> Result<HttpResponse> {
    require_manager(&state, &who)?;
    let member = find(&state, &who.account, &parse_id(&id)?).await?;
    let chosen = member.role.as_str();
    question(&who, member, chosen).draw(&session, &who, &htmx)
}

/// `POST /people/{operator}/role`: the same again leads to the same.
pub async fn change_role(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let who = match manager(&state, signed_in) {
        Ok(who) => who,
        Err(error) => return ask_again(error, &paths::role(&id)),
    };
    let form: RoleForm = parse_form(&body)?;
    match change(&state, &who, &id, &form).await {
        Ok((Member { operator, role, .. }, is_changed)) => {
            let role = role_name(role);
            let toast = if is_changed {
                tracing::info!(person = %id, role, operator = %who.operator.id, "a role was changed");
                Toast::success(format!("Success. {} is {role} now.", operator.name))
            } else {
                Toast::notice(format!("{} was {role} already.", operator.name))
            };
            session::leave_toast(&session, &toast)?;
            Ok(see_other(&path(&id)))
        }
        Err(error) => question(&who, find(&state, &who.account, &id).await?, &form.role).refuse(&session, &who, error),
    }
}

async fn change(state: &State, who: &SignedIn, id: &OperatorId, form: &RoleForm) -> Result<(Member, bool)> {
    let role: Role = form.role.parse().map_err(|()| Error::invalid("role", "Choose a role."))?;
    let (account, id) = (who.account.clone(), id.clone());
    who.change(state, move |tx| operator::change_role(tx, &account, &id, role)).await
}

fn question(who: &SignedIn, member: Member, chosen: &str) -> Confirmation {
    let id = member.operator.id;
    let title = format!("Role of {}", member.operator.name);
    Confirmation {
        roles: role_options(who.access, chosen),
        button: "Save role",
        is_danger: false,
        ..Confirmation::of(&id, title, "It holds from their next click.".to_owned(), paths::role(&id))
    }
}
