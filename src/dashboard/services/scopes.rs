//! The catalogue of a service: a scope is added, and its sentence changed.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use askama::Template;
use serde::Deserialize;

use super::page::{ScopeFormView, ServicePage};
use super::paths::{SECTION, path, scope_form, scope_path};
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::service_scope::{self, NewServiceScope};
use crate::error::{FieldErrors, Result};
use crate::http::State;

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";

/// What is filled in for a new scope.
#[derive(Deserialize)]
pub struct ScopeForm {
    pub(super) scope: String,
    pub(super) description: String,
}

/// `POST /services/{slug}/scopes`
pub async fn add_scope(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    slug: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let (slug, form) = (slug.into_inner(), parse_form::<ScopeForm>(&body)?);
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &scope_form(&slug), &body),
    };
    who.may(Permission::ManageServices)?;
    match add(&state, &who, slug.clone(), &form).await {
        Ok(()) => {
            let scope = form.scope.trim();
            tracing::info!(service = slug, scope, operator = %who.operator.id, "a scope was added");
            session::leave_toast(&session, &Toast::success(format!("Success. Scope “{scope}” added.")))?;
            Ok(see_other(&path(&slug)))
        }
        Err(error) => {
            let (rejected, errors, alert) = FormRejection::of(error, NOT_SAVED)?.into_parts();
            let mut page = ServicePage::read(&state, Shell::new(SECTION, &who, &session), slug).await?;
            let ScopeForm { scope, description } = form;
            page.scopes.form = ScopeFormView { scope, description, errors, alert };
            rejected.respond(&page)
        }
    }
}

async fn add(state: &State, who: &SignedIn, slug: String, form: &ScopeForm) -> Result<()> {
    let new = NewServiceScope::parse(&form.scope, &form.description)?;
    who.change(state, move |tx| service_scope::add(tx, &slug, new)).await
}

#[derive(Template)]
#[template(path = "service_scope/page.html")]
struct ScopePage {
    shell: Shell,
    form: SentenceFormView,
}

#[derive(Template)]
#[template(path = "service_scope/_dialog.html")]
struct ScopeDialog {
    form: SentenceFormView,
}

/// The form of a scope's sentence, as it is or as it was filled in.
struct SentenceFormView {
    service: String,
    scope: String,
    description: String,
    errors: FieldErrors,
    alert: Option<String>,
}

/// What is filled in for the sentence.
#[derive(Deserialize)]
pub struct SentenceForm {
    description: String,
}

/// `GET /services/{slug}/scopes/{name}`: the pop-up's content, or a page of its own.
pub async fn show_scope(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    address: Path<(String, String)>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageServices)?;
    let (service, scope) = address.into_inner();
    let (slug, name) = (service.clone(), scope.clone());
    let known = state.store.read(move |conn| service_scope::find(conn, &slug, &name)).await?;
    let draft = session::take_draft(&session, &scope_path(&service, &scope));
    let draft = draft.and_then(|draft| parse_form::<SentenceForm>(draft.as_bytes()).ok());
    let description = draft.map_or(known.description, |draft| draft.description);
    let form = SentenceFormView { service, scope, description, errors: FieldErrors::default(), alert: None };
    if htmx.is_part() {
        return html(StatusCode::OK, &ScopeDialog { form });
    }
    html(StatusCode::OK, &ScopePage { shell: Shell::new(SECTION, &who, &session), form })
}

/// `POST /services/{slug}/scopes/{name}`
pub async fn describe_scope(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    address: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse> {
    let (service, scope) = address.into_inner();
    let SentenceForm { description } = parse_form(&body)?;
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &NextPath::parse(&scope_path(&service, &scope)), &body),
    };
    who.may(Permission::ManageServices)?;
    match describe(&state, &who, service.clone(), scope.clone(), &description).await {
        Ok(()) => {
            tracing::info!(service, scope, operator = %who.operator.id, "a scope was described");
            session::leave_toast(&session, &Toast::success(format!("Success. Scope “{scope}” saved.")))?;
            Ok(see_other(&path(&service)))
        }
        Err(error) => {
            let (rejected, errors, alert) = FormRejection::of(error, NOT_SAVED)?.into_parts();
            let form = SentenceFormView { service, scope, description, errors, alert };
            rejected.respond(&ScopePage { shell: Shell::new(SECTION, &who, &session), form })
        }
    }
}

async fn describe(state: &State, who: &SignedIn, service: String, scope: String, typed: &str) -> Result<()> {
    let description = service_scope::parse_description(typed)?;
    who.change(state, move |tx| service_scope::describe(tx, &service, &scope, &description)).await
}
