//! Problem details (RFC 9457), the face of errors for programs.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::State;
use super::error_description::Told;
use super::request_id::RequestId;
use super::security_headers::{is_https, secure_body_for_programs, secure_for_programs};
use crate::error::Error;

/// Tells proxies what became of their question.
pub const X_AUTH_CODE: HeaderName = HeaderName::from_static("x-auth-code");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unauthenticated | Self::KeyMissing | Self::KeyRefused(_) => StatusCode::UNAUTHORIZED,
            Self::NotEnoughCredits { .. } => StatusCode::PAYMENT_REQUIRED,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Invalid(_) | Self::DifferentRequest => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ChangedMeanwhile | Self::StillRunning => StatusCode::CONFLICT,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Bare: a middleware draws it for its reader.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemField<'a>>,
}

#[derive(Serialize)]
struct ProblemField<'a> {
    field: &'a str,
    message: &'a str,
}

pub(crate) fn problem(told: &Told, request_id: &str) -> HttpResponse {
    let fields = told.fields.iter().map(|(field, message)| ProblemField { field, message }).collect();
    let problem = Problem {
        kind: "about:blank",
        title: told.title,
        status: told.status.as_u16(),
        detail: &told.detail,
        code: told.code,
        request_id,
        errors: fields,
    };
    HttpResponse::build(told.status).insert_header((CONTENT_TYPE, "application/problem+json")).json(problem)
}

/// RFC 6750 §3: no error code where no key was sent.
pub const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"keyfob\"");
/// For a key that opens nothing.
pub const INVALID: HeaderValue = HeaderValue::from_static("Bearer realm=\"keyfob\", error=\"invalid_token\"");

const fn challenge(error: &Error) -> Option<HeaderValue> {
    match error {
        Error::KeyMissing => Some(CHALLENGE),
        Error::KeyRefused(_) => Some(INVALID),
        _ => None,
    }
}

/// An error on the way of programs, which no middleware stands in: it draws
/// itself, and names the request only then.
#[derive(Debug)]
pub struct ApiError {
    error: Error,
    is_https: bool,
    is_at_door: bool,
}

impl ApiError {
    /// An error of a request to this server.
    #[must_use]
    pub fn new(error: Error, state: &State) -> Self {
        Self { error, is_https: is_https(state), is_at_door: false }
    }

    /// The same for a proxy, which reads no body.
    #[must_use]
    pub fn at_door(self) -> Self {
        Self { is_at_door: true, ..self }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.error.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let id = RequestId::mint();
        let told = tracing::info_span!("request", %id).in_scope(|| Told::and_log(&self.error));
        let mut response = problem(&told, id.as_str());
        secure_for_programs(response.headers_mut(), self.is_https);
        secure_body_for_programs(response.headers_mut());
        if self.is_at_door {
            response.headers_mut().insert(X_AUTH_CODE, HeaderValue::from_static(told.code));
        }
        if let Some(challenge) = challenge(&self.error) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Ok(id) = id.as_str().parse() {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        response
    }
}
