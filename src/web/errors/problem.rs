//! Problem details (RFC 9457), the face of errors for programs.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::told::Told;
use crate::error::Error;
use crate::web::api::secure;
use crate::web::request_id::RequestId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

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

pub(super) fn problem(told: &Told, request_id: &str) -> HttpResponse {
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

/// An error on the way of programs, which no middleware stands in: it draws
/// itself, and names the request only then.
#[derive(Debug)]
pub struct ApiError(Error);

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let id = RequestId::mint();
        let told = tracing::info_span!("request", %id).in_scope(|| Told::and_log(&self.0));
        let mut response = problem(&told, id.as_str());
        secure(response.headers_mut());
        if let Ok(id) = id.as_str().parse() {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        response
    }
}
