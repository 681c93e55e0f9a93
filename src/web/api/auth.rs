//! `GET /v1/auth?service=…`: for reverse proxies, which ask about every
//! request before they let it through.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::{Data, Query, QueryConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Deserialize;

use super::presented_key::PresentedKey;
use super::{answer, user_agent};
use crate::domain::key_secret::Mode;
use crate::error::{Error, Result};
use crate::gate::{Caller, Door, KeyRecord, Verdict};
use crate::web::State;
use crate::web::errors::ApiError;

const X_AUTH_CODE: HeaderName = HeaderName::from_static("x-auth-code");
const X_KEY_ID: HeaderName = HeaderName::from_static("x-key-id");
const X_KEY_NAME: HeaderName = HeaderName::from_static("x-key-name");
const X_KEY_MODE: HeaderName = HeaderName::from_static("x-key-mode");
const X_KEY_SERVICE: HeaderName = HeaderName::from_static("x-key-service");
const X_ACCOUNT_ID: HeaderName = HeaderName::from_static("x-account-id");

/// RFC 6750 §3: no error code where no key was sent.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"keyfob\"");
const INVALID: HeaderValue = HeaderValue::from_static("Bearer realm=\"keyfob\", error=\"invalid_token\"");

/// Which door.
#[derive(Deserialize)]
pub struct AuthQuery {
    #[serde(default)]
    service: String,
    #[serde(default)]
    mode: String,
}

/// `/v1/auth` with any method: 200 with who it is, or the denial.
pub async fn authorize(
    state: Data<State>,
    request: HttpRequest,
    query: Query<AuthQuery>,
) -> Result<HttpResponse, ApiError> {
    answer(&state, decide(&state, &request, &query)).await
}

async fn decide(state: &State, request: &HttpRequest, query: &AuthQuery) -> Result<HttpResponse> {
    let door = Door { service: Some(service(query)?), mode: mode(query)? };
    let key = match PresentedKey::of(request.headers()) {
        PresentedKey::One(key) => key,
        PresentedKey::Repeated => "",
        PresentedKey::Missing => {
            state.gate.count_missing_key(&door);
            return Ok(deny(StatusCode::UNAUTHORIZED, "KEY_MISSING", Some(CHALLENGE)));
        }
    };
    let address = state.trusted_proxies.client_of(request);
    let caller = Caller { address: Some(address), user_agent: user_agent(request.headers()) };
    let verdict = state.gate.verdict(key, &door, caller).await?;
    Ok(match &verdict {
        Verdict::Valid(key) => allow(key),
        Verdict::ModeNotAllowed(_) => deny(StatusCode::FORBIDDEN, verdict.code(), None),
        _ => deny(StatusCode::UNAUTHORIZED, verdict.code(), Some(INVALID)),
    })
}

/// How the query is read: with errors that say what to change.
#[must_use]
pub fn query_config() -> QueryConfig {
    let explain = || Error::Malformed("Write the query as service=sms or service=sms&mode=test, each once.".to_owned());
    QueryConfig::default().error_handler(move |_, request| ApiError::of_request(explain(), request).into())
}

fn service(query: &AuthQuery) -> Result<&str> {
    match query.service.as_str() {
        "" => Err(Error::Malformed("Say which service the door is of, as in /v1/auth?service=sms.".to_owned())),
        service => Ok(service),
    }
}

fn mode(query: &AuthQuery) -> Result<Option<Mode>> {
    match query.mode.as_str() {
        "" | "live" => Ok(Some(Mode::Live)),
        "test" => Ok(Some(Mode::Test)),
        "any" => Ok(None),
        _ => Err(Error::Malformed("Write mode=live, mode=test or mode=any.".to_owned())),
    }
}

/// Every identity header is there and not empty: some proxies let a client's
/// own header through in place of an absent one.
fn allow(key: &KeyRecord) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    let mut add = |name: HeaderName, value: &str| {
        response.insert_header((name, HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("-"))));
    };
    add(X_KEY_ID, key.id.as_str());
    add(X_KEY_NAME, &key.encoded_name);
    add(X_KEY_MODE, key.mode.as_str());
    add(X_KEY_SERVICE, &key.service);
    add(X_ACCOUNT_ID, key.account_id.as_str());
    finish(response, "VALID")
}

fn deny(status: StatusCode, code: &'static str, challenge: Option<HeaderValue>) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    if let Some(challenge) = challenge {
        response.insert_header((WWW_AUTHENTICATE, challenge));
    }
    finish(response, code)
}

fn finish(mut response: HttpResponseBuilder, code: &'static str) -> HttpResponse {
    response.insert_header((X_AUTH_CODE, HeaderValue::from_static(code)));
    response.finish()
}
