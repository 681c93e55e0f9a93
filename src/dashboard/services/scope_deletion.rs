//! Deleting a scope: asked for once more, with the number of the keys that lose it.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::paths::{SECTION, path, scope_path};
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::api_key::count_with_scope;
use crate::domain::service;
use crate::domain::service_scope;
use crate::error::{Error, Result};
use crate::http::State;

const NOT_DELETED: &str = "Nothing was deleted. Try again in a moment.";

#[derive(Template)]
#[template(path = "service_scope_deletion/page.html")]
struct ScopeDeletionPage {
    shell: Shell,
    question: ScopeQuestion,
}

#[derive(Template)]
#[template(path = "service_scope_deletion/_dialog.html")]
struct ScopeDeletionDialog {
    question: ScopeQuestion,
}

/// What is asked.
struct ScopeQuestion {
    service: String,
    scope: String,
    /// How many keys have the scope by its name.
    keys: usize,
    /// Keyfob's own API asks for it.
    is_built_in: bool,
    alert: Option<String>,
}

/// `GET /services/{slug}/scopes/{name}/deletion`: the pop-up's content, or a page of its own.
pub async fn ask_to_delete_scope(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    address: Path<(String, String)>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageServices)?;
    let (service, scope) = address.into_inner();
    let question = read(&state, service, scope).await?;
    if htmx.is_part() {
        return html(StatusCode::OK, &ScopeDeletionDialog { question });
    }
    html(StatusCode::OK, &ScopeDeletionPage { shell: Shell::new(SECTION, &who, &session), question })
}

/// `POST /services/{slug}/scopes/{name}/deletion`: the same again leads to the same.
pub async fn delete_scope(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    address: Path<(String, String)>,
) -> Result<HttpResponse> {
    let (service, scope) = address.into_inner();
    let who = match signed_in {
        Ok(who) => who,
        // After the login the question is asked again.
        Err(error) => return ask_again(error, &format!("{}/deletion", scope_path(&service, &scope))),
    };
    who.may(Permission::ManageServices)?;
    let (slug, name) = (service.clone(), scope.clone());
    let toast = match who.change(&state, move |tx| service_scope::remove(tx, &slug, &name)).await {
        Ok(keys) => {
            tracing::info!(service, scope, keys, operator = %who.operator.id, "a scope was deleted");
            Toast::success(format!("Success. Scope “{scope}” deleted{}.", taken_from(keys)))
        }
        Err(Error::NotFound) => {
            let slug = service.clone();
            state.store.read(move |conn| service::find_managed(conn, &slug)).await?;
            Toast::notice("This scope was already deleted.")
        }
        Err(error) => {
            let (rejected, _, alert) = FormRejection::of(error, NOT_DELETED)?.into_parts();
            let question = ScopeQuestion { alert, ..read(&state, service, scope).await? };
            return rejected.respond(&ScopeDeletionPage { shell: Shell::new(SECTION, &who, &session), question });
        }
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(&path(&service)))
}

fn taken_from(keys: usize) -> String {
    match keys {
        0 => String::new(),
        1 => " and taken from 1 key".to_owned(),
        keys => format!(" and taken from {keys} keys"),
    }
}

async fn read(state: &State, service: String, scope: String) -> Result<ScopeQuestion> {
    let read = state.store.read(move |conn| {
        let known = service_scope::find(conn, &service, &scope)?;
        let keys = count_with_scope(conn, &service, &scope)?;
        let is_built_in = service_scope::is_built_in(&service, &scope);
        Ok(ScopeQuestion { service: known.service, scope: known.name, keys, is_built_in, alert: None })
    });
    read.await
}
