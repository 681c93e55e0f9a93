//! What people call the installation.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use serde::Deserialize;

use super::instance_page::{InstancePage, NAME_PATH, NameSection, PATH, require_owner};
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::see_other;
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::installation;
use crate::error::Result;
use crate::http::State;

/// What is filled in.
#[derive(Deserialize)]
pub(super) struct InstanceNameForm {
    pub(super) instance_name: String,
}

/// `POST /settings/instance/name`
pub async fn rename_instance(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in.and_then(|who| require_owner(&state, &who).map(|()| who)) {
        Ok(who) => who,
        Err(error) => return keep_form(error, &NextPath::parse(NAME_PATH), &body),
    };
    let form: InstanceNameForm = parse_form(&body)?;
    let saved = match installation::parse_name(&form.instance_name) {
        Ok(name) => who.change(&state, move |tx| installation::rename(tx, name.as_deref())).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => {
            tracing::info!(operator = %who.operator.id, "the installation was renamed");
            session::leave_toast(&session, &Toast::success("Success. Name saved."))?;
            Ok(see_other(PATH))
        }
        Err(error) => {
            let rejection = FormRejection::of(error, "Nothing was saved. Try again in a moment.")?;
            let (rejected, errors, alert) = rejection.into_parts();
            let name = NameSection { typed: form.instance_name, errors, alert };
            rejected.respond(&InstancePage { name, ..InstancePage::read(&state, &who, &session).await? })
        }
    }
}
