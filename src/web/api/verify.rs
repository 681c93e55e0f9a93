//! `POST /v1/keys/verify`: does this key open this door?

use std::net::IpAddr;

use actix_http::Request;
use actix_web::body::BoxBody;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use super::json_body::{parse, read};
use super::{answer, refuse_method, user_agent};
use crate::error::Result;
use crate::gate::{Answer, Caller, Door, KeyRecord, Verdict};
use crate::web::State;

/// A body longer than this is no question about a key, in bytes.
const LONGEST_BODY: usize = 4 * 1024;

/// Nothing is told about a key that is not there.
const NOT_FOUND: Bytes = Bytes::from_static(br#"{"valid":false,"code":"NOT_FOUND"}"#);

/// The question. Unknown members are refused: a misspelt `service` would ask
/// about any service.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyRequest {
    key: Zeroizing<String>,
    service: Option<String>,
    /// Whose request the key came with; told to the operator as where it was last used.
    client_ip: Option<IpAddr>,
}

impl VerifyRequest {
    const FORM: &str = "{\"key\": \"…\", \"service\": \"…\"}";
}

/// The verdict; what is told about the key depends on it.
#[derive(Serialize)]
struct VerifyResponse<'a> {
    valid: bool,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    #[serde(flatten)]
    details: Option<KeyDetails<'a>>,
}

/// Told about a valid key only.
#[derive(Serialize)]
struct KeyDetails<'a> {
    name: &'a str,
    service: &'a str,
    account_id: &'a str,
    mode: &'static str,
    expires_at: Option<String>,
}

impl<'a> From<&'a Verdict> for VerifyResponse<'a> {
    fn from(verdict: &'a Verdict) -> Self {
        let code = verdict.code();
        match verdict {
            Verdict::NotFound => Self { valid: false, code, key_id: None, details: None },
            Verdict::ModeNotAllowed(key) | Verdict::Disabled(key) | Verdict::Expired(key) => {
                Self { valid: false, code, key_id: Some(key.id.as_str()), details: None }
            }
            Verdict::Valid(key) => {
                Self { valid: true, code, key_id: Some(key.id.as_str()), details: Some(KeyDetails::from(&**key)) }
            }
        }
    }
}

impl<'a> From<&'a KeyRecord> for KeyDetails<'a> {
    fn from(key: &'a KeyRecord) -> Self {
        Self {
            name: &key.name,
            service: key.service(),
            account_id: key.account_id.as_str(),
            mode: key.mode.as_str(),
            expires_at: key.expires_at.and_then(|end| end.to_datetime().format(&Rfc3339).ok()),
        }
    }
}

/// `POST /v1/keys/verify`: 200 for every verdict.
pub async fn verify_api_key(state: &State, request: &mut Request) -> HttpResponse {
    match *request.method() {
        Method::POST => answer(state, decide(state, request)).await.unwrap_or_else(|error| error.error_response()),
        _ => refuse_method(state, "POST"),
    }
}

async fn decide(state: &State, request: &mut Request) -> Result<HttpResponse> {
    let body = read(request.take_payload(), LONGEST_BODY).await;
    let question: VerifyRequest = parse(request, body, VerifyRequest::FORM)?;
    let door = Door { service: question.service.as_deref(), mode: None };
    let caller = || Caller { address: question.client_ip, user_agent: user_agent(&request.head().headers) };
    // As in headers; files that keys are read from end with a line break.
    let verdict = state.gate.verdict(question.key.trim_ascii(), &door, caller).await?;
    let body = match &verdict {
        Verdict::Valid(key) => Bytes::copy_from_slice(key.answer.get_or_init(|| Answer::from_slice(&render(&verdict)))),
        Verdict::NotFound => NOT_FOUND,
        _ => render(&verdict).into(),
    };
    let mut response = HttpResponse::with_body(StatusCode::OK, BoxBody::new(body));
    response.headers_mut().append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn render(verdict: &Verdict) -> Vec<u8> {
    serde_json::to_vec(&VerifyResponse::from(verdict)).unwrap_or_default()
}
