//! HEAD: the response to a GET without its body (RFC 9110 §9.3.2), which the
//! HTTP library leaves out by itself. A HEAD has no effect on the session: it
//! must not use up a flash message that the next GET would show.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest};

use super::request_id::RequestId;

/// Marks a request that is handled as GET and came as HEAD.
struct IsHead;

/// Whether the request came as HEAD.
#[must_use]
pub fn is_head(request: &HttpRequest) -> bool {
    request.extensions().contains::<IsHead>()
}

/// Routes a HEAD to the handler of the GET.
///
/// # Errors
/// Those of the next service.
pub async fn head_as_get<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(IsHead);
    }
    next.call(request).await
}

/// Drops what a HEAD would change in its session. The session middleware keeps
/// changes in the request's extensions and saves them from there afterwards.
///
/// # Errors
/// Those of the next service.
pub async fn head_changes_nothing<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let response = next.call(request).await?;
    let mut kept = response.request().extensions_mut();
    if kept.contains::<IsHead>() {
        let id = kept.remove::<RequestId>();
        kept.clear();
        id.map(|id| kept.insert(id));
    }
    drop(kept);
    Ok(response)
}
