//! Making a link by which a person sets a new password.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use zeroize::Zeroizing;

use super::confirmation::{Confirmation, find, manager, require_manager};
use super::made_link::{MadeLink, MadeLinkPage};
use super::paths::{self, SECTION, parse_id, path};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::login::resume::ask_again;
use crate::domain::identity::operator::Operator;
use crate::domain::identity::password_link::{self, NewPasswordLink};
use crate::error::Result;
use crate::http::State;
use crate::http::base_url::base_url;

/// `GET /people/{operator}/password-link`
pub async fn ask_to_make_password_link(
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

/// `POST /people/{operator}/password-link`
pub async fn make_password_link(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let who = match manager(&state, signed_in) {
        Ok(who) => who,
        Err(error) => return ask_again(error, &paths::password_link(&id)),
    };
    let (account, person) = (who.account.clone(), id.clone());
    let made = who.change(&state, move |tx| password_link::create(tx, &account, &person)).await;
    let NewPasswordLink { operator, token, expires_at } = match made {
        Ok(made) => made,
        Err(error) => {
            let member = find(&state, &who.account, &id).await?;
            return question(&member.operator).refuse(&session, &who, error);
        }
    };
    tracing::info!(person = %id, operator = %who.operator.id, "a link for a new password was made");
    let link = MadeLink {
        title: format!("New password link for {}", operator.name),
        sentence: "They choose a new password with it, once. All their sessions end then.".to_owned(),
        url: Zeroizing::new(format!("{}/passwords/{}", base_url(&state, &request), *token.expose())),
        ends: expires_at.into(),
        back: path(&id),
    };
    html(StatusCode::OK, &MadeLinkPage { shell: Shell::new(SECTION, &who, &session), link })
}

fn question(Operator { id, name, .. }: &Operator) -> Confirmation {
    let consequence = "You get a link for them, which works once within 24 hours. Their old password works until \
                       they use it. An earlier link ends.";
    Confirmation {
        button: "Make link",
        is_danger: false,
        ..Confirmation::of(
            id,
            format!("New password link for {name}?"),
            consequence.to_owned(),
            paths::password_link(id),
        )
    }
}
