//! The HTTP client: kept connections, no redirects, no proxy of the environment, and
//! answers of a limited size.

use std::io::Read as _;
use std::time::{Duration, SystemTime};

use ureq::Agent;
use ureq::http::Request;
use ureq::http::header::{CONTENT_TYPE, RETRY_AFTER};
use ureq::unversioned::resolver::DefaultResolver;
use zeroize::Zeroizing;

use super::written::{WatchedConnector, watched};

/// How long connecting may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept without a request. Servers close theirs after five
/// seconds and more; a request on a connection that is being closed has no answer.
const MAX_IDLE_AGE: Duration = Duration::from_secs(3);
/// The most bytes that are read of an answer's body.
const MAX_BODY_BYTES: u64 = 64 * 1024;
/// The longest head of an answer, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const USER_AGENT: &str = concat!("Keyfob/", env!("CARGO_PKG_VERSION"));

/// A request that is ready to be sent. It may hold secrets.
pub(super) struct ReadyRequest {
    pub(super) method: &'static str,
    pub(super) url: Zeroizing<String>,
    pub(super) headers: Vec<(String, Zeroizing<String>)>,
    pub(super) body: Option<Zeroizing<String>>,
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Exchange {
    /// The server has not got it: why, as the end of a sentence.
    NotSent(&'static str),
    /// The server may have got it, and there is no answer.
    Unanswered(&'static str),
    Answered(HttpAnswer),
}

/// A response, as far as it matters.
#[derive(Debug)]
pub(super) struct HttpAnswer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) is_html: bool,
    /// Up to [`MAX_BODY_BYTES`] of the body, and no more than came.
    pub(super) body: String,
}

/// Clones share their connections.
#[derive(Clone)]
pub(super) struct HttpClient {
    agent: Agent,
}

impl HttpClient {
    pub(super) fn new(connections: usize, timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(timeout))
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .max_idle_age(MAX_IDLE_AGE)
            .max_response_header_size(MAX_HEAD_BYTES)
            .user_agent(USER_AGENT)
            .build();
        Self { agent: Agent::with_parts(config, WatchedConnector::default(), DefaultResolver::default()) }
    }

    /// Sends a request and waits for the answer. Blocks the thread.
    pub(super) fn send(&self, request: &ReadyRequest) -> Exchange {
        let mut builder = Request::builder().method(request.method).uri(request.url.as_str());
        for (name, value) in &request.headers {
            builder = builder.header(name.as_str(), value.as_str());
        }
        let sent = watched(|| match &request.body {
            Some(body) => self.agent.run(builder.body(body.as_str())?),
            None => self.agent.run(builder.body(())?),
        });
        match sent {
            (Ok(mut response), _) => {
                let headers = response.headers();
                let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
                let retry_after = header(RETRY_AFTER).and_then(|value| delay(value, SystemTime::now()));
                let is_html = header(CONTENT_TYPE).is_some_and(|value| value.to_ascii_lowercase().contains("html"));
                let (status, mut body) = (response.status().as_u16(), Vec::new());
                // What came before the connection broke is all there is.
                let _ = response.body_mut().as_reader().take(MAX_BODY_BYTES).read_to_end(&mut body);
                let body = String::from_utf8_lossy(&body).into_owned();
                let is_html = is_html || body.trim_start().starts_with('<');
                Exchange::Answered(HttpAnswer { status, retry_after, is_html, body })
            }
            (Err(error), true) => Exchange::Unanswered(sentence(&error)),
            (Err(error), false) => Exchange::NotSent(sentence(&error)),
        }
    }

    /// Closes all connections, and ends the requests that wait for an answer.
    pub(super) fn shut_down(&self) {
        self.agent.clone().shutdown();
    }
}

/// Asks the server at `origin` for its first page, whatever it answers. Blocks the thread.
///
/// # Errors
/// Why there is no answer, as a sentence.
pub(super) fn probe(origin: &str, timeout: Duration) -> Result<(), String> {
    let request =
        ReadyRequest { method: "GET", url: Zeroizing::new(format!("{origin}/")), headers: Vec::new(), body: None };
    match HttpClient::new(1, timeout).send(&request) {
        Exchange::Answered(_) => Ok(()),
        Exchange::NotSent(problem) | Exchange::Unanswered(problem) => Err(format!("{origin} {problem}")),
    }
}

/// The delay of a `Retry-After`: a number of seconds, or a date (RFC 9110 §10.2.3).
fn delay(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The end of a sentence that begins with the carrier. It repeats nothing of the error,
/// which may hold the address with its secrets.
fn sentence(error: &ureq::Error) -> &'static str {
    use std::io::ErrorKind::{ConnectionRefused, InvalidData};
    match error {
        ureq::Error::HostNotFound => "can't be reached: its name is unknown",
        ureq::Error::Timeout(_) => "does not answer in time",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::TlsRequired => {
            "can't be reached: TLS fails, or its certificate is not trusted"
        }
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => "answers with something that is not HTTP",
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => "can't be asked: the request is not valid HTTP",
        ureq::Error::Io(cause) => match cause.kind() {
            ConnectionRefused => "can't be reached: the connection is refused",
            // The kind of rustls' errors about certificates and the handshake.
            InvalidData => "can't be reached: TLS fails, or its certificate is not trusted",
            _ => "can't be reached: the connection broke",
        },
        _ => "can't be reached",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_may_name_a_number_of_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_366_400);
        assert_eq!(delay("120", now), Some(Duration::from_secs(120)));
        assert_eq!(delay("Sun, 01 Mar 2026 12:01:30 GMT", now), Some(Duration::from_secs(90)));
        assert_eq!(delay("Sun, 01 Mar 2026 11:59:00 GMT", now), Some(Duration::ZERO), "in the past");
        for wrong in ["", "soon", "-1", "1.5"] {
            assert_eq!(delay(wrong, now), None, "{wrong}");
        }
    }
}
