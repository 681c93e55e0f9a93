//! `POST /v1/keys/verify`: does this key open this door?

use std::net::IpAddr;

use actix_web::error::JsonPayloadError;
use actix_web::web::{Data, Json, JsonConfig};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use crate::domain::api_key::ApiKey;
use crate::error::{Error, Result};
use crate::gate::{Door, Verdict};
use crate::web::State;

/// A body longer than this is no question about a key, in bytes.
const LONGEST_BODY: usize = 4 * 1024;

/// The question. Unknown members are refused: a misspelt `service` would ask
/// about any service.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    key: Zeroizing<String>,
    service: Option<String>,
    /// Whose request the key came with.
    #[serde(rename = "client_ip")]
    _client_ip: Option<IpAddr>,
}

/// The verdict; what is told about the key depends on it.
#[derive(Serialize)]
pub struct VerifyResponse {
    valid: bool,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(flatten)]
    details: Option<KeyDetails>,
}

/// Told about a valid key only.
#[derive(Serialize)]
struct KeyDetails {
    name: String,
    service: String,
    account_id: String,
    mode: &'static str,
    expires_at: Option<String>,
}

impl From<Verdict> for VerifyResponse {
    fn from(verdict: Verdict) -> Self {
        let code = verdict.code();
        match verdict {
            Verdict::NotFound => Self { valid: false, code, key_id: None, details: None },
            Verdict::ModeNotAllowed(key) | Verdict::Disabled(key) | Verdict::Expired(key) => {
                Self { valid: false, code, key_id: Some(key.id.to_string()), details: None }
            }
            Verdict::Valid(key) => {
                Self { valid: true, code, key_id: Some(key.id.to_string()), details: Some(KeyDetails::from(*key)) }
            }
        }
    }
}

impl From<ApiKey> for KeyDetails {
    fn from(key: ApiKey) -> Self {
        Self {
            name: key.name,
            service: key.service,
            account_id: key.account_id.to_string(),
            mode: key.mode.as_str(),
            expires_at: key.expires_at.and_then(|end| end.to_datetime().format(&Rfc3339).ok()),
        }
    }
}

/// `POST /v1/keys/verify`: 200 for every verdict.
pub async fn verify_api_key(state: Data<State>, question: Json<VerifyRequest>) -> Result<Json<VerifyResponse>> {
    let VerifyRequest { key, service, .. } = question.into_inner();
    let verdict = state.gate.verdict(&key, &Door { service, mode: None }).await?;
    Ok(Json(verdict.into()))
}

/// How bodies are read: small ones, as JSON only, with errors that say what to change.
#[must_use]
pub fn json_config() -> JsonConfig {
    JsonConfig::default().limit(LONGEST_BODY).error_handler(|error, _| explain(&error).into())
}

fn explain(error: &JsonPayloadError) -> Error {
    match error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => Error::TooLarge,
        JsonPayloadError::ContentType => Error::UnsupportedMediaType,
        JsonPayloadError::Deserialize(error) if error.is_data() => {
            Error::Malformed(format!("Send {{\"key\": \"…\", \"service\": \"…\"}}: {}.", without_values(error)))
        }
        _ => Error::Malformed("The body is not well-formed JSON.".to_owned()),
    }
}

/// Serde quotes a value of the wrong type and the name of a member that it does
/// not know, and either may be a secret that stands in the wrong place.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let problem = match text.as_str() {
        text if text.starts_with("missing field") || text.starts_with("duplicate field") => return text.to_owned(),
        text if text.starts_with("unknown field") => "an unknown member",
        _ => "a member has the wrong type",
    };
    format!("{problem} at line {} column {}", error.line(), error.column())
}
