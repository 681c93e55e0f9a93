//! The usual limits, offered to an account that was there before limits were.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use serde::Deserialize;

use super::PATH;
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::guard;
use crate::error::{Error, Result};
use crate::http::State;

/// Where the offer is made first.
const MESSAGES_PATH: &str = "/messages";

/// What was pressed.
#[derive(Deserialize)]
pub struct OfferForm {
    action: String,
}

/// `POST /settings/limits/offer` `action=on|later`
pub async fn answer_offer(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, MESSAGES_PATH),
    };
    who.may(Permission::ManageKeys)?;
    let (form, account) = (parse_form::<OfferForm>(&body)?, who.account.clone());
    let (words, next) = match &*form.action {
        "on" => {
            who.change(&state, move |tx| guard::turn_on(tx, &account)).await?;
            ("Success. Sending limits are on.", PATH)
        }
        "later" => {
            who.change(&state, move |tx| guard::decline(tx, &account)).await?;
            ("Success. Nothing is limited. You find the limits under Settings.", MESSAGES_PATH)
        }
        _ => return Err(Error::Malformed("Choose on or later.".to_owned())),
    };
    tracing::info!(account = %who.account, operator = %who.operator.id, action = form.action, "sending limits were offered");
    session::leave_toast(&session, &Toast::success(words))?;
    Ok(see_other(next))
}
