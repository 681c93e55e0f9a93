//! HEAD: everything that GET says but the body (RFC 9110 §9.3.2), which the
//! HTTP library leaves out by itself. Whoever only asks whether a page is there
//! takes no message away from whoever reads it.

use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;

use super::request_id::RequestId;

/// Marks a request that came as HEAD.
struct IsHead;

/// Lets a HEAD be answered by whatever answers a GET.
///
/// # Errors
/// What the next service gives.
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

/// Drops what a HEAD would change in its session: it is kept with the request,
/// and saved from there afterwards.
///
/// # Errors
/// What the next service gives.
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
