//! The end of a key's old secret: brought about now, or moved.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use askama::Template;
use serde::Deserialize;

use super::super::paths::{SECTION, parse_id, path};
use super::super::row::ApiKeyRow;
use super::super::show::draw_with;
use super::view::OldSecret;
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, When, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::api_key::rotation::{self, Grace};
use crate::domain::api_key::{self, ApiKeyEntry, ApiKeyId};
use crate::error::Result;
use crate::http::State;

const NOT_MOVED: &str = "Nothing was changed. Try again in a moment.";

#[derive(Template)]
#[template(path = "api_key_rotation/end.html")]
struct RotationEndPage {
    shell: Shell,
    row: ApiKeyRow,
    old: OldSecret,
}

#[derive(Template)]
#[template(path = "api_key_rotation/_end_dialog.html")]
struct RotationEndDialog {
    row: ApiKeyRow,
    old: OldSecret,
}

/// How long the old secret is to work from now on.
#[derive(Deserialize)]
pub struct ExtensionForm {
    grace: String,
}

/// `GET /api-keys/{id}/rotation/end`: the pop-up's content, or a page of its own.
pub async fn ask_to_end_rotation(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let (id, account) = (parse_id(&id)?, who.account.clone());
    let entry = state.store.read(move |conn| api_key::find(conn, &account, &id)).await?;
    let now = state.clock.now();
    let Some(old) = entry.rotating(now).map(|old| OldSecret::new(old, &entry.key, now)) else {
        return Ok(see_other(&path(&entry.key.id)));
    };
    let row = ApiKeyRow::new(entry, who.access, now);
    if htmx.is_part() {
        return html(StatusCode::OK, &RotationEndDialog { row, old });
    }
    html(StatusCode::OK, &RotationEndPage { shell: Shell::new(SECTION, &who, &session), row, old })
}

/// `POST /api-keys/{id}/rotation/end`: the same again leads to the same.
pub async fn end_rotation(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, &path(&id)),
    };
    who.may(Permission::ManageKeys)?;
    let (account, key) = (who.account.clone(), id.clone());
    let entry = who.change(&state, move |tx| rotation::end_previous(tx, &account, &key)).await?;
    tracing::info!(key = %id, operator = %who.operator.id, "the old secret of an API key was ended");
    session::leave_toast(&session, &Toast::success(format!("Success. Old secret of “{}” ended.", entry.key.name)))?;
    Ok(see_other(&path(&id)))
}

/// `POST /api-keys/{id}/rotation/extension`
pub async fn extend_rotation(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let (id, form) = (parse_id(&id)?, parse_form::<ExtensionForm>(&body)?);
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, &path(&id)),
    };
    who.may(Permission::ManageKeys)?;
    match extend(&state, &who, &id, &form).await {
        Ok(entry) => {
            tracing::info!(key = %id, operator = %who.operator.id, "the end of an old secret was moved");
            let ends = entry.previous.map(|old| When::from(old.ends_at).text).unwrap_or_default();
            session::leave_toast(&session, &Toast::success(format!("Success. The old secret ends {ends}.")))?;
            Ok(see_other(&path(&id)))
        }
        Err(error) => {
            let FormRejection { status, errors, alert, .. } = FormRejection::of(error, NOT_MOVED)?;
            let alert = alert.or_else(|| errors.iter().next().map(|(_, message)| message.to_owned()));
            let mut shell = Shell::new(SECTION, &who, &session);
            shell.toasts.extend(alert.map(Toast::error));
            draw_with(&state, status, shell, &who, &id, |_| ()).await
        }
    }
}

async fn extend(state: &State, who: &SignedIn, id: &ApiKeyId, form: &ExtensionForm) -> Result<ApiKeyEntry> {
    let grace = Grace::parse(&form.grace)?;
    let (account, id) = (who.account.clone(), id.clone());
    let extend = move |tx: &mut crate::store::Tx<'_>| rotation::extend(tx, &account, &id, grace.end(tx.now()));
    who.change(state, extend).await
}
