//! For whoever watches over the process.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::Serialize;

use crate::domain::operator;
use crate::error::Error;
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

/// `GET /readyz`: the database answers too; 503 when it does not.
pub async fn readyz(state: Data<State>) -> HttpResponse {
    match state.store.read(operator::exists).await {
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
