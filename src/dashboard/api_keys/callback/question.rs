//! What is asked before a callback gets a new secret or is removed.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::super::paths::{SECTION, parse_id};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html};
use crate::dashboard::frame::session::SignedIn;
use crate::domain::account::Permission;
use crate::domain::api_key::{self, ApiKeyId};
use crate::domain::callback;
use crate::error::{Error, Result};
use crate::http::State;

#[derive(Template)]
#[template(path = "api_key_callback/page.html")]
struct CallbackQuestionPage {
    shell: Shell,
    question: CallbackQuestion,
}

#[derive(Template)]
#[template(path = "api_key_callback/_dialog.html")]
struct CallbackQuestionDialog {
    question: CallbackQuestion,
}

/// What is asked.
struct CallbackQuestion {
    id: ApiKeyId,
    name: String,
    url: String,
    /// The button that was pressed, as the form names it.
    action: &'static str,
    is_removal: bool,
}

/// `GET /api-keys/{id}/callback/{action}`: the pop-up's content, or a page of its own.
pub async fn ask_about_callback(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    path: Path<(String, String)>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageKeys)?;
    let (id, action) = path.into_inner();
    let (action, is_removal) = match action.as_str() {
        "new-secret" => ("new-secret", false),
        "remove" => ("remove", true),
        _ => return Err(Error::NotFound),
    };
    let (id, account) = (parse_id(&id)?, who.account.clone());
    let read = state.store.read(move |conn| {
        let key = api_key::find(conn, &account, &id)?.key;
        let callback = callback::find(conn, &key.id)?.ok_or(Error::NotFound)?;
        Ok((key, callback.url.map(|url| url.as_str().to_owned()).unwrap_or_default()))
    });
    let (key, url) = read.await?;
    let question = CallbackQuestion { id: key.id, name: key.name, url, action, is_removal };
    if htmx.is_part() {
        return html(StatusCode::OK, &CallbackQuestionDialog { question });
    }
    html(StatusCode::OK, &CallbackQuestionPage { shell: Shell::new(SECTION, &who, &session), question })
}
