//! JSON for applications and services. No middleware stands in the way of
//! these routes: they are asked about every request of other services.

pub mod auth;
pub mod health;
pub mod metrics;
pub mod openapi;
mod presented_key;
pub mod verify;

use std::panic::AssertUnwindSafe;

use actix_web::http::header::{ALLOW, HeaderMap, HeaderValue, USER_AGENT};
use actix_web::web::Data;
use actix_web::{HttpResponse, ResponseError};
use futures_util::FutureExt;

use crate::error::{Error, Result};
use crate::web::State;
use crate::web::errors::ApiError;
use crate::web::headers::{is_https, secure_for_programs};

/// Answers, with problem details for an error, and for a panic too.
async fn answer(state: &State, work: impl Future<Output = Result<HttpResponse>>) -> Result<HttpResponse, ApiError> {
    let result = AssertUnwindSafe(work).catch_unwind().await;
    let result = result.unwrap_or_else(|_| Err(Error::internal(anyhow::anyhow!("a handler panicked"))));
    let mut response = result.map_err(|error| ApiError::new(error, state))?;
    secure_for_programs(response.headers_mut(), is_https(state));
    Ok(response)
}

/// For methods that `/v1/keys/verify` does not take.
pub async fn only_post(state: Data<State>) -> HttpResponse {
    refuse_method(&state, "POST")
}

/// For TRACE, which `/v1/auth` does not take (ASVS 13.4.4).
pub async fn no_trace(state: Data<State>) -> HttpResponse {
    refuse_method(&state, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
}

fn refuse_method(state: &State, allowed: &'static str) -> HttpResponse {
    let mut response = ApiError::new(Error::MethodNotAllowed, state).error_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn user_agent(headers: &HeaderMap) -> &str {
    headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
