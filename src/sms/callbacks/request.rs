//! One request to a customer: signed, sent to an address that was checked, and
//! no further (no redirect, no proxy).

use std::io::Read as _;
use std::time::Duration;

use time::PrimitiveDateTime;
use time::macros::format_description;
use ureq::Agent;
use ureq::http::header::{CONTENT_TYPE, RETRY_AFTER};
use ureq::unversioned::transport::DefaultConnector;

use super::CallbackConfig;
use super::resolver::{Checked, Forbidden};
use crate::domain::callback::{Attempt, Outcome, Trouble};
use crate::error::Result;
use crate::store::UtcTime;

/// How long a receiver may take, from the look-up of its name to its answer.
const WITHIN: Duration = Duration::from_secs(10);
/// What is read of an answer's body, in bytes, so that the receiver sees it taken.
const MOST_READ: u64 = 4 * 1024;
/// The longest head of an answer, in bytes.
const MOST_HEAD: usize = 16 * 1024;
const USER_AGENT: &str = concat!("Keyfob/", env!("CARGO_PKG_VERSION"));

/// What sends requests. It keeps no connection, so that each is to an address
/// that was checked for it.
pub(super) fn agent(CallbackConfig { allowed, look_up }: &CallbackConfig) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(WITHIN))
        .max_idle_connections(0)
        .max_response_header_size(MOST_HEAD)
        .user_agent(USER_AGENT)
        .build();
    let resolver = Checked { allowed: allowed.clone(), look_up: look_up.clone() };
    Agent::with_parts(config, DefaultConnector::default(), resolver)
}

/// Sends a delivery, and waits for the answer.
///
/// # Errors
/// When it can't be signed.
pub(super) fn send(agent: &Agent, Attempt { delivery, url, secret }: &Attempt, now: UtcTime) -> Result<Outcome> {
    let (id, timestamp) = (delivery.id.as_str(), now.micros().div_euclid(1_000_000));
    let request = agent
        .post(url.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", secret.sign(id, timestamp, &delivery.payload)?);
    Ok(match request.send(&delivery.payload) {
        Ok(mut answer) => {
            let _ = answer.body_mut().as_reader().take(MOST_READ).read_to_end(&mut Vec::new());
            let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let retry_after = retry_after.and_then(|value| seconds(value, now));
            Outcome::Answered { status: answer.status().as_u16(), retry_after }
        }
        Err(error) => Outcome::Unanswered(trouble(&error)),
    })
}

/// Seconds from now, of a `Retry-After`: a number of them, or a date
/// (RFC 9110 §10.2.3).
fn seconds(value: &str, now: UtcTime) -> Option<i64> {
    let date =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    let until = |time: PrimitiveDateTime| time.assume_utc().unix_timestamp() - now.to_datetime().unix_timestamp();
    value.parse().ok().or_else(|| PrimitiveDateTime::parse(value, date).ok().map(until))
}

fn trouble(error: &ureq::Error) -> Trouble {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, UnexpectedEof};
    match error {
        ureq::Error::HostNotFound => Trouble::NameUnknown,
        ureq::Error::Other(cause) if cause.is::<Forbidden>() => Trouble::Forbidden,
        ureq::Error::Timeout(_) => Trouble::TimedOut,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::TlsRequired => Trouble::Tls,
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) | ureq::Error::Http(_) => Trouble::NotHttp,
        ureq::Error::Io(cause) => match cause.kind() {
            // What rustls says of certificates and of what is no TLS.
            InvalidData => Trouble::Tls,
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => Trouble::HungUp,
            _ => Trouble::Unreachable,
        },
        _ => Trouble::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_name_a_number_of_seconds_or_a_date() {
        // 2026-03-01 12:00:00 UTC.
        let now = UtcTime::from_micros(1_772_366_400_000_000);
        assert_eq!(seconds("120", now), Some(120));
        assert_eq!(seconds("Sun, 01 Mar 2026 12:01:30 GMT", now), Some(90));
        assert_eq!(seconds("Sun, 01 Mar 2026 11:59:00 GMT", now), Some(-60));
        for wrong in ["", "soon", "1.5", "Sun, 01 Mar 2026 12:01:30"] {
            assert_eq!(seconds(wrong, now), None, "{wrong}");
        }
    }
}
