//! A key's switch.

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::http::header::REFERER;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::api_keys::ApiKeyRow;
use crate::domain::api_key::{self, ApiKeyId, Status};
use crate::domain::operator::Operator;
use crate::error::{Error, Result};
use crate::web::State;
use crate::web::htmx::Htmx;
use crate::web::next_path::NextPath;
use crate::web::session::{self, SignedIn};
use crate::web::view::{Toast, html, see_other};

#[derive(Template)]
#[template(path = "api_keys/_switched.html")]
struct SwitchedApiKey {
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
    SignedIn(operator): SignedIn,
    htmx: Htmx,
    id: Path<String>,
    form: Form<StatusForm>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let id: ApiKeyId = id.parse().map_err(|()| Error::NotFound)?;
    let wanted: Status =
        form.status.parse().map_err(|()| Error::Malformed("Write status=enabled or status=disabled.".to_owned()))?;
    let (status, toast, row) = switch(&state, &operator, id, wanted).await?;
    if htmx.is_part() {
        return html(status, &SwitchedApiKey { row, toast });
    }
    session::leave_toast(&session, &toast)?;
    let back = request.headers().get(REFERER).and_then(|referer| referer.to_str().ok()).unwrap_or_default();
    Ok(see_other(NextPath::from_url(back).as_str()))
}

/// Switches; when that can't be done now, shows the row as it is.
async fn switch(
    state: &State,
    operator: &Operator,
    id: ApiKeyId,
    wanted: Status,
) -> Result<(StatusCode, Toast, ApiKeyRow)> {
    let account = operator.account_id.clone();
    let (key, owner) = (id.clone(), account.clone());
    match state.gate.change(move |conn| api_key::set_status(conn, &owner, &key, wanted)).await {
        Ok((key, service)) => {
            tracing::info!(key = %key.id, operator = %operator.id, status = wanted.as_str(), "an API key was switched");
            let toast = Toast::success(format!("“{}” is {}.", key.name, wanted.as_str()));
            Ok((StatusCode::OK, toast, (key, service).into()))
        }
        Err(Error::Unavailable { reason, .. }) => {
            let row = state.store.read(move |conn| api_key::find(conn, &account, &id)).await?;
            let toast = Toast::error(format!(
                "{} “{}” was not switched; try again in a moment.",
                reason.sentence(),
                row.0.name
            ));
            Ok((StatusCode::SERVICE_UNAVAILABLE, toast, row.into()))
        }
        Err(error) => Err(error),
    }
}
