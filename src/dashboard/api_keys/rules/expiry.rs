//! Moving the end of a key, on the key's own page.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};

use super::super::key_details::KeyDetails;
use super::super::paths::{SECTION, expiry_form, parse_id, path};
use super::super::show::draw_with;
use super::choices::KEEP;
use super::expiry_view::ExpiryForm;
use super::key_end::KeyEnd;
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::{Shell, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::api_key::{self, ApiKey, ApiKeyId, Expiry};
use crate::error::{Error, Result};
use crate::http::State;

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";

/// `POST /api-keys/{id}/expiry`
pub async fn change_expiry(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let (id, form) = (parse_id(&id)?, parse_form::<ExpiryForm>(&body)?);
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &expiry_form(&id), &body),
    };
    who.may(Permission::ManageKeys)?;
    if form.ends == KEEP {
        session::leave_toast(&session, &Toast::notice("Nothing was changed."))?;
        return Ok(see_other(&path(&id)));
    }
    match change(&state, &who, &id, &form).await {
        Ok(key) => {
            tracing::info!(key = %id, operator = %who.operator.id, "the end of an API key was moved");
            let end = key.expires_at.map(|end| KeyEnd::new(end, state.clock.now()).when.text);
            let words = match end {
                Some(end) => format!("Success. “{}” ends {end}.", key.name),
                None => format!("Success. “{}” never ends.", key.name),
            };
            session::leave_toast(&session, &Toast::success(words))?;
            Ok(see_other(&path(&id)))
        }
        Err(error) => {
            let FormRejection { status, errors, alert, .. } = FormRejection::of(error, NOT_SAVED)?;
            let shell = Shell::new(SECTION, &who, &session);
            let fill_in = |page: &mut KeyDetails| {
                page.expiry.fill_in(&form);
                (page.expiry.errors, page.expiry.alert) = (errors, alert);
            };
            draw_with(&state, status, shell, &who, &id, fill_in).await
        }
    }
}

async fn change(state: &State, who: &SignedIn, id: &ApiKeyId, form: &ExpiryForm) -> Result<ApiKey> {
    if form.ends.trim().is_empty() {
        return Err(Error::invalid("expires_at", "Choose when the key ends."));
    }
    let expiry = Expiry::parse(&form.ends, &form.ends_on)?;
    let (account, id) = (who.account.clone(), id.clone());
    let entry = who.change(state, move |tx| api_key::set_expiry(tx, &account, &id, expiry)).await?;
    Ok(entry.key)
}
