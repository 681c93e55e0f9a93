//! Reads the whole body before the handler runs.

use actix_web::HttpMessage;
use actix_web::body::{BodyStream, MessageBody, to_bytes_limited};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::middleware::Next;
use actix_web::web::Bytes;

use crate::error::Error;

/// How long the body of a request to a path may be, in bytes; data of a scope.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit(pub fn(path: &str) -> usize);

/// Waits for the whole body before anything else is done about a request, so
/// that a slow client costs no more than its connection.
///
/// # Errors
/// Those of the next service; a body that can't be read is answered here.
pub async fn whole_body(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    // The body of a CONNECT is a tunnel and has no end. There are no tunnels here.
    if request.method() == Method::CONNECT {
        return Ok(request.error_response(Error::MethodNotAllowed));
    }
    // Only a GET still has this header: its body is thrown away, not unpacked.
    request.headers_mut().remove(CONTENT_ENCODING);
    match read(&mut request).await {
        Ok(body) => {
            request.set_payload(Payload::from(body));
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

async fn read(request: &mut ServiceRequest) -> Result<Bytes, actix_web::Error> {
    let limit = request.app_data::<BodyLimit>().map_or(0, |BodyLimit(of)| of(request.path()));
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > limit) {
        return Err(PayloadError::Overflow.into());
    }
    let body = to_bytes_limited(BodyStream::new(request.take_payload()), limit).await;
    Ok(body.map_err(|_| PayloadError::Overflow)??)
}
