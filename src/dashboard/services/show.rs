//! One service: its page, and the change of its name.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use askama::Template;
use serde::Deserialize;

use super::page::{NameFormView, ScopeFormView, ServicePage};
use super::paths::{PATH, SECTION, path, scope_form};
use super::scopes::ScopeForm;
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::service;
use crate::error::Result;
use crate::http::State;

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";

#[derive(Template)]
#[template(path = "service/_dialog.html")]
struct ServiceNameDialog {
    form: NameFormView,
}

/// What is filled in.
#[derive(Deserialize)]
pub struct ServiceNameForm {
    name: String,
}

/// `GET /services/{slug}`: the page, or the pop-up that renames the service.
pub async fn show_service(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    slug: Path<String>,
) -> Result<HttpResponse> {
    if htmx.is_part() {
        who.may(Permission::ManageServices)?;
    }
    let mut page = ServicePage::read(&state, Shell::new(SECTION, &who, &session), slug.into_inner()).await?;
    let slug = page.form.service.slug.clone();
    let draft = session::take_draft(&session, &path(&slug));
    if let Some(ServiceNameForm { name }) = draft.and_then(|draft| parse_form(draft.as_bytes()).ok()) {
        page.form = NameFormView { name, has_focus: true, ..page.form };
    }
    if htmx.is_part() {
        return html(StatusCode::OK, &ServiceNameDialog { form: NameFormView { has_focus: true, ..page.form } });
    }
    let draft = session::take_draft(&session, scope_form(&slug).as_str());
    if let Some(ScopeForm { scope, description }) = draft.and_then(|draft| parse_form(draft.as_bytes()).ok()) {
        page.scopes.form = ScopeFormView { scope, description, ..ScopeFormView::default() };
    }
    html(StatusCode::OK, &page)
}

/// `POST /services/{slug}`
pub async fn rename_service(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    slug: Path<String>,
    body: Bytes,
) -> Result<HttpResponse> {
    let slug = slug.into_inner();
    let who = match signed_in {
        Ok(who) => who,
        Err(error) => return keep_form(error, &NextPath::parse(&path(&slug)), &body),
    };
    who.may(Permission::ManageServices)?;
    let form: ServiceNameForm = parse_form(&body)?;
    match rename(&state, &who, slug.clone(), &form.name).await {
        Ok(name) => {
            tracing::info!(service = slug, operator = %who.operator.id, "a service was renamed");
            session::leave_toast(&session, &Toast::success(format!("Renamed to “{name}”.")))?;
            Ok(see_other(PATH))
        }
        Err(error) => {
            let (rejected, errors, alert) = FormRejection::of(error, NOT_SAVED)?.into_parts();
            let mut page = ServicePage::read(&state, Shell::new(SECTION, &who, &session), slug).await?;
            page.form = NameFormView { name: form.name, errors, alert, has_focus: true, ..page.form };
            rejected.respond(&page)
        }
    }
}

async fn rename(state: &State, who: &SignedIn, slug: String, typed: &str) -> Result<String> {
    let name = service::parse_name(typed)?;
    who.change(state, move |tx| service::rename(tx, &slug, &name).map(|()| name)).await
}
