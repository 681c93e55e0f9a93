//! An error as Twilio's clients read it: `{code, message, more_info, status}`.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;

use super::form::field;
use crate::error::{Error, GuardRule};
use crate::http::State;
use crate::http::error_description::ErrorView;
use crate::http::problem::ApiError;
use crate::http::request_id::RequestTrace;

/// Where the codes are explained, at this instance.
const MORE_INFO: &str = "/connect?service=sms#connect-twilio";

/// Twilio's codes for what can be wrong with a request.
mod code {
    pub(super) const MALFORMED: u32 = 20001;
    pub(super) const UNAUTHORIZED: u32 = 20003;
    pub(super) const METHOD_NOT_ALLOWED: u32 = 20004;
    pub(super) const OUT_OF_FUNDS: u32 = 20005;
    pub(super) const NOT_COMPLETE: u32 = 20009;
    pub(super) const NOT_FOUND: u32 = 20404;
    pub(super) const TOO_MANY: u32 = 20429;
    pub(super) const INTERNAL: u32 = 20500;
    pub(super) const UNAVAILABLE: u32 = 20503;
    pub(super) const INVALID_TO: u32 = 21211;
    pub(super) const INVALID_FROM: u32 = 21212;
    pub(super) const REGION_NOT_ALLOWED: u32 = 21408;
    pub(super) const FROM_MISSING: u32 = 21603;
    pub(super) const TO_MISSING: u32 = 21604;
    pub(super) const BODY_MISSING: u32 = 21602;
    pub(super) const INVALID_CALLBACK: u32 = 21609;
    pub(super) const BODY_TOO_LONG: u32 = 21617;
    pub(super) const INVALID_MEDIA: u32 = 21620;
    pub(super) const INVALID_UPDATE: u32 = 30400;
    pub(super) const CANNOT_CANCEL: u32 = 30409;
    pub(super) const INVALID_VALIDITY: u32 = 90007;
}

/// The code of a field that is not valid, by the names in [`field`] and in the domain.
fn code_of_field(name: &str) -> u32 {
    match name {
        "to" => code::INVALID_TO,
        "from" => code::INVALID_FROM,
        "text" => code::BODY_TOO_LONG,
        field::TO => code::TO_MISSING,
        field::FROM => code::FROM_MISSING,
        field::BODY => code::BODY_MISSING,
        field::MEDIA_URL => code::INVALID_MEDIA,
        field::UPDATE => code::INVALID_UPDATE,
        field::CANCEL => code::CANNOT_CANCEL,
        "status_callback" => code::INVALID_CALLBACK,
        "validity_seconds" | field::VALIDITY_PERIOD => code::INVALID_VALIDITY,
        _ => code::MALFORMED,
    }
}

fn code_of_guard(rule: GuardRule) -> u32 {
    match rule {
        GuardRule::Destination => code::REGION_NOT_ALLOWED,
        GuardRule::Sender => code::INVALID_FROM,
        GuardRule::Recipient | GuardRule::Minute | GuardRule::Day => code::TOO_MANY,
    }
}

/// The code and the status of an error.
fn code_and_status(error: &Error) -> (u32, StatusCode) {
    let status = error.status_code();
    match error {
        Error::Invalid(fields) => {
            let first = fields.iter().next().map(|(name, _)| code_of_field(name));
            match first.unwrap_or(code::MALFORMED) {
                code::CANNOT_CANCEL => (code::CANNOT_CANCEL, StatusCode::CONFLICT),
                code => (code, StatusCode::BAD_REQUEST),
            }
        }
        Error::KeyRefused(_) => (code::UNAUTHORIZED, status),
        Error::NotFound => (code::NOT_FOUND, status),
        Error::NotEnoughCredits { .. } => (code::OUT_OF_FUNDS, status),
        Error::GuardRefused(refusal) => (code_of_guard(refusal.rule), status),
        Error::WrongState { .. } => (code::NOT_COMPLETE, status),
        Error::MethodNotAllowed => (code::METHOD_NOT_ALLOWED, status),
        _ => match status {
            StatusCode::TOO_MANY_REQUESTS => (code::TOO_MANY, status),
            StatusCode::SERVICE_UNAVAILABLE => (code::UNAVAILABLE, status),
            status if status.is_server_error() => (code::INTERNAL, status),
            status => (code::MALFORMED, status),
        },
    }
}

/// An error of a route of this API.
#[derive(Debug)]
pub struct TwilioError(ApiError);

impl From<ApiError> for TwilioError {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl fmt::Display for TwilioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Serialize)]
struct Refusal<'a> {
    code: u32,
    message: &'a str,
    more_info: &'static str,
    status: u16,
}

impl ResponseError for TwilioError {
    fn status_code(&self) -> StatusCode {
        code_and_status(self.0.error()).1
    }

    /// The headers are those of our other errors, which log the cause too.
    fn error_response(&self) -> HttpResponse {
        let (code, status) = code_and_status(self.0.error());
        let message = message(self.0.error());
        let refusal = Refusal { code, message: &message, more_info: MORE_INFO, status: status.as_u16() };
        let mut response = self.0.error_response().set_body(serde_json::to_string(&refusal).unwrap_or_default());
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"keyfob\""));
        } else {
            response.headers_mut().remove(WWW_AUTHENTICATE);
        }
        response.map_into_boxed_body()
    }
}

fn message(error: &Error) -> String {
    match error {
        Error::Invalid(fields) => fields.iter().next().map(|(_, message)| message.to_owned()).unwrap_or_default(),
        Error::KeyRefused(denial) if denial.status == StatusCode::UNAUTHORIZED => KEY_REFUSED.to_owned(),
        Error::UnsupportedMediaType => FORM_WANTED.to_owned(),
        error => ErrorView::of(error).detail,
    }
}

const KEY_REFUSED: &str = "Send the account's AC… or any SK… as the user name and your API key as the password.";
const FORM_WANTED: &str = "Send a form: Content-Type: application/x-www-form-urlencoded, and no Content-Encoding.";

/// Refuses every other method of a route that takes GET and POST.
pub async fn only_get_and_post(state: Data<State>, request: HttpRequest) -> HttpResponse {
    refuse_method(&state, &request, "GET, HEAD, POST")
}

/// Refuses every other method of a route that takes GET, POST and DELETE.
pub async fn only_get_post_and_delete(state: Data<State>, request: HttpRequest) -> HttpResponse {
    refuse_method(&state, &request, "GET, HEAD, POST, DELETE")
}

fn refuse_method(state: &State, request: &HttpRequest, allowed: &'static str) -> HttpResponse {
    let mut response = refuse(state, request, Error::MethodNotAllowed);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Answers for the rest of Twilio's API, which is not here.
pub async fn no_such_resource(state: Data<State>, request: HttpRequest) -> HttpResponse {
    refuse(&state, &request, Error::NotFound)
}

fn refuse(state: &State, request: &HttpRequest, error: Error) -> HttpResponse {
    TwilioError(ApiError::new(error, state).traced(RequestTrace::of(request.head()))).error_response()
}
