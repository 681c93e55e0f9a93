//! Deleting a key of the trash for good, before its time.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::deletion::was_deleted;
use super::paths::{SECTION, TRASH, parse_id, path};
use super::trash::{TrashRow, read_row};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::api_key::trash;
use crate::error::{Error, Result};
use crate::http::State;

#[derive(Template)]
#[template(path = "api_key_deletion/purge.html")]
struct PurgePage {
    shell: Shell,
    row: TrashRow,
}

#[derive(Template)]
#[template(path = "api_key_deletion/_purge_dialog.html")]
struct PurgeDialog {
    row: TrashRow,
}

/// `GET /api-keys/{id}/purge`: the pop-up's content, or a page of its own.
pub async fn ask_to_purge(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let row = read_row(&state, &who, parse_id(&id)?).await?;
    if htmx.is_part() {
        return html(StatusCode::OK, &PurgeDialog { row });
    }
    html(StatusCode::OK, &PurgePage { shell: Shell::new(SECTION, &who, &session), row })
}

/// `POST /api-keys/{id}/purge`: the same again leads to the same.
pub async fn purge_api_key(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    id: Path<String>,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return ask_again(error, &format!("{}/purge", path(&id))),
    };
    who.may(Permission::ManageKeys)?;
    let (account, key) = (who.account.clone(), id.clone());
    let toast = match who.change(&state, move |tx| trash::purge(tx, &account, &key)).await {
        Ok(key) => {
            tracing::info!(key = %key.id, operator = %who.operator.id, "an API key was deleted for good");
            Toast::success(format!("Success. Key “{}” deleted for good.", key.name))
        }
        Err(Error::NotFound) if was_deleted(&state, &who, id).await? => {
            Toast::notice("This key was already deleted for good.")
        }
        Err(error) => return Err(error),
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(TRASH))
}
