//! An id for every request, in its response and in the log.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use tracing::Instrument;

use crate::domain::id::id;

id! {
    /// The id of a request.
    RequestId = "req_"
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id and logs its method, path and status; never the
/// query, headers or body, which may hold secrets.
pub async fn trace<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let id = RequestId::mint();
    let span = tracing::info_span!("request", id = %id, method = %request.method(), path = request.path());
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
