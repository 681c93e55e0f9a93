//! `GET /v1/balance`: the balance of the key's account, in credits.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::messages::SERVICE;
use crate::api::answer_traced;
use crate::api::caller::{announce_end, caller};
use crate::domain::credit;
use crate::domain::service_scope::BALANCE_READ;
use crate::http::State;
use crate::http::problem::ApiError;

/// `GET /v1/balance`
pub async fn show_balance(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let show = async {
        let key = caller(&state, &request, SERVICE, BALANCE_READ).await?;
        let account = key.account_id.clone();
        let credits = state.store.read(move |conn| credit::balance(conn, &account)).await?;
        Ok(announce_end(HttpResponse::Ok().json(json!({ "credits": credits })), &key))
    };
    answer_traced(&state, &request, show).await
}
