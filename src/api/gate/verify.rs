//! `POST /v1/keys/verify`: does this key open this door?

use std::net::IpAddr;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use zeroize::Zeroizing;

use super::parameters::check_scopes;
use crate::api::json_body::{parse, read};
use crate::api::{answer, user_agent};
use crate::error::{Error, Result};
use crate::gate::{Client, Code, KeyRecord, Question, Verdict};
use crate::http::State;
use crate::http::problem::ApiError;

/// The longest question about a key. Services ask about whatever their clients send as one, and
/// most servers take headers of up to 32 KB. Such a text is no key, which is a verdict.
const MAX_BODY_BYTES: usize = 40 * 1024;

/// The question. Unknown members are refused: a misspelt `service` would ask
/// about any service.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyRequest {
    key: Zeroizing<String>,
    service: Option<String>,
    /// Scopes that the key must have, all of them.
    #[serde(default)]
    scopes: Vec<String>,
    /// Whose request the key came with. A key with a list of allowed addresses is refused without
    /// it; the dashboard shows it as the address of the last use.
    client_ip: Option<IpAddr>,
    /// What the answer is to tell besides.
    #[serde(default)]
    include: Vec<VerifyExtra>,
}

/// What only some callers want to know of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum VerifyExtra {
    /// The words that a program keeps with it.
    Metadata,
}

impl VerifyRequest {
    const FORM: &str = "{\"key\": \"…\", \"service\": \"…\"}";

    /// Without the space around it, as in headers: files that keys are read from
    /// end with a line break.
    fn key(&self) -> &str {
        self.key.trim_ascii()
    }

    fn question<'a>(&'a self, headers: &'a HeaderMap, scopes: &'a [&'a str]) -> Question<'a> {
        let client = Client { address: self.client_ip, user_agent: user_agent(headers) };
        Question { secret: self.key(), service: self.service.as_deref(), scopes, client, ..Question::default() }
    }
}

/// The answer about a key that opens nothing.
#[derive(Serialize)]
struct DeniedKey<'a> {
    valid: bool,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    /// The scopes that the key lacks, sorted; with `INSUFFICIENT_SCOPE`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<&'a str>,
}

/// `POST /v1/keys/verify`: 200 for every verdict.
pub async fn verify_api_key(
    state: Data<State>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    answer(&state, decide(&state, request.headers(), payload)).await
}

async fn decide(state: &State, headers: &HeaderMap, payload: Payload) -> Result<HttpResponse> {
    let sent = read(headers, payload, MAX_BODY_BYTES).await;
    let asked: VerifyRequest = parse(headers, sent, VerifyRequest::FORM)?;
    let scopes: SmallVec<[&str; 4]> = asked.scopes.iter().map(String::as_str).collect();
    check_scopes(&scopes)?;
    let verdict = state.gate.verdict(&asked.question(headers, &scopes)).await?;
    let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(HttpResponse::Ok().insert_header(json).body(body(
        &verdict,
        &scopes,
        asked.include.contains(&VerifyExtra::Metadata),
    )?))
}

fn body(verdict: &Verdict, scopes: &[&str], with_metadata: bool) -> Result<Bytes> {
    let code = verdict.code();
    match verdict.key() {
        Some(key) if code == Code::Valid => Ok(details(key, with_metadata).into()),
        key => {
            let missing = key.filter(|_| code == Code::InsufficientScope).map(|key| key.missing_scopes(scopes));
            let denied = DeniedKey {
                valid: false,
                code: code.name(),
                key_id: key.map(|key| key.id.as_str()),
                missing: missing.unwrap_or_default(),
            };
            serde_json::to_vec(&denied).map(Bytes::from).map_err(Error::internal)
        }
    }
}

/// The answer about a valid key. Written by hand, since it is written for every
/// request of other services, and what has characters that JSON escapes is JSON in the record.
fn details(key: &KeyRecord, with_metadata: bool) -> Vec<u8> {
    let scopes = match key.scopes() {
        "" => "[]".to_owned(),
        scopes => format!("[\"{}\"]", scopes.replace(' ', "\",\"")),
    };
    let metadata: [&[u8]; 2] = match with_metadata {
        true => [br#","metadata":"#, key.metadata_json().as_bytes()],
        false => [b"", b""],
    };
    [
        br#"{"valid":true,"code":"VALID","key_id":""#,
        key.id.as_str().as_bytes(),
        br#"","name":"#,
        key.name_json(),
        br#","service":""#,
        key.service().as_bytes(),
        br#"","account_id":""#,
        key.account_id.as_str().as_bytes(),
        br#"","mode":""#,
        key.mode.as_str().as_bytes(),
        br#"","expires_at":"#,
        key.expires_at_json().as_bytes(),
        br#","scopes":"#,
        scopes.as_bytes(),
        br#","secret":""#,
        key.secret_age().as_bytes(),
        br#"","external_id":"#,
        key.external_id_json(),
        metadata[0],
        metadata[1],
        b"}",
    ]
    .concat()
}
