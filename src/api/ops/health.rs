//! Health checks, for monitoring and orchestration.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::Serialize;
use tokio::time::timeout;

use crate::domain::identity::operator;
use crate::error::{DatabaseOutage, Error};
use crate::http::State;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

/// `GET /healthz`: the process answers.
pub async fn healthz() -> Json<impl Serialize> {
    Json(Health { status: "ok", detail: None })
}

/// How long the database may take: less than the second between two checks.
const CHECK_TIMEOUT: Duration = Duration::from_millis(900);

/// `GET /readyz`: 200 while requests can be served; 503 while the database does not answer,
/// and when the server is about to stop.
pub async fn readyz(state: Data<State>) -> HttpResponse {
    match find_problem(&state).await {
        None => HttpResponse::Ok().json(Health { status: "ok", detail: None }),
        Some(detail) => HttpResponse::ServiceUnavailable().json(Health { status: "unavailable", detail: Some(detail) }),
    }
}

async fn find_problem(state: &State) -> Option<&'static str> {
    if state.drain.has_begun() {
        return Some("Keyfob is about to stop.");
    }
    // The gate first: it knows at once, where the database may keep one waiting.
    let check = async {
        state.gate.check()?;
        state.store.read(operator::exists).await
    };
    match timeout(CHECK_TIMEOUT, check).await {
        Ok(Ok(_)) => None,
        Ok(Err(Error::Unavailable { reason, .. })) => Some(reason.sentence()),
        Ok(Err(_)) => Some("The database can't be read."),
        Err(_) => Some(DatabaseOutage::Unreachable.sentence()),
    }
}
