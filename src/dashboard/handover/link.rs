//! `/handover/{token}`: explains, shows the key once after a click, and says the same to
//! everybody afterwards. Looking changes nothing, since mail scanners open links.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use crate::dashboard::frame::installation::installation_name;
use crate::dashboard::frame::layout::{When, html};
use crate::dashboard::frame::request_origin::RequestOrigin;
use crate::domain::api_key::ApiKeyEntry;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::handover::{self, HandoverToken, OpenedHandover};
use crate::error::{Error, Result};
use crate::http::State;

/// Who opens a link, as audit events name them.
const WHOEVER: &str = "Whoever had the link";

#[derive(Template)]
#[template(path = "handover/page.html")]
struct HandoverPage {
    name: String,
    service: String,
    ends: When,
    installation: Option<String>,
}

#[derive(Template)]
#[template(path = "handover/shown.html")]
struct HandedOverKeyPage {
    name: String,
    service: String,
    key: KeySecret,
    installation: Option<String>,
}

#[derive(Template)]
#[template(path = "handover/ended.html")]
struct EndedHandoverPage {
    installation: Option<String>,
}

/// `GET /handover/{token}`
pub async fn show_handover(state: Data<State>, token: Path<String>) -> Result<HttpResponse> {
    let installation = installation_name(&state).await;
    let Some(token) = HandoverToken::parse(&token) else { return say_it_ended(installation) };
    let now = state.clock.now();
    match state.store.read(move |conn| handover::find_unopened(conn, &token, now)).await {
        Ok(OpenedHandover { entry: ApiKeyEntry { key, service, .. }, ends_at, .. }) => {
            let (name, service, ends) = (key.name, service.name, ends_at.into());
            html(StatusCode::OK, &HandoverPage { name, service, ends, installation })
        }
        Err(Error::NotFound) => say_it_ended(installation),
        Err(error) => Err(error),
    }
}

/// `POST /handover/{token}`
pub async fn reveal_key(state: Data<State>, token: Path<String>, origin: RequestOrigin) -> Result<HttpResponse> {
    let installation = installation_name(&state).await;
    let Some(token) = HandoverToken::parse(&token) else { return say_it_ended(installation) };
    let open = state.store.change(origin.stranger(WHOEVER), state.clock.now(), move |tx| handover::open(tx, &token));
    match open.await {
        Ok(OpenedHandover { entry: ApiKeyEntry { key, service, .. }, secret, .. }) => {
            tracing::info!(key = %key.id, "a key was shown to whoever had its link");
            let (name, service, key) = (key.name, service.name, secret);
            html(StatusCode::OK, &HandedOverKeyPage { name, service, key, installation })
        }
        Err(Error::NotFound) => say_it_ended(installation),
        Err(error) => Err(error),
    }
}

/// The same for a link that was used, ended, withdrawn or never made.
fn say_it_ended(installation: Option<String>) -> Result<HttpResponse> {
    html(StatusCode::NOT_FOUND, &EndedHandoverPage { installation })
}
