//! `GET /v1/keys/{id}`: one key, without its secrets.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::manager::Manager;
use super::parse_id;
use crate::api::answer_traced;
use crate::domain::management::ManagementScope;
use crate::error::Result;
use crate::http::State;
use crate::http::problem::ApiError;

/// `GET /v1/keys/{id}`
pub async fn show_key(state: Data<State>, request: HttpRequest, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let show = async {
        let manager = Manager::of(&state, &request, ManagementScope::KeysRead).await?;
        let (id, remit) = (parse_id(&id)?, manager.remit.clone());
        let entry = state.store.read(move |conn| remit.find(conn, &id)).await?;
        Ok(manager.tell(&entry))
    };
    answer_traced(&state, &request, show).await
}
