//! One service's name, the only part of it that can be changed.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use askama::Template;
use serde::Deserialize;

use super::paths::{PATH, SECTION};
use crate::dashboard::frame::form::FormRejection;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::service::{self, Service};
use crate::error::{FieldErrors, Result};
use crate::http::State;

const NOT_SAVED: &str = "Nothing was saved; try again in a moment.";

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
    let form = NameFormView { name: service.name.clone(), service, errors: FieldErrors::default(), alert: None };
    if htmx.is_part() {
        return html(StatusCode::OK, &ServiceNameDialog { form });
    }
    html(StatusCode::OK, &ServicePage { shell: Shell::new(SECTION, &who, &session), form })
}

/// `POST /services/{slug}`
pub async fn rename_service(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    slug: Path<String>,
    form: Form<ServiceNameForm>,
) -> Result<HttpResponse> {
    let slug = slug.into_inner();
    match rename(&state, &who, slug.clone(), &form.name).await {
        Ok(name) => {
            tracing::info!(service = slug, operator = %who.operator.id, "a service was renamed");
            session::leave_toast(&session, &Toast::success(format!("Success. The service is called “{name}”.")))?;
            Ok(see_other(PATH))
        }
        Err(error) => {
            let (rejected, errors, alert) = FormRejection::of(error, NOT_SAVED)?.into_parts();
            let service = find(&state, slug).await?;
            let form = NameFormView { service, name: form.into_inner().name, errors, alert };
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
