//! The callback of a key: its URL and secret are set, changed and
//! removed on the key's own page.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use serde::Deserialize;

use super::super::paths::{SECTION, callback_form, parse_id, path};
use super::super::show::draw_with;
use super::view::CallbackView;
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::layout::{Shell, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::api_key::{self, ApiKeyId};
use crate::domain::callback::{self, CallbackSecret, Saved};
use crate::error::Result;
use crate::http::State;
use crate::store::{Conn, Tx};

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";

/// What is filled in.
#[derive(Deserialize)]
pub struct CallbackForm {
    #[serde(default)]
    url: String,
    action: CallbackAction,
}

/// Which button was pressed.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CallbackAction {
    Save,
    /// A secret for requests that name their own address.
    MakeSecret,
    NewSecret,
    Remove,
}

/// What was done.
enum Done {
    /// Nothing to be shown but a word about it.
    Quietly(&'static str),
    /// Something with a secret, which is shown now or never.
    WithSecret(CallbackSecret, &'static str),
}

/// `POST /api-keys/{id}/callback`
pub async fn change_callback(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let (id, form) = (parse_id(&id)?, parse_form::<CallbackForm>(&body)?);
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &callback_form(&id), &body),
    };
    who.may(Permission::ManageKeys)?;
    let mut shell = Shell::new(SECTION, &who, &session);
    let (status, view) = match change(&state, &who, &id, &form).await {
        Ok(Done::Quietly(words)) => {
            tracing::info!(key = %id, operator = %who.operator.id, "a callback was changed");
            session::leave_toast(&session, &Toast::success(words))?;
            return Ok(see_other(&path(&id)));
        }
        Ok(Done::WithSecret(secret, words)) => {
            tracing::info!(key = %id, operator = %who.operator.id, "a callback has a new secret");
            shell.toasts.push(Toast::success(words));
            let url = current_url(&state, &who, &id).await?.unwrap_or_default();
            (StatusCode::OK, CallbackView { url, is_set: true, secret: Some(secret), ..CallbackView::default() })
        }
        Err(error) => {
            let FormRejection { status, errors, alert, .. } = FormRejection::of(error, NOT_SAVED)?;
            let is_set = current_url(&state, &who, &id).await.is_ok_and(|url| url.is_some());
            (status, CallbackView { url: form.url, is_set, errors, alert, ..CallbackView::default() })
        }
    };
    draw_with(&state, status, shell, &who, &id, |page| page.callback = Some(view)).await
}

async fn change(state: &State, who: &SignedIn, id: &ApiKeyId, form: &CallbackForm) -> Result<Done> {
    let (account, key) = (who.account.clone(), id.clone());
    let (url, action, allowed) = (form.url.clone(), form.action, state.callback_networks.clone());
    let change = move |tx: &mut Tx<'_>| match action {
        CallbackAction::Save => Ok(match callback::save(tx, &account, &key, &url, &allowed)? {
            Saved::Made(secret) => Done::WithSecret(secret, "Success. Callback saved."),
            Saved::Kept => Done::Quietly("Success. Callback saved."),
        }),
        CallbackAction::MakeSecret => Ok(match callback::make_secret(tx, &account, &key)? {
            Saved::Made(secret) => Done::WithSecret(secret, "Success. Secret created."),
            Saved::Kept => Done::Quietly("This key has a secret already."),
        }),
        CallbackAction::NewSecret => {
            let secret = callback::change_secret(tx, &account, &key)?;
            Ok(Done::WithSecret(secret, "Success. New secret created."))
        }
        CallbackAction::Remove => {
            callback::remove(tx, &account, &key)?;
            Ok(Done::Quietly("Success. Callback removed."))
        }
    };
    who.change(state, change).await
}

/// Empty for a callback without an address; `None` without a callback.
async fn current_url(state: &State, who: &SignedIn, id: &ApiKeyId) -> Result<Option<String>> {
    let (account, id) = (who.account.clone(), id.clone());
    let read = move |conn: &mut Conn| {
        let key = api_key::find(conn, &account, &id)?.key;
        callback::find(conn, &key.id)
    };
    let callback = state.store.read(read).await?;
    Ok(callback.map(|callback| callback.url.map(|url| url.as_str().to_owned()).unwrap_or_default()))
}
