//! What is done with the keys that are selected in the list: asked for once more, or
//! exported at once.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};

use super::export::export_keys;
use super::form::{BulkForm, NOTHING_SELECTED, Wish};
use super::question::BulkQuestion;
use crate::dashboard::api_keys::paths::PATH;
use crate::dashboard::frame::layout::Shell;
use crate::dashboard::frame::session::SignedIn;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::error::Result;
use crate::http::State;

/// `POST /api-keys/bulk`
pub async fn ask_about_keys(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, PATH),
    };
    who.may(Permission::ManageKeys)?;
    let form = BulkForm::parse(&body)?;
    let Some(selection) = form.selection() else {
        return form.back_to_list(&session, NOTHING_SELECTED);
    };
    let Wish::Change(kind) = form.wish else { return export_keys(&state, &who, selection).await };
    let question = BulkQuestion::read(&state, &who, form, selection, kind).await?;
    if question.plan.count == 0 {
        return question.form.back_to_list(&session, "These keys are gone, so nothing was done.");
    }
    question.draw(StatusCode::OK, Shell::new("api-keys", &who, &session))
}
