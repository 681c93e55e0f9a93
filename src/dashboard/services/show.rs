//! One service's name, the only part of it that can be changed.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use askama::Template;
use serde::Deserialize;

use super::paths::{PATH, SECTION, path};
use crate::dashboard::frame::form::{FormRejection, parse_form};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::password;
use crate::domain::service::{self, Service};
use crate::error::{Error, FieldErrors, Result};
use crate::http::State;

const NOT_SAVED: &str = "Nothing was saved. Try again in a moment.";

/// `service/page.html`
#[derive(Template)]
#[template(path = "service/page.html")]
struct ServicePage {
    shell: Shell,
    form: NameFormView,
}

#[derive(Template)]
#[template(path = "service/_dialog.html")]
struct ServiceNameDialog {
    form: NameFormView,
}

/// The form, as the service is or as it was filled in.
struct NameFormView {
    service: Service,
    name: String,
    errors: FieldErrors,
    alert: Option<String>,
}

/// What is filled in.
#[derive(Deserialize)]
pub struct ServiceNameForm {
    name: String,
}

/// `GET /services/{slug}`: the pop-up's content, or a page of its own.
pub async fn show_service(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    slug: Path<String>,
) -> Result<HttpResponse> {
    let service = find(&state, slug.into_inner()).await?;
    let draft = session::take_draft(&session, &path(&service.slug));
    let draft = draft.and_then(|draft| parse_form::<ServiceNameForm>(draft.as_bytes()).ok());
    let name = draft.map_or_else(|| service.name.clone(), |draft| draft.name);
    let form = NameFormView { name, service, errors: FieldErrors::default(), alert: None };
    if htmx.is_part() {
        return html(StatusCode::OK, &ServiceNameDialog { form });
    }
    html(StatusCode::OK, &ServicePage { shell: Shell::new(SECTION, &who, &session), form })
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
        Err(Error::Unauthenticated) => {
            let draft = String::from_utf8_lossy(&body).into_owned();
            return password::ask_to_log_in(&NextPath::parse(&path(&slug)), draft);
        }
        signed_in => signed_in?,
    };
    let form: ServiceNameForm = parse_form(&body)?;
    match rename(&state, &who, slug.clone(), &form.name).await {
        Ok(name) => {
            tracing::info!(service = slug, operator = %who.operator.id, "a service was renamed");
            session::leave_toast(&session, &Toast::success(format!("Renamed to “{name}”.")))?;
            Ok(see_other(PATH))
        }
        Err(error) => {
            let (rejected, errors, alert) = FormRejection::of(error, NOT_SAVED)?.into_parts();
            let service = find(&state, slug).await?;
            let form = NameFormView { service, name: form.name, errors, alert };
            rejected.respond(&ServicePage { shell: Shell::new(SECTION, &who, &session), form })
        }
    }
}

async fn find(state: &State, slug: String) -> Result<Service> {
    state.store.read(move |conn| service::find(conn, &slug)).await
}

async fn rename(state: &State, who: &SignedIn, slug: String, typed: &str) -> Result<String> {
    let name = service::parse_name(typed)?;
    who.change(state, move |tx| service::rename(tx, &slug, &name).map(|()| name)).await
}
