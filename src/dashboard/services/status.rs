//! A service's switch. Switching off is asked for once more, with the number of the keys
//! that stop.

use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use askama::Template;
use serde::Deserialize;

use super::paths::{PATH, SECTION, path};
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{Shell, html, see_other};
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::dashboard::login::resume::ask_again;
use crate::domain::account::Permission;
use crate::domain::service::{self, Service, ServiceStatus};
use crate::error::{Error, Result};
use crate::format::count;
use crate::http::State;

#[derive(Template)]
#[template(path = "service_status/page.html")]
struct SwitchOffPage {
    shell: Shell,
    question: SwitchOffQuestion,
}

#[derive(Template)]
#[template(path = "service_status/_dialog.html")]
struct SwitchOffDialog {
    question: SwitchOffQuestion,
}

/// What is asked.
struct SwitchOffQuestion {
    service: Service,
    /// What stops, in a sentence.
    sentence: String,
}

/// Where the switch is wanted.
#[derive(Deserialize)]
pub struct ServiceStatusForm {
    status: String,
}

/// `GET /services/{slug}/status`: the pop-up's content, or a page of its own.
pub async fn ask_to_switch_off(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    slug: Path<String>,
) -> Result<HttpResponse> {
    who.may(Permission::ManageServices)?;
    let slug = slug.into_inner();
    let read = move |conn: &mut _| Ok((service::find_managed(conn, &slug)?, service::count_enabled_keys(conn, &slug)?));
    let (service, keys) = state.store.read(read).await?;
    let question = SwitchOffQuestion { sentence: sentence(&service, keys), service };
    if htmx.is_part() {
        return html(StatusCode::OK, &SwitchOffDialog { question });
    }
    html(StatusCode::OK, &SwitchOffPage { shell: Shell::new(SECTION, &who, &session), question })
}

fn sentence(Service { name, .. }: &Service, keys: i64) -> String {
    match keys {
        0 => format!("No key of {name} is on. Those that are switched on later are refused too."),
        1 => format!("1 key of {name} stops at once."),
        keys => format!("{} of {name} stop at once.", count(keys, "key")),
    }
}

/// `POST /services/{slug}/status`: the same again leads to the same.
pub async fn set_service_status(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    slug: Path<String>,
    form: Form<ServiceStatusForm>,
) -> Result<HttpResponse> {
    let slug = slug.into_inner();
    let wanted: ServiceStatus =
        form.status.parse().map_err(|()| Error::Malformed("Write status=enabled or status=disabled.".to_owned()))?;
    let who = match signed_in {
        Ok(who) => who,
        // After the login the page of the service has the switch.
        Err(error) => return ask_again(error, &path(&slug)),
    };
    who.may(Permission::ManageServices)?;
    let service = who.change(&state, move |tx| service::set_status(tx, &slug, wanted)).await?;
    tracing::info!(service = service.slug, operator = %who.operator.id, status = wanted.as_str(), "a service was switched");
    let toast = match wanted {
        ServiceStatus::Enabled => Toast::success(format!("{} is switched on.", service.name)),
        ServiceStatus::Disabled => {
            Toast::success(format!("{} is switched off. All its keys are refused.", service.name))
        }
    };
    session::leave_toast(&session, &toast)?;
    Ok(see_other(PATH))
}
