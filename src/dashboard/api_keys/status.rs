//! A key's switch.

use std::slice;

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, REFERER};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::missed_switch::{self, MissedSwitch};
use super::paths::parse_id;
use super::reason::disable_with_reason;
use super::reason_view::{ReasonForm, ReasonView};
use super::row::{ApiKeyRow, draw_sparklines};
use super::rules::key_end::KeyEnd;
use crate::dashboard::frame::form::parse_form;
use crate::dashboard::frame::htmx::{self, Htmx};
use crate::dashboard::frame::layout::{html, respond, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::account::Permission;
use crate::domain::api_key::{self, ApiKeyEntry, ApiKeyId, KeyStatus};
use crate::domain::key_action::{self, KeyActionKind};
use crate::error::{Error, Result};
use crate::http::State;
use crate::store::Tx;

/// The switch's form on a key's own page.
const ON_PAGE: &str = "form#key-switch";

#[derive(Template)]
#[template(path = "api_keys/_switched.html")]
struct SwitchedApiKey {
    row: ApiKeyRow,
    toast: Toast,
}

/// The switch alone, as a key's own page has it.
#[derive(Template)]
#[template(path = "api_key/_switched.html")]
struct SwitchedOnPage {
    row: ApiKeyRow,
    reason: ReasonView,
    toast: Toast,
}

#[derive(Template)]
#[template(path = "errors/_toast.html")]
struct GoneToast {
    toast: Toast,
}

/// Where the switch is wanted.
#[derive(Deserialize)]
struct StatusForm {
    status: String,
    /// The form of the key's page has it, also if it is none.
    reason: Option<String>,
    #[serde(default)]
    note: String,
}

/// `POST /api-keys/{id}/status`
pub async fn set_api_key_status(
    state: Data<State>,
    session: Session,
    signed_in: Result<SignedIn>,
    htmx: Htmx,
    id: Path<String>,
    body: Bytes,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let (id, form) = (parse_id(&id)?, parse_form::<StatusForm>(&body)?);
    let wanted: KeyStatus =
        form.status.parse().map_err(|()| Error::Malformed("Write status=enabled or status=disabled.".to_owned()))?;
    let referer = request.headers().get(REFERER).and_then(|referer| referer.to_str().ok()).unwrap_or_default();
    if let Some(reason) = form.reason {
        let filled = ReasonForm { reason, note: form.note };
        return disable_with_reason(&state, &session, signed_in, &id, filled, &body).await;
    }
    let who = match signed_in {
        Err(Error::Unauthenticated) => return Ok(lead_to_login(&htmx, referer, &id, wanted)),
        signed_in => signed_in?,
    };
    who.may(Permission::ManageKeys)?;
    let (status, toast, mut row) = match switch(&state, &who, id, wanted).await {
        Err(Error::NotFound) if htmx.is_part() => return say_it_is_gone(),
        switched => switched?,
    };
    match htmx {
        Htmx::Part { source, .. } if source == ON_PAGE => {
            let (account, id) = (who.account.clone(), row.id.clone());
            let read = state.store.read(move |conn| {
                let entry = api_key::find(conn, &account, &id)?;
                ReasonView::read(conn, &entry.key)
            });
            let reason = read.await?;
            return html(status, &SwitchedOnPage { row, reason, toast });
        }
        Htmx::Part { .. } => {
            draw_sparklines(&state, slice::from_mut(&mut row)).await?;
            return html(status, &SwitchedApiKey { row, toast });
        }
        Htmx::No => session::leave_toast(&session, &toast)?,
    }
    Ok(see_other(NextPath::from_url(referer).without(missed_switch::PARAMETER).as_str()))
}

/// To the login, and from there to the page with the switch, which says that nothing
/// was switched.
fn lead_to_login(htmx: &Htmx, referer: &str, id: &ApiKeyId, wanted: KeyStatus) -> HttpResponse {
    let page = match htmx {
        Htmx::Part { current_url, .. } => NextPath::from_url(current_url),
        Htmx::No => NextPath::from_url(referer),
    };
    let login = page.with(missed_switch::PARAMETER, &MissedSwitch::value(id, wanted)).login_url();
    if htmx.is_part() {
        let mut response = HttpResponse::build(StatusCode::UNAUTHORIZED);
        return response.content_type(ContentType::html()).insert_header((htmx::REDIRECT, login)).finish();
    }
    see_other(&login)
}

/// A switch of a list that was drawn before its key was deleted.
fn say_it_is_gone() -> Result<HttpResponse> {
    let mut response = HttpResponse::NotFound();
    response.insert_header((htmx::RETARGET, "#toasts")).insert_header((htmx::RESWAP, "innerHTML"));
    respond(response, &GoneToast { toast: Toast::error("This key was deleted meanwhile.") })
}

/// Switches; when that can't be done now, shows the row as it is.
async fn switch(
    state: &State,
    who: &SignedIn,
    id: ApiKeyId,
    wanted: KeyStatus,
) -> Result<(StatusCode, Toast, ApiKeyRow)> {
    let (account, now) = (who.account.clone(), state.clock.now());
    let (key, owner) = (id.clone(), account.clone());
    let switch = move |tx: &mut Tx<'_>| {
        let kind = KeyActionKind::from(wanted);
        key_action::recorded(tx, &owner, &key, kind, |tx| api_key::set_status(tx, &owner, &key, wanted))
    };
    match who.change(state, switch).await {
        Ok((entry, undo)) => {
            let ApiKeyEntry { key, service, .. } = &entry;
            tracing::info!(key = %key.id, operator = %who.operator.id, status = wanted.as_str(), "an API key was switched");
            let toast = match key.expires_at.map(|end| KeyEnd::new(end, now)).filter(|end| end.is_past) {
                Some(end) if wanted == KeyStatus::Enabled => {
                    Toast::notice(format!("“{}” is enabled, but it ended {}.", key.name, end.distance))
                }
                _ if wanted == KeyStatus::Enabled && service.is_off() => {
                    Toast::notice(format!("“{}” is enabled, but {} is switched off.", key.name, service.name))
                }
                _ => Toast::success(format!("“{}” is {}.", key.name, wanted.as_str())),
            };
            Ok((StatusCode::OK, toast.with_undo(undo), ApiKeyRow::new(entry, who.access, now)))
        }
        Err(Error::Unavailable { reason, .. }) => {
            let entry = state.store.read(move |conn| api_key::find(conn, &account, &id)).await?;
            let toast = Toast::error(format!(
                "{} “{}” was not switched. Try again in a moment.",
                reason.sentence(),
                entry.key.name
            ));
            Ok((StatusCode::SERVICE_UNAVAILABLE, toast, ApiKeyRow::new(entry, who.access, now)))
        }
        Err(error) => Err(error),
    }
}
