//! `GET /v1/auth?service=…`: for reverse proxies, which ask about every
//! request before they let it through.

use actix_web::dev::RequestHead;
use actix_web::http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::api::caller::ask;
use crate::api::{allowing, answer_as_is};
use crate::domain::api_key::secret::Mode;
use crate::error::{Denial, Error, Result};
use crate::gate::{Code, KeyRecord};
use crate::http::State;
use crate::http::problem::{ApiError, X_AUTH_CODE, www_authenticate};
use crate::http::security_headers::{is_https, secure_for_programs};

const X_KEY_ID: HeaderName = HeaderName::from_static("x-key-id");
const X_KEY_NAME: HeaderName = HeaderName::from_static("x-key-name");
const X_KEY_MODE: HeaderName = HeaderName::from_static("x-key-mode");
const X_KEY_SERVICE: HeaderName = HeaderName::from_static("x-key-service");
const X_ACCOUNT_ID: HeaderName = HeaderName::from_static("x-account-id");

/// Where proxies ask.
pub const PATH: &str = "/v1/auth";

/// `/v1/auth` with any method: 200 with who it is, or the denial.
pub async fn authorize(state: Data<State>, request: HttpRequest) -> HttpResponse {
    if request.method() == Method::TRACE {
        return no_trace(&state);
    }
    answer_as_is(&state, decide(&state, request.head()))
        .await
        .unwrap_or_else(|error| error.for_proxy().error_response())
}

/// TRACE would echo the headers that a proxy has added (ASVS 13.4.4).
fn no_trace(state: &State) -> HttpResponse {
    let refusal = ApiError::new(Error::MethodNotAllowed, state).for_proxy().error_response();
    allowing("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", refusal)
}

async fn decide(state: &State, request: &RequestHead) -> Result<HttpResponse> {
    let Parameters { service, mode } = parameters(request.uri.query().unwrap_or_default())?;
    let mut response = match ask(state, request, service, mode).await? {
        Ok(key) => allow(&key),
        Err(denial) => deny(denial),
    };
    secure_for_programs(response.headers_mut(), is_https(state));
    Ok(response)
}

/// What the proxy's configuration asks for.
struct Parameters<'a> {
    service: &'a str,
    mode: Option<Mode>,
}

/// Reads the query by hand: slugs and modes need no decoding, and this runs for
/// every request that passes a proxy. Other parameters are left alone.
fn parameters(query: &str) -> Result<Parameters<'_>> {
    let (mut service, mut mode) = (None, None);
    for (name, value) in query.split('&').filter_map(|part| part.split_once('=')) {
        let place = match name {
            "service" => &mut service,
            "mode" => &mut mode,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(Error::Malformed(format!("Write {name} once only.")));
        }
    }
    match service {
        None | Some("") => {
            Err(Error::Malformed("Say which service the door is of, as in /v1/auth?service=sms.".to_owned()))
        }
        Some(service) => Ok(Parameters { service, mode: read_mode(mode)? }),
    }
}

fn read_mode(mode: Option<&str>) -> Result<Option<Mode>> {
    match mode {
        None | Some("live") => Ok(Some(Mode::Live)),
        Some("test") => Ok(Some(Mode::Test)),
        Some("any") => Ok(None),
        Some(_) => Err(Error::Malformed("Write mode=live, mode=test or mode=any.".to_owned())),
    }
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
    headers.append(X_ACCOUNT_ID, identity.account_id.clone());
    response
}

fn deny(denial: Denial) -> HttpResponse {
    let mut response = HttpResponse::new(denial.status);
    response.headers_mut().append(X_AUTH_CODE, HeaderValue::from_static(denial.code));
    if let Some(challenge) = denial.challenge {
        response.headers_mut().append(WWW_AUTHENTICATE, www_authenticate(challenge));
    }
    response
}
