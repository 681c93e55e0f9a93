//! The Services page: the list, and the form for a new one.

use std::collections::HashMap;

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use askama::Template;
use serde::Deserialize;

use super::paths::{NEW, PATH, SECTION};
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::htmx::{self, Htmx};
use crate::dashboard::frame::layout::{Shell, When, html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::keep_form;
use crate::domain::account::Permission;
use crate::domain::service::{self, NewService, Service};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

const NOT_CREATED: &str = "The service was not created. Try again in a moment.";

/// `services/page.html`
#[derive(Template)]
#[template(path = "services/page.html")]
struct ServicesPage {
    shell: Shell,
    rows: Vec<ServiceRow>,
}

/// A service's row in the table.
struct ServiceRow {
    slug: String,
    name: String,
    key_prefix: String,
    keys: i64,
    is_off: bool,
    created: When,
}

/// The form, empty or as it was filled in.
#[derive(Default)]
struct ServiceFormView {
    name: String,
    slug: String,
    key_prefix: String,
    errors: FieldErrors,
    alert: Option<String>,
}

#[derive(Template)]
#[template(path = "services/_dialog.html")]
struct ServiceDialog {
    form: ServiceFormView,
}

#[derive(Template)]
#[template(path = "services/_form.html")]
struct ServiceFormPart {
    form: ServiceFormView,
}

#[derive(Template)]
#[template(path = "services/new.html")]
struct NewServicePage {
    shell: Shell,
    form: ServiceFormView,
}

/// What is filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ServiceForm {
    name: String,
    slug: String,
    key_prefix: String,
}

/// `GET /services`
pub async fn list_services(state: Data<State>, session: Session, who: SignedIn) -> Result<HttpResponse> {
    let account = who.account.clone();
    let read = state.store.read(move |conn| Ok((service::list(conn)?, service::count_keys(conn, &account)?)));
    let (services, counts) = read.await?;
    let rows = services.into_iter().map(|service| row(service, &counts)).collect();
    html(StatusCode::OK, &ServicesPage { shell: Shell::new(SECTION, &who, &session), rows })
}

fn row(service: Service, counts: &HashMap<String, i64>) -> ServiceRow {
    ServiceRow {
        keys: counts.get(&service.slug).copied().unwrap_or_default(),
        is_off: service.is_off(),
        slug: service.slug,
        name: service.name,
        key_prefix: service.key_prefix,
        created: service.created_at.into(),
    }
}

/// `GET /services/new`: the pop-up's content, or a page of its own.
pub async fn new_service(session: Session, who: SignedIn, htmx: Htmx) -> Result<HttpResponse> {
    who.may(Permission::ManageServices)?;
    let draft = session::take_draft(&session, NEW).and_then(|draft| parse_form(draft.as_bytes()).ok());
    let ServiceForm { name, slug, key_prefix } = draft.unwrap_or_default();
    let form = ServiceFormView { name, slug, key_prefix, ..ServiceFormView::default() };
    if htmx.is_part() {
        return html(StatusCode::OK, &ServiceDialog { form });
    }
    html(StatusCode::OK, &NewServicePage { shell: Shell::new(SECTION, &who, &session), form })
}

/// `POST /services`
pub async fn create_service(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    htmx: Htmx,
    body: Bytes,
) -> Result<HttpResponse> {
    let who = match signed_in {
        Err(error) if !htmx.is_part() => return keep_form(error, &NextPath::parse(NEW), &body),
        signed_in => signed_in?,
    };
    who.may(Permission::ManageServices)?;
    let form: ServiceForm = parse_form(&body)?;
    match create(&state, &who, &form).await {
        Ok(service) => {
            state.gate.count_service(&service.slug);
            tracing::info!(service = service.slug, operator = %who.operator.id, "a service was made");
            let toast = Toast::success(format!("Success. Service “{}” created.", service.name));
            session::leave_toast(&session, &toast)?;
            if htmx.is_part() {
                return Ok(HttpResponse::Ok().insert_header((htmx::REDIRECT, PATH)).finish());
            }
            Ok(see_other(PATH))
        }
        Err(error) => refuse(&session, &who, &htmx, form, error),
    }
}

async fn create(state: &State, who: &SignedIn, form: &ServiceForm) -> Result<Service> {
    let new = NewService::parse(&form.name, &form.slug, &form.key_prefix)?;
    who.change(state, move |tx| service::create(tx, new)).await
}

/// The form again, as it was filled in, with what is wrong.
fn refuse(
    session: &Session,
    who: &SignedIn,
    htmx: &Htmx,
    ServiceForm { name, slug, key_prefix }: ServiceForm,
    error: Error,
) -> Result<HttpResponse> {
    let (rejected, errors, alert) = FormRejection::of(error, NOT_CREATED)?.into_parts();
    let form = ServiceFormView { name, slug, key_prefix, errors, alert };
    if htmx.is_part() {
        return rejected.respond(&ServiceFormPart { form });
    }
    rejected.respond(&NewServicePage { shell: Shell::new(SECTION, who, session), form })
}
