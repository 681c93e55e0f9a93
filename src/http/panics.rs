//! A panic ends the request that met it, with a 500, and nothing else
//! (ASVS 16.5.4). Its message goes to the log.

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

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::dev::Service;
    use actix_web::http::StatusCode;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;
    use crate::dashboard::frame::error_page::render_errors;

    async fn panic_here() -> HttpResponse {
        panic!("sms_live_secret")
    }

    /// What the server would answer: an error that nobody took answers for itself.
    async fn told(result: Result<ServiceResponse, Error>) -> (StatusCode, String) {
        let answer = result.map_or_else(|error| error.error_response(), HttpResponse::from);
        let status = answer.status();
        (status, String::from_utf8(to_bytes(answer.into_body()).await.unwrap().to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn a_panic_ends_one_request_with_a_500_that_tells_nothing_of_it() {
        let app = App::new()
            .route("/panic", web::get().to(panic_here))
            .route("/calm", web::get().to(HttpResponse::Ok))
            .wrap(from_fn(catch_panics))
            .wrap(from_fn(render_errors));
        let app = init_service(app).await;
        let get = |path: &str| app.call(TestRequest::get().uri(path).to_request());

        for _ in 0..3 {
            let (status, body) = told(get("/panic").await).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(body.contains("Something went wrong"), "{body}");
            assert!(!body.contains("secret") && !body.contains("panic"), "{body}");
            assert_eq!(told(get("/calm").await).await.0, StatusCode::OK);
        }
    }
}
