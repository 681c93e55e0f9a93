//! A panic in a handler ends its request with a 500 and nothing else (ASVS
//! 16.5.4). Its message goes to the log.

use std::panic::AssertUnwindSafe;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use futures_util::FutureExt;

/// Turns a panic into an error.
pub async fn catch_panics<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    AssertUnwindSafe(next.call(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(crate::error::Error::internal(anyhow::anyhow!("a handler panicked")).into()))
}
