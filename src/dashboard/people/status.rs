//! Disabling a person, and enabling them again.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};
use serde::Deserialize;

use super::confirmation::{Confirmation, find, manager, require_manager};
use super::paths::{self, parse_id, path};
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::identity::operator::{self, Member, Operator, OperatorId};
use crate::error::{Error, Result};
use crate::http::State;

/// What is wanted: `enabled` or `disabled`.
#[derive(Deserialize)]
pub struct PersonStatusForm {
    status: String,
}

/// `GET /people/{operator}/status`: asks for what the person is not.
pub async fn ask_for_status(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
) -> Result<HttpResponse> {
    require_manager(&state, &who)?;
    let member = find(&state, &who.account, &parse_id(&id)?).await?;
    let is_enabled = member.operator.disabled_at.is_none();
    question(&member.operator, is_enabled).draw(&session, &who, &htmx)
}

/// `POST /people/{operator}/status`: the same again leads to the same.
pub async fn set_status(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let who = match manager(&state, signed_in) {
        Ok(who) => who,
        Err(error) => return ask_again(error, &paths::status(&id)),
    };
    let is_end = match &*parse_form::<PersonStatusForm>(&body)?.status {
        "disabled" => true,
        "enabled" => false,
        _ => return Err(Error::Malformed("The status is enabled or disabled.".to_owned())),
    };
    match change(&state, &who, &id, is_end).await {
        Ok((Member { operator: Operator { name, .. }, .. }, is_changed)) => {
            let toast = match (is_changed, is_end) {
                (true, true) => Toast::success(format!("Success. {name} can’t log in any more.")),
                (true, false) => Toast::success(format!("Success. {name} can log in again.")),
                (false, true) => Toast::notice(format!("{name} was disabled already.")),
                (false, false) => Toast::notice(format!("{name} was not disabled.")),
            };
            if is_changed {
                tracing::info!(person = %id, operator = %who.operator.id, is_end, "a person was disabled or enabled");
            }
            session::leave_toast(&session, &toast)?;
            Ok(see_other(&path(&id)))
        }
        Err(error) => {
            let member = find(&state, &who.account, &id).await?;
            question(&member.operator, is_end).refuse(&session, &who, error)
        }
    }
}

async fn change(state: &State, who: &SignedIn, id: &OperatorId, is_end: bool) -> Result<(Member, bool)> {
    let (account, id) = (who.account.clone(), id.clone());
    let work = if is_end { operator::disable } else { operator::enable };
    who.change(state, move |tx| work(tx, &account, &id)).await
}

fn question(Operator { id, name, .. }: &Operator, is_end: bool) -> Confirmation {
    let action = paths::status(id);
    if is_end {
        let consequence = "They are logged out at once and can’t log in until you enable them. The links that they \
                           made stop working; keys keep working.";
        Confirmation {
            field: Some(("status", "disabled")),
            button: "Disable",
            ..Confirmation::of(id, format!("Disable {name}?"), consequence.to_owned(), action)
        }
    } else {
        let consequence = "They can log in again, with the password that they had.";
        Confirmation {
            field: Some(("status", "enabled")),
            button: "Enable",
            is_danger: false,
            ..Confirmation::of(id, format!("Enable {name}?"), consequence.to_owned(), action)
        }
    }
}
