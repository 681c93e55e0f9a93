//! A key's switch.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::http::header::REFERER;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::paths::parse_id;
use super::row::ApiKeyRow;
use crate::dashboard::frame::htmx::Htmx;
use crate::dashboard::frame::layout::{html, see_other};
use crate::dashboard::frame::next_path::NextPath;
use crate::dashboard::frame::session::{self, SignedIn};
use crate::dashboard::frame::toast::Toast;
use crate::domain::api_key::{self, ApiKeyEntry, ApiKeyId, KeyStatus};
use crate::error::{Error, Result};
use crate::http::State;

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
    toast: Toast,
}

/// Where the switch is wanted.
#[derive(Deserialize)]
pub struct StatusForm {
    status: String,
}

/// `POST /api-keys/{id}/status`
pub async fn set_api_key_status(
    state: Data<State>,
    session: Session,
    who: SignedIn,
    htmx: Htmx,
    id: Path<String>,
    form: Form<StatusForm>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let id = parse_id(&id)?;
    let wanted: KeyStatus =
        form.status.parse().map_err(|()| Error::Malformed("Write status=enabled or status=disabled.".to_owned()))?;
    let (status, toast, row) = switch(&state, &who, id, wanted).await?;
    match htmx {
        Htmx::Part { source, .. } if source == ON_PAGE => return html(status, &SwitchedOnPage { row, toast }),
        Htmx::Part { .. } => return html(status, &SwitchedApiKey { row, toast }),
        Htmx::No => session::leave_toast(&session, &toast)?,
    }
    let back = request.headers().get(REFERER).and_then(|referer| referer.to_str().ok()).unwrap_or_default();
    Ok(see_other(NextPath::from_url(back).as_str()))
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
    match who.change(state, move |tx| api_key::set_status(tx, &owner, &key, wanted)).await {
        Ok(entry) => {
            let ApiKeyEntry { key, .. } = &entry;
            tracing::info!(key = %key.id, operator = %who.operator.id, status = wanted.as_str(), "an API key was switched");
            let toast = Toast::success(format!("“{}” is {}.", key.name, wanted.as_str()));
            Ok((StatusCode::OK, toast, ApiKeyRow::new(entry, now)))
        }
        Err(Error::Unavailable { reason, .. }) => {
            let entry = state.store.read(move |conn| api_key::find(conn, &account, &id)).await?;
            let toast = Toast::error(format!(
                "{} “{}” was not switched; try again in a moment.",
                reason.sentence(),
                entry.key.name
            ));
            Ok((StatusCode::SERVICE_UNAVAILABLE, toast, ApiKeyRow::new(entry, now)))
        }
        Err(error) => Err(error),
    }
}
