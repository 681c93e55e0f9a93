//! Reads the whole body before the handler runs.

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::middleware::Next;
use actix_web::web::Bytes;

use crate::error::Error;

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
    match request.extract::<Bytes>().await {
        Ok(body) => {
            request.set_payload(Payload::from(body));
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err(error) => Ok(request.error_response(error)),
    }
}
