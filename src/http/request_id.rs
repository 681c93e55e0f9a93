//! An id for every request, in its response and in the log.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{RequestHead, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tracing::{Instrument, Span};

use super::link_token;
use crate::domain::id::id;

id! {
    /// The id of a request.
    RequestId = "req_"
}

/// The header of the id.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The longest id of a client's that is repeated.
const MAX_GIVEN_ID_CHARS: usize = 128;

/// What a request of a program goes by, in its response and in the log: the client's own
/// `X-Request-Id` where it is fit to be repeated, or else a new one.
#[derive(Debug)]
pub struct RequestTrace {
    id: String,
    span: Span,
}

impl RequestTrace {
    /// Of the request with this head. Its `traceparent` (W3C Trace Context §3.2), by which
    /// other services' logs know the request, is in the log too.
    #[must_use]
    pub fn of(request: &RequestHead) -> Self {
        let given = only(&request.headers, &X_REQUEST_ID).filter(|id| is_plain(id));
        let id = given.map_or_else(|| RequestId::mint().as_str().to_owned(), ToOwned::to_owned);
        let (method, path) = (&request.method, link_token::without(request.uri.path()));
        let span = match only(&request.headers, &TRACEPARENT).filter(|parent| is_traceparent(parent)) {
            Some(traceparent) => tracing::info_span!("request", %id, %traceparent, %method, path),
            None => tracing::info_span!("request", %id, %method, path),
        };
        Self { id, span }
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the log's lines about the request belong to.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }
}

/// The value of a header that is sent once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Whether an id says nothing else in a header or a line of the log.
fn is_plain(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+/=@".contains(&byte);
    (1..=MAX_GIVEN_ID_CHARS).contains(&id.len()) && id.bytes().all(is_plain)
}

/// Version, trace, parent and flags in hex: `00-4bf9…-00f0…-01`.
fn is_traceparent(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([2, 32, 16, 2]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Gives the request an id and logs its method, path and status; never the
/// query, headers or body, which may hold secrets, nor the token of a link.
pub async fn trace<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let id = RequestId::mint();
    let span = tracing::info_span!("request", id = %id, method = %request.method(), path = link_token::without(request.path()));
    let header = HeaderValue::from_str(id.as_str()).ok();
    request.extensions_mut().insert(id);
    let began = Instant::now();
    let result = next.call(request).instrument(span.clone()).await;
    let status = match &result {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    span.in_scope(|| {
        tracing::debug!(status = status.as_u16(), micros = began.elapsed().as_micros() as u64, "answered")
    });
    result.map(|mut response| {
        if let Some(header) = header {
            response.headers_mut().insert(X_REQUEST_ID, header);
        }
        response
    })
}
