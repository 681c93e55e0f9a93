//! Removing a person; afterwards the same page lists the keys that they have seen.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::confirmation::{Confirmation, find, manager, require_manager};
use super::known_keys_view::{self, KnownKeyRow};
use super::paths::{self, SECTION, parse_id};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::identity::operator::{self, Operator, OperatorId};
use crate::error::{Error, Result};
use crate::http::State;

#[derive(Template)]
#[template(path = "people/removed.html")]
struct RemovedPersonPage {
    shell: Shell,
    name: String,
    keys: Vec<KnownKeyRow>,
}

/// `GET /people/{operator}/removal`
pub async fn ask_to_remove(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
) -> Result<HttpResponse> {
    require_manager(&state, &who)?;
    let id = parse_id(&id)?;
    match find(&state, &who.account, &id).await {
        Ok(member) => question(&member.operator).draw(&session, &who, &htmx),
        Err(Error::NotFound) => show_removed(&state, &session, &who, id).await,
        Err(error) => Err(error),
    }
}

/// `POST /people/{operator}/removal`: the same again leads to the same.
pub async fn remove_person(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let who = match manager(&state, signed_in) {
        Ok(who) => who,
        Err(error) => return ask_again(error, &paths::removal(&id)),
    };
    let (account, person) = (who.account.clone(), id.clone());
    let toast = match who.change(&state, move |tx| operator::remove(tx, &account, &person)).await {
        Ok(operator) => {
            tracing::info!(person = %id, operator = %who.operator.id, "a person was removed");
            Toast::success(format!("Success. {} removed.", operator.name))
        }
        Err(Error::NotFound) => {
            let (account, person) = (who.account.clone(), id.clone());
            let name = state.store.read(move |conn| operator::removed_name(conn, &account, &person)).await?;
            Toast::notice(format!("{name} was already removed."))
        }
        Err(error) => {
            let member = find(&state, &who.account, &id).await?;
            return question(&member.operator).refuse(&session, &who, error);
        }
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(&paths::removal(&id)))
}

fn question(Operator { id, name, .. }: &Operator) -> Confirmation {
    let consequence = "They are logged out at once and can’t log in any more. The links that they made stop working; \
                       keys keep working, and you get a list of those that they have seen.";
    let title = format!("Remove {name}?");
    Confirmation { button: "Remove", ..Confirmation::of(id, title, consequence.to_owned(), paths::removal(id)) }
}

async fn show_removed(state: &State, session: &Session, who: &SignedIn, id: OperatorId) -> Result<HttpResponse> {
    let (account, now) = (who.account.clone(), state.clock.now());
    let read = state.store.read(move |conn| {
        let name = operator::removed_name(conn, &account, &id)?;
        Ok((name, known_keys_view::read(conn, &account, &id, now)?))
    });
    let (name, keys) = read.await?;
    html(StatusCode::OK, &RemovedPersonPage { shell: Shell::new(SECTION, who, session), name, keys })
}
