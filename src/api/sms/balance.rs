//! `GET /v1/balance`: the balance of the key's account, in credits.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::messages::SERVICE;
use crate::api::answer_traced;
use crate::api::caller::caller;
use crate::domain::credit;
use crate::http::State;
use crate::http::problem::ApiError;

/// `GET /v1/balance`
pub async fn show_balance(state: Data<State>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let show = async {
        let account = caller(&state, &request, SERVICE).await?.account_id.clone();
        let credits = state.store.read(move |conn| credit::balance(conn, &account)).await?;
        Ok(HttpResponse::Ok().json(json!({ "credits": credits })))
    };
    answer_traced(&state, &request, show).await
}
