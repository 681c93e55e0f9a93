//! One callback request: signed, sent to an address that was checked, without
//! redirects and proxies (OWASP ASVS 5.0 §1.3.6).

use std::io::Read as _;
use std::time::{Duration, SystemTime};

use ureq::http::header::{CONTENT_TYPE, RETRY_AFTER};
use ureq::typestate::WithBody;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, RequestBuilder};

use super::config::CallbackConfig;
use super::resolver::{CheckedResolver, ForbiddenAddress};
use crate::domain::callback::{Attempt, AttemptOutcome, CallbackError, CallbackFormat};
use crate::error::Result;
use crate::store::UtcTime;

/// The timeout of a request, from the DNS look-up to the response.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes that are read of a response's body. The content is ignored; it is
/// read so that the receiver sees no broken connection.
const MAX_BODY_READ_BYTES: u64 = 4 * 1024;
/// The longest response head, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const USER_AGENT: &str = concat!("Keyfob/", env!("CARGO_PKG_VERSION"));

/// The HTTP client. It has no keep-alive, so that the address is checked for each
/// request.
pub(super) fn agent(CallbackConfig { allowed, look_up }: &CallbackConfig) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(REQUEST_TIMEOUT))
        .max_idle_connections(0)
        .max_response_header_size(MAX_HEAD_BYTES)
        .user_agent(USER_AGENT)
        .build();
    let resolver = CheckedResolver { allowed: allowed.clone(), look_up: look_up.clone() };
    Agent::with_parts(config, DefaultConnector::default(), resolver)
}

/// Sends a delivery and waits for the response. Blocks the thread.
///
/// # Errors
/// When a secret is damaged.
pub(super) fn send(agent: &Agent, attempt: &Attempt, now: UtcTime) -> Result<AttemptOutcome> {
    let request = match attempt.delivery.format {
        CallbackFormat::Json => sign_json(agent, attempt, now)?,
        CallbackFormat::Twilio => sign_form(agent, attempt)?,
    };
    Ok(match request.send(&attempt.delivery.payload) {
        Ok(mut response) => {
            let _ = response.body_mut().as_reader().take(MAX_BODY_READ_BYTES).read_to_end(&mut Vec::new());
            let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let retry_after = retry_after.and_then(|value| seconds_until(value, now));
            AttemptOutcome::Answered { status: response.status().as_u16(), retry_after }
        }
        Err(error) => AttemptOutcome::Unanswered(to_callback_error(&error)),
    })
}

fn sign_json(agent: &Agent, attempt: &Attempt, now: UtcTime) -> Result<RequestBuilder<WithBody>> {
    let Attempt { delivery, url, secrets } = attempt;
    let (id, timestamp) = (delivery.id.as_str(), now.micros().div_euclid(1_000_000));
    // Standard Webhooks: receivers accept a request of which one signature is good.
    let signatures = secrets.iter().map(|secret| secret.sign(id, timestamp, &delivery.payload));
    let signatures = signatures.collect::<Result<Vec<_>>>()?.join(" ");
    Ok(agent
        .post(url.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", signatures))
}

/// Signed with the current secret only: the header holds one signature.
fn sign_form(agent: &Agent, Attempt { delivery, url, secrets }: &Attempt) -> Result<RequestBuilder<WithBody>> {
    let request = agent.post(url.as_str()).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    // Programs find a repeated call by its id.
    let request = request.header("I-Twilio-Idempotency-Token", delivery.id.as_str());
    match secrets.first() {
        Some(secret) => Ok(request.header("X-Twilio-Signature", secret.sign_as_twilio(url, &delivery.payload)?)),
        None => Ok(request),
    }
}

/// The seconds from now of a `Retry-After`: a number of them, or a date (RFC 9110
/// §10.2.3). Negative for a date in the past.
fn seconds_until(value: &str, now: UtcTime) -> Option<i64> {
    if let Ok(seconds) = value.parse() {
        return Some(seconds);
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let unix_seconds = date.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    Some(i64::try_from(unix_seconds).ok()? - now.micros().div_euclid(1_000_000))
}

fn to_callback_error(error: &ureq::Error) -> CallbackError {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, UnexpectedEof};
    match error {
        ureq::Error::HostNotFound => CallbackError::NameUnknown,
        ureq::Error::Other(cause) if cause.is::<ForbiddenAddress>() => CallbackError::Forbidden,
        ureq::Error::Timeout(_) => CallbackError::TimedOut,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::TlsRequired => CallbackError::Tls,
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) | ureq::Error::Http(_) => {
            CallbackError::NotHttp
        }
        ureq::Error::Io(cause) => match cause.kind() {
            // The kind of rustls' errors about certificates and the handshake.
            InvalidData => CallbackError::Tls,
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => CallbackError::HungUp,
            _ => CallbackError::Unreachable,
        },
        _ => CallbackError::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_name_a_number_of_seconds_or_a_date() {
        // 2026-03-01 12:00:00 UTC.
        let now = UtcTime::from_micros(1_772_366_400_000_000);
        assert_eq!(seconds_until("120", now), Some(120));
        assert_eq!(seconds_until("Sun, 01 Mar 2026 12:01:30 GMT", now), Some(90));
        assert_eq!(seconds_until("Sun, 01 Mar 2026 11:59:00 GMT", now), Some(-60));
        for wrong in ["", "soon", "1.5", "Sun, 01 Mar 2026 12:01:30"] {
            assert_eq!(seconds_until(wrong, now), None, "{wrong}");
        }
    }
}
