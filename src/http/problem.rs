//! Problem details (RFC 9457), the face of errors for programs.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::State;
use super::error_description::ErrorView;
use super::request_id::{RequestId, RequestTrace, X_REQUEST_ID};
use super::security_headers::{secure_body_for_programs, secure_for_programs, sends_hsts};
use crate::error::{Challenge, Denial, Error};

/// The verdict's code, for proxies.
pub const X_AUTH_CODE: HeaderName = HeaderName::from_static("x-auth-code");

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::KeyRefused(denial) => denial.status,
            Self::NotEnoughCredits { .. } => StatusCode::PAYMENT_REQUIRED,
            Self::GuardRefused(refusal) => refusal.rule.status(),
            Self::CrossSite
            | Self::Forbidden
            | Self::SecondFactorMissing
            | Self::SelfRevocationRefused
            | Self::ReceiptRefused
            | Self::OutOfBounds(_)
            | Self::StaleLogin => StatusCode::FORBIDDEN,
            Self::Invalid(_) | Self::DifferentRequest => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ChangedMeanwhile | Self::StillRunning | Self::RotationInProgress | Self::WrongState { .. } => {
                StatusCode::CONFLICT
            }
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnsupportedMediaType | Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Without a body: a middleware draws one for its reader.
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
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    missing: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
}

#[derive(Serialize)]
struct ProblemField<'a> {
    field: &'a str,
    message: &'a str,
}

pub(crate) fn problem(view: &ErrorView, request_id: &str) -> HttpResponse {
    let fields = view.fields.iter().map(|(field, message)| ProblemField { field, message }).collect();
    let problem = Problem {
        kind: "about:blank",
        title: view.title,
        status: view.status.as_u16(),
        detail: &view.detail,
        code: view.code,
        request_id,
        errors: fields,
        missing: &view.missing_scopes,
        index: view.index,
    };
    HttpResponse::build(view.status).insert_header((CONTENT_TYPE, "application/problem+json")).json(problem)
}

/// The value of `WWW-Authenticate` (RFC 6750 §3), where the denial has one.
#[must_use]
pub fn www_authenticate(denial: &Denial) -> Option<HeaderValue> {
    match denial.challenge? {
        Challenge::NoToken => Some(HeaderValue::from_static("Bearer realm=\"keyfob\"")),
        Challenge::InvalidToken => Some(HeaderValue::from_static("Bearer realm=\"keyfob\", error=\"invalid_token\"")),
        Challenge::NoManager => Some(HeaderValue::from_static("Basic realm=\"keyfob\"")),
        Challenge::InsufficientScope => {
            let scopes = denial.missing_scopes.join(" ");
            let value = format!("Bearer realm=\"keyfob\", error=\"insufficient_scope\", scope=\"{scopes}\"");
            value.try_into().ok()
        }
    }
}

/// An error of an API route. These have no middleware, so that the error makes its own
/// response, and an id for the request where it has none.
#[derive(Debug)]
pub struct ApiError {
    error: Error,
    sends_hsts: bool,
    is_for_proxy: bool,
    trace: Option<RequestTrace>,
}

impl ApiError {
    /// An error of a request to this server.
    #[must_use]
    pub fn new(error: Error, state: &State) -> Self {
        Self { error, sends_hsts: sends_hsts(state), is_for_proxy: false, trace: None }
    }

    /// What went wrong.
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.error
    }

    /// The same for a proxy, which reads the code from a header and no body.
    #[must_use]
    pub fn for_proxy(self) -> Self {
        Self { is_for_proxy: true, ..self }
    }

    /// The same with the id of its request.
    #[must_use]
    pub fn traced(self, trace: RequestTrace) -> Self {
        Self { trace: Some(trace), ..self }
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
        let minted;
        let (id, view) = if let Some(trace) = &self.trace {
            (trace.id(), trace.span().in_scope(|| ErrorView::logged(&self.error)))
        } else {
            minted = RequestId::mint();
            let span = tracing::info_span!("request", id = %minted);
            (minted.as_str(), span.in_scope(|| ErrorView::logged(&self.error)))
        };
        let mut response = problem(&view, id);
        secure_for_programs(response.headers_mut(), self.sends_hsts);
        secure_body_for_programs(response.headers_mut());
        if self.is_for_proxy {
            response.headers_mut().insert(X_AUTH_CODE, HeaderValue::from_static(view.code));
        }
        if let Error::KeyRefused(denial) = &self.error
            && let Some(value) = www_authenticate(denial)
        {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        if let Some(seconds) = view.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Ok(id) = id.parse() {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        response
    }
}
