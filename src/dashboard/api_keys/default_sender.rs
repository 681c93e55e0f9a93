//! The sender of a key's messages that name none, on the key's own page.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};
use serde::Deserialize;

use super::default_sender_view::DefaultSenderView;
use super::paths::{SECTION, parse_id, path};
use super::show::draw_with;
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::{Shell, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::account::Permission;
use crate::domain::api_key::{self, ApiKeyId};
use crate::domain::message::sender::Sender;
use crate::error::Result;
use crate::http::State;

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";

/// What is filled in.
#[derive(Deserialize)]
pub struct DefaultSenderForm {
    default_sender: String,
}

/// `POST /api-keys/{id}/default-sender`
pub async fn save_default_sender(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let (id, filled) = (parse_id(&id)?, parse_form::<DefaultSenderForm>(&body)?);
    match save(&state, &who, &id, &filled.default_sender).await {
        Ok(()) => {
            tracing::info!(key = %id, operator = %who.operator.id, "a default sender was changed");
            session::leave_toast(&session, &Toast::success("Success. Default sender saved."))?;
            Ok(see_other(&path(&id)))
        }
        Err(error) => {
            let FormRejection { status, errors, alert, .. } = FormRejection::of(error, NOT_SAVED)?;
            let view = DefaultSenderView { text: filled.default_sender, errors, alert };
            let shell = Shell::new(SECTION, &who, &session);
            draw_with(&state, status, shell, &who, &id, |page| page.default_sender = Some(view)).await
        }
    }
}

async fn save(state: &State, who: &SignedIn, id: &ApiKeyId, text: &str) -> Result<()> {
    let is_empty = text.trim().is_empty();
    let sender = if is_empty { None } else { Some(Sender::parse("default_sender", text)?) };
    let (account, id) = (who.account.clone(), id.clone());
    who.change(state, move |tx| api_key::set_default_sender(tx, &account, &id, sender.as_ref())).await
}
