//! `GET /v1/auth?service=…`: for reverse proxies, which ask about every
//! request before they let it through.

use std::net::SocketAddr;

use actix_web::dev::RequestHead;
use actix_web::http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};

use super::caller::{ask, ask_at_once};
use super::{allowing, answer_as_is};
use crate::domain::key_secret::Mode;
use crate::error::{Error, Result};
use crate::gate::{Door, KeyRecord, Verdict};
use crate::web::State;
use crate::web::errors::{ApiError, CHALLENGE, INVALID, X_AUTH_CODE};
use crate::web::exchange::{Answer, Headers};
use crate::web::headers::{is_https, secure_for_programs};

const X_KEY_ID: HeaderName = HeaderName::from_static("x-key-id");
const X_KEY_NAME: HeaderName = HeaderName::from_static("x-key-name");
const X_KEY_MODE: HeaderName = HeaderName::from_static("x-key-mode");
const X_KEY_SERVICE: HeaderName = HeaderName::from_static("x-key-service");
const X_ACCOUNT_ID: HeaderName = HeaderName::from_static("x-account-id");

/// `/v1/auth` with any method: 200 with who it is, or the denial.
pub async fn authorize(state: &State, request: &RequestHead) -> HttpResponse {
    if request.method == Method::TRACE {
        return no_trace(state);
    }
    answer_as_is(state, decide(state, request)).await.unwrap_or_else(|error| error.at_door().error_response())
}

/// It would tell its sender what a proxy has added (ASVS 13.4.4).
fn no_trace(state: &State) -> HttpResponse {
    let refusal = ApiError::new(Error::MethodNotAllowed, state).at_door().error_response();
    allowing("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", refusal)
}

async fn decide(state: &State, request: &RequestHead) -> Result<HttpResponse> {
    let door = door(request.uri.query().unwrap_or_default())?;
    let verdict = ask(state, request, &door).await?;
    let mut response = HttpResponse::new(StatusCode::OK);
    tell(state, verdict.as_ref(), &mut response);
    Ok(response)
}

/// Answers a GET where nothing has to be waited for and nothing is wrong with it.
pub fn authorize_at_once(
    state: &State,
    query: &str,
    headers: &(impl Headers + ?Sized),
    client: Option<SocketAddr>,
    answer: &mut impl Answer,
) -> Option<()> {
    let verdict = ask_at_once(state, client, headers, &door(query).ok()?)?;
    tell(state, verdict.as_ref(), answer);
    Some(())
}

fn tell(state: &State, verdict: Option<&Verdict>, answer: &mut impl Answer) {
    match verdict {
        Some(Verdict::Valid(key)) => allow(state, key, answer),
        Some(refused @ Verdict::ModeNotAllowed(_)) => deny(state, StatusCode::FORBIDDEN, refused.code(), None, answer),
        Some(refused) => deny(state, StatusCode::UNAUTHORIZED, refused.code(), Some(INVALID), answer),
        None => deny(state, StatusCode::UNAUTHORIZED, "KEY_MISSING", Some(CHALLENGE), answer),
    }
}

/// Reads which door is asked about. By hand, since slugs and modes need no
/// decoding and every request of another service passes here; other parameters
/// are left alone.
fn door(query: &str) -> Result<Door<'_>> {
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
        service => Ok(Door { service, mode: read_mode(mode)? }),
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
fn allow(state: &State, key: &KeyRecord, answer: &mut impl Answer) {
    let identity = key.identity();
    answer.status(StatusCode::OK);
    answer.header(&X_AUTH_CODE, &HeaderValue::from_static("VALID"));
    answer.header(&X_KEY_ID, &identity.id);
    answer.header(&X_KEY_NAME, &identity.name);
    answer.header(&X_KEY_MODE, &HeaderValue::from_static(key.mode.as_str()));
    answer.header(&X_KEY_SERVICE, &identity.service);
    answer.header(&X_ACCOUNT_ID, &identity.account_id);
    secure_for_programs(answer, is_https(state));
}

fn deny(
    state: &State,
    status: StatusCode,
    code: &'static str,
    challenge: Option<HeaderValue>,
    answer: &mut impl Answer,
) {
    answer.status(status);
    answer.header(&X_AUTH_CODE, &HeaderValue::from_static(code));
    if let Some(challenge) = challenge {
        answer.header(&WWW_AUTHENTICATE, &challenge);
    }
    secure_for_programs(answer, is_https(state));
}
