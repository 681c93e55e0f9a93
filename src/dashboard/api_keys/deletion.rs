//! Deleting a key: asked for once more, then put in the trash.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::paths::{PATH, SECTION, parse_id, path};
use super::row::ApiKeyRow;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::api_key::deletion;
use crate::domain::api_key::{self, ApiKeyId};
use crate::domain::key_action::{self, KeyActionKind};
use crate::error::{Error, Result};
use crate::http::State;
use crate::store::Tx;

#[derive(Template)]
#[template(path = "api_key_deletion/page.html")]
struct ApiKeyDeletionPage {
    shell: Shell,
    row: ApiKeyRow,
}

#[derive(Template)]
#[template(path = "api_key_deletion/_dialog.html")]
struct ApiKeyDeletionDialog {
    row: ApiKeyRow,
}

/// `GET /api-keys/{id}/deletion`: the pop-up's content, or a page of its own.
pub async fn ask_to_delete(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let (id, account) = (parse_id(&id)?, who.account.clone());
    let entry = state.store.read(move |conn| api_key::find(conn, &account, &id)).await?;
    let row = ApiKeyRow::new(entry, who.access, state.clock.now());
    if htmx.is_part() {
        return html(StatusCode::OK, &ApiKeyDeletionDialog { row });
    }
    html(StatusCode::OK, &ApiKeyDeletionPage { shell: Shell::new(SECTION, &who, &session), row })
}

/// `POST /api-keys/{id}/deletion`: the same again leads to the same.
pub async fn delete_api_key(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let who = match signed_in {
        Ok(who) => who,
        // After the login the question is asked again.
        Err(error) => return ask_again(error, &question(&id)),
    };
    who.may(Permission::ManageKeys)?;
    let (account, key) = (who.account.clone(), id.clone());
    let delete = move |tx: &mut Tx<'_>| {
        key_action::recorded(tx, &account, &key, KeyActionKind::Delete, |tx| deletion::delete(tx, &account, &key))
    };
    let toast = match who.change(&state, delete).await {
        Ok((key, undo)) => {
            tracing::info!(key = %key.id, operator = %who.operator.id, "an API key was deleted");
            Toast::success(format!("Success. Key “{}” deleted.", key.name)).with_undo(undo)
        }
        Err(Error::NotFound) if was_deleted(&state, &who, id).await? => Toast::notice("This key was already deleted."),
        Err(error) => return Err(error),
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(PATH))
}

fn question(id: &ApiKeyId) -> String {
    format!("{}/deletion", path(id))
}

/// Whether a key of the account had this id before it was deleted.
pub(super) async fn was_deleted(state: &State, who: &SignedIn, id: ApiKeyId) -> Result<bool> {
    let owner = state.store.read(move |conn| deletion::owner(conn, &id)).await?;
    Ok(owner.as_ref() == Some(&who.account))
}
