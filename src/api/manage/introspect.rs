//! `POST /v1/introspect` (RFC 7662): is this key active? Resource servers that know OAuth
//! ask here by configuration alone. Both keys, that which asks and that which is asked about,
//! are answered from memory.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::api::basic_credentials::BasicCredentials;
use crate::api::caller::{Door, announce_end, ask_about};
use crate::api::form_body::is_form;
use crate::api::gate::presented_key::PresentedKey;
use crate::api::json_body::{check_length, explain, read};
use crate::api::{answer, user_agent};
use crate::domain::management::{self, ManagementScope};
use crate::error::{Challenge, Denial, Error, Result};
use crate::gate::{Client, Code, KeyRecord, Question};
use crate::http::State;
use crate::http::base_url::base_url;
use crate::http::problem::ApiError;

/// The longest question: resource servers ask about whatever their clients send as a token.
const MAX_BODY_BYTES: usize = 40 * 1024;
/// The answer about everything that is not active for whoever asks, whatever the reason.
const INACTIVE: &[u8] = br#"{"active": false}"#;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// `POST /v1/introspect`: 200 for every token.
pub async fn introspect_token(
    state: Data<State>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    answer(&state, decide(&state, &request, payload)).await
}

async fn decide(state: &State, request: &HttpRequest, payload: Payload) -> Result<HttpResponse> {
    let sent = read(request.headers(), payload, MAX_BODY_BYTES).await;
    check_length(&sent)?;
    if !request.query_string().is_empty() {
        return Err(malformed(
            "Send the token in the body and the credentials in Authorization; addresses are logged.",
        ));
    }
    let manager = introspector(state, request).await?;
    let asked = IntrospectionRequest::read(request.headers(), sent)?;
    let question = Question {
        secret: asked.token.trim_ascii(),
        asked_by: Some(&manager),
        client: Client { address: asked.client_ip, user_agent: user_agent(request.headers()) },
        ..Question::default()
    };
    let verdict = state.gate.verdict(&question).await?;
    let body = match verdict.key() {
        Some(key) if verdict.code() == Code::Valid => active(key, &base_url(state, request))?.into(),
        _ => Bytes::from_static(INACTIVE),
    };
    let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(announce_end(HttpResponse::Ok().insert_header(json).body(body), &manager))
}

/// The management key that asks. Of Basic credentials the name has to be its id, since that
/// is what resource servers are told to send.
async fn introspector(state: &State, request: &HttpRequest) -> Result<Arc<KeyRecord>> {
    let basic = BasicCredentials::of(request.headers());
    let presented = match &basic {
        Some(basic) => PresentedKey::One(basic.password().trim()),
        None => match PresentedKey::of(request.headers(), state.key_header.as_ref()) {
            // Credentials of which the name can't be read open nothing.
            PresentedKey::Decoded(_) => PresentedKey::One(""),
            presented => presented,
        },
    };
    let scopes = [ManagementScope::Introspect.as_str()];
    let door = Door {
        service: Some(management::SERVICE),
        scopes: &scopes,
        takes_management_keys: true,
        key_id: basic.as_ref().map(BasicCredentials::user),
        ..Door::default()
    };
    ask_about(state, request.head(), &presented, door).await?.map_err(|denial| Error::KeyRefused(challenged(denial)))
}

/// RFC 7662 §2.3 asks for the challenge of the scheme that clients are configured with.
fn challenged(denial: Denial) -> Denial {
    let is_unknown = denial.status == StatusCode::UNAUTHORIZED;
    Denial { challenge: if is_unknown { Some(Challenge::NoManager) } else { denial.challenge }, ..denial }
}

/// What is asked. Other members of the form are passed over, as RFC 7662 §2.1 has it.
struct IntrospectionRequest {
    token: Zeroizing<String>,
    /// Whose request the token came with. A key with a list of allowed addresses is inactive
    /// without it.
    client_ip: Option<IpAddr>,
}

impl IntrospectionRequest {
    /// # Errors
    /// [`Error::NotAForm`], [`Error::Malformed`].
    fn read(headers: &HeaderMap, body: Result<Bytes, actix_web::Error>) -> Result<Self> {
        if !is_form(headers) {
            return Err(Error::NotAForm);
        }
        let body = body.map_err(|error| explain(&error))?;
        let (mut token, mut client_ip) = (None, None);
        // What is not UTF-8 becomes text that no key has.
        for (name, value) in form_urlencoded::parse(&body) {
            let place = match &*name {
                "token" => &mut token,
                "client_ip" => &mut client_ip,
                _ => continue,
            };
            if place.replace(Zeroizing::new(value.into_owned())).is_some() {
                return Err(malformed("Send token and client_ip once each."));
            }
        }
        let token = token.ok_or_else(|| malformed("Send token=…, as a form."))?;
        let client_ip = client_ip.as_ref().map(|text| text.trim()).filter(|text| !text.is_empty());
        let wrong = |_| malformed("Write client_ip as an IP address, such as 203.0.113.7.");
        Ok(Self { client_ip: client_ip.map(str::parse).transpose().map_err(wrong)?, token })
    }
}

fn malformed(sentence: &str) -> Error {
    Error::Malformed(sentence.to_owned())
}

/// The answer about an active key (RFC 7662 §2.2). Written by hand, as that of `verify`: but
/// for the name and the issuer nothing in it has characters that JSON escapes.
fn active(key: &KeyRecord, issuer: &str) -> Result<Vec<u8>> {
    let issuer = serde_json::to_vec(issuer).map_err(Error::internal)?;
    let seconds = |micros: i64| micros.div_euclid(MICROS_PER_SECOND).to_string();
    let issued_at = seconds(key.issued_at().micros());
    // Rounded down, so that nobody takes the key for longer than it lives.
    let end = key.ends_at().map(|end| format!(r#","exp":{}"#, seconds(end.micros()))).unwrap_or_default();
    let parts: [&[u8]; 16] = [
        br#"{"active":true,"scope":""#,
        key.scopes().as_bytes(),
        br#"","client_id":""#,
        key.id.as_str().as_bytes(),
        br#"","sub":""#,
        key.account_id.as_str().as_bytes(),
        br#"","username":"#,
        key.name_json(),
        br#","token_type":"Bearer","aud":""#,
        key.service().as_bytes(),
        br#"","iss":"#,
        &issuer,
        br#","iat":"#,
        issued_at.as_bytes(),
        end.as_bytes(),
        b"}",
    ];
    Ok(parts.concat())
}
