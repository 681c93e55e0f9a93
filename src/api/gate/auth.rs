//! `GET /v1/auth?service=…` and `/v1/auth/{service}/…`: for reverse proxies, which ask
//! about every request before they let it through.

use actix_web::dev::RequestHead;
use actix_web::http::header::{ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::parameters::Parameters;
use crate::api::caller::{Door, ask};
use crate::api::{allowing, answer_as_is};
use crate::error::{Denial, Error, Result};
use crate::gate::{Code, KeyRecord};
use crate::http::State;
use crate::http::problem::{ApiError, X_AUTH_CODE, www_authenticate};
use crate::http::security_headers::{secure_for_programs, sends_hsts};

const X_KEY_ID: HeaderName = HeaderName::from_static("x-key-id");
const X_KEY_NAME: HeaderName = HeaderName::from_static("x-key-name");
const X_KEY_MODE: HeaderName = HeaderName::from_static("x-key-mode");
const X_KEY_SERVICE: HeaderName = HeaderName::from_static("x-key-service");
const X_KEY_SCOPES: HeaderName = HeaderName::from_static("x-key-scopes");
const X_KEY_SECRET: HeaderName = HeaderName::from_static("x-key-secret");
const X_ACCOUNT_ID: HeaderName = HeaderName::from_static("x-account-id");

/// Where proxies ask, and before the paths at which others do.
pub const PATH: &str = "/v1/auth";

/// Whether a path is written as `/v1/auth/` and a service.
#[must_use]
pub fn names_service(path: &str) -> bool {
    behind_prefix(path).is_some_and(|rest| !rest.is_empty())
}

fn behind_prefix(path: &str) -> Option<&str> {
    path.strip_prefix(PATH)?.strip_prefix('/')
}

/// `/v1/auth` with any method: 200 with who it is, or the denial.
pub async fn authorize(state: Data<State>, request: HttpRequest) -> HttpResponse {
    respond(&state, &request, Parameters::in_query(request.query_string())).await
}

/// The same for proxies that put a prefix before the path of their client's request.
pub async fn authorize_by_path(state: Data<State>, request: HttpRequest) -> HttpResponse {
    let parameters = behind_prefix(request.uri().path()).ok_or(Error::NotFound).and_then(Parameters::in_path);
    respond(&state, &request, parameters).await
}

async fn respond(state: &State, request: &HttpRequest, parameters: Result<Parameters<'_>>) -> HttpResponse {
    if request.method() == Method::TRACE {
        return no_trace(state);
    }
    answer_as_is(state, decide(state, request.head(), parameters))
        .await
        .unwrap_or_else(|error| error.for_proxy().error_response())
}

/// TRACE would echo the headers that a proxy has added (ASVS 13.4.4).
fn no_trace(state: &State) -> HttpResponse {
    let refusal = ApiError::new(Error::MethodNotAllowed, state).for_proxy().error_response();
    allowing("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", refusal)
}

async fn decide(state: &State, request: &RequestHead, parameters: Result<Parameters<'_>>) -> Result<HttpResponse> {
    let Parameters { service, mode, scopes, passes_preflight } = parameters?;
    let mut response = if passes_preflight && is_preflight(request) {
        pass()
    } else {
        match ask(state, request, Door { service: Some(service), mode, scopes: &scopes, ..Door::default() }).await? {
            Ok(key) => allow(&key),
            Err(denial) => deny(&denial),
        }
    };
    secure_for_programs(response.headers_mut(), sends_hsts(state));
    Ok(response)
}

/// Browsers ask without a key whether a page of another origin may send a request
/// (Fetch §4.8). Only the method of the question counts: a client can write what some
/// proxies call the original method.
fn is_preflight(request: &RequestHead) -> bool {
    request.method == Method::OPTIONS && request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Lets in nobody in particular. Every identity header is there, as in [`allow`].
fn pass() -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::OK);
    for name in [X_AUTH_CODE, X_KEY_ID, X_KEY_NAME, X_KEY_MODE, X_KEY_SERVICE, X_KEY_SCOPES, X_KEY_SECRET, X_ACCOUNT_ID]
    {
        response.headers_mut().append(name, HeaderValue::from_static("-"));
    }
    response
}

/// Every identity header is there and not empty: some proxies let a client's
/// own header through in place of an absent one.
fn allow(key: &KeyRecord) -> HttpResponse {
    let identity = key.identity();
    let mut response = HttpResponse::new(StatusCode::OK);
    let headers = response.headers_mut();
    headers.append(X_AUTH_CODE, HeaderValue::from_static(Code::Valid.name()));
    headers.append(X_KEY_ID, identity.id.clone());
    headers.append(X_KEY_NAME, identity.name.clone());
    headers.append(X_KEY_MODE, HeaderValue::from_static(key.mode.as_str()));
    headers.append(X_KEY_SERVICE, identity.service.clone());
    headers.append(X_KEY_SCOPES, identity.scopes.clone());
    headers.append(X_KEY_SECRET, HeaderValue::from_static(key.secret_age()));
    headers.append(X_ACCOUNT_ID, identity.account_id.clone());
    response
}

fn deny(denial: &Denial) -> HttpResponse {
    let mut response = HttpResponse::new(denial.status);
    response.headers_mut().append(X_AUTH_CODE, HeaderValue::from_static(denial.code));
    if let Some(value) = www_authenticate(denial) {
        response.headers_mut().append(WWW_AUTHENTICATE, value);
    }
    response
}
