//! For whoever watches over the process.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::Serialize;

use crate::domain::operator;
use crate::error::{Error, Result};
use crate::web::State;

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

/// `GET /readyz`: the gate is up to date and the database answers; 503 when not.
pub async fn readyz(state: Data<State>) -> HttpResponse {
    match check(&state).await {
        Ok(_) => HttpResponse::Ok().json(Health { status: "ok", detail: None }),
        Err(error) => {
            let detail = match error {
                Error::Unavailable { reason, .. } => reason.sentence(),
                _ => "The database can't be read.",
            };
            HttpResponse::ServiceUnavailable().json(Health { status: "unavailable", detail: Some(detail) })
        }
    }
}

/// The gate first: it knows at once, where the database may keep one waiting.
async fn check(state: &State) -> Result<()> {
    state.gate.check()?;
    state.store.read(operator::exists).await?;
    Ok(())
}
