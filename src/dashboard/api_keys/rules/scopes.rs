//! What a key may do is changed on the key's own page.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path};

use super::super::key_details::KeyDetails;
use super::super::paths::{SECTION, parse_id, path, scopes_form};
use super::super::power;
use super::super::show::draw_with;
use super::scopes_view::{KeyScopesForm, in_words};
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::layout::{Shell, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::api_key::{self, ApiKey, ApiKeyId};
use crate::error::Result;
use crate::http::State;
use crate::store::Tx;

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";

/// `POST /api-keys/{id}/scopes`
pub async fn change_scopes(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let (id, form) = (parse_id(&id)?, KeyScopesForm::read(&body)?);
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &scopes_form(&id), &body),
    };
    who.may(Permission::ManageKeys)?;
    if let Err(error) = power::require_fresh_login_for(&state, &who, &id).await {
        return keep_form(error, &scopes_form(&id), &body);
    }
    match change(&state, &who, &id, &form).await {
        Ok(key) => {
            tracing::info!(key = %id, operator = %who.operator.id, "the scopes of an API key were changed");
            let words = format!("Success. “{}” may do: {}.", key.name, in_words(&key.scopes));
            session::leave_toast(&session, &Toast::success(words))?;
            Ok(see_other(&path(&id)))
        }
        Err(error) => {
            let FormRejection { status, errors, alert, .. } = FormRejection::of(error, NOT_SAVED)?;
            let shell = Shell::new(SECTION, &who, &session);
            let fill_in = |page: &mut KeyDetails| {
                page.scopes.fill_in(&form);
                (page.scopes.errors, page.scopes.alert) = (errors, alert);
            };
            draw_with(&state, status, shell, &who, &id, fill_in).await
        }
    }
}

async fn change(state: &State, who: &SignedIn, id: &ApiKeyId, form: &KeyScopesForm) -> Result<ApiKey> {
    let (scopes, was) = (form.parse()?, form.was.clone());
    let (account, id) = (who.account.clone(), id.clone());
    let change = move |tx: &mut Tx<'_>| api_key::set_scopes(tx, &account, &id, &scopes, was.as_deref());
    Ok(who.change(state, change).await?.key)
}
