//! Resetting the second factor of a person who has lost it.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::confirmation::{Confirmation, find, manager, require_manager};
use super::paths::{self, parse_id, path};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::identity::operator::{self, Operator};
use crate::error::Result;
use crate::http::State;

/// `GET /people/{operator}/second-factor`
pub async fn ask_to_reset_second_factor(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
) -> Result<HttpResponse> {
    require_manager(&state, &who)?;
    let member = find(&state, &who.account, &parse_id(&id)?).await?;
    question(&member.operator).draw(&session, &who, &htmx)
}

/// `POST /people/{operator}/second-factor`
pub async fn reset_second_factor(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let who = match manager(&state, signed_in) {
        Ok(who) => who,
        Err(error) => return ask_again(error, &paths::second_factor(&id)),
    };
    let (account, person) = (who.account.clone(), id.clone());
    let reset = who.change(&state, move |tx| operator::reset_second_factor(tx, &account, &person)).await;
    let toast = match reset {
        Ok(true) => {
            tracing::info!(person = %id, operator = %who.operator.id, "a second factor was reset");
            Toast::success("Success. Second factor reset.")
        }
        Ok(false) => Toast::notice("There is no second factor to reset."),
        Err(error) => {
            let member = find(&state, &who.account, &id).await?;
            return question(&member.operator).refuse(&session, &who, error);
        }
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(&path(&id)))
}

fn question(Operator { id, name, .. }: &Operator) -> Confirmation {
    let title = format!("Reset the second factor of {name}?");
    let consequence = "Until they set up a new one, their password alone logs them in. They are logged out at once. \
                       Make sure that it is really them who asks.";
    let action = paths::second_factor(id);
    Confirmation { button: "Reset", ..Confirmation::of(id, title, consequence.to_owned(), action) }
}
