//! `DELETE /v1/keys/{id}`, and `POST /v1/keys/{id}/restoration`, which takes it back.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::manager::Manager;
use super::parse_id;
use crate::api::answer_traced;
use crate::domain::management::{self, ManagementScope};
use crate::error::Result;
use crate::http::State;
use crate::http::problem::ApiError;

/// `DELETE /v1/keys/{id}`: 204, and from then on the key opens nothing.
pub async fn delete_key(state: Data<State>, request: HttpRequest, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let delete = async {
        let manager = Manager::of(&state, &request, ManagementScope::KeysDelete).await?;
        let id = parse_id(&id)?;
        let key = id.clone();
        manager.change(&state, &request, move |tx, remit| management::delete(tx, remit, &key)).await?;
        tracing::info!(key = %id, by = %manager.key.id, "an API key was deleted over the API");
        Ok(manager.answer(HttpResponse::NoContent().finish()))
    };
    answer_traced(&state, &request, delete).await
}

/// `POST /v1/keys/{id}/restoration`: the key as it was.
pub async fn restore_key(state: Data<State>, request: HttpRequest, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let restore = async {
        let manager = Manager::of(&state, &request, ManagementScope::KeysDelete).await?;
        let id = parse_id(&id)?;
        let key = id.clone();
        let entry = manager.change(&state, &request, move |tx, remit| management::restore(tx, remit, &key)).await?;
        tracing::info!(key = %id, by = %manager.key.id, "an API key was restored over the API");
        Ok(manager.tell(&entry))
    };
    answer_traced(&state, &request, restore).await
}
