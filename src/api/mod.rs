//! JSON for applications and services, with no middleware in the way.

mod basic_credentials;
mod caller;
pub mod carriers;
mod client;
mod form_body;
pub mod gate;
mod idempotency_key;
mod json_body;
pub mod keys;
mod list_query;
pub mod manage;
pub mod ops;
pub mod sms;
pub mod twilio;
mod unknown_name;

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::http::header::{ALLOW, HeaderMap, HeaderValue, USER_AGENT};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use futures_util::{FutureExt, TryFutureExt};
use tracing::Instrument;

use crate::error::{Error, Result};
use crate::http::State;
use crate::http::problem::ApiError;
use crate::http::request_id::{RequestTrace, X_REQUEST_ID};
use crate::http::security_headers::{secure_body_for_programs, secure_for_programs, sends_hsts};

/// Answers, with the headers that mean something to programs.
fn answer(
    state: &State,
    work: impl Future<Output = Result<HttpResponse>>,
) -> impl Future<Output = Result<HttpResponse, ApiError>> {
    answer_as_is(state, work).map_ok(|mut response| {
        secure_for_programs(response.headers_mut(), sends_hsts(state));
        secure_body_for_programs(response.headers_mut());
        response
    })
}

/// The same with the request's id in the response and in the log. Not for the gate, which
/// answers too often to give every question one.
async fn answer_traced<E: ResponseError + From<ApiError>>(
    state: &State,
    request: &HttpRequest,
    work: impl Future<Output = Result<HttpResponse>>,
) -> Result<HttpResponse, E> {
    let trace = RequestTrace::of(request.head());
    let span = trace.span().clone();
    let began = Instant::now();
    let answer = match answer(state, work).instrument(span.clone()).await {
        Ok(mut response) => {
            if let Ok(id) = trace.id().parse() {
                response.headers_mut().insert(X_REQUEST_ID, id);
            }
            Ok(response)
        }
        Err(error) => Err(E::from(error.traced(trace))),
    };
    let status = answer.as_ref().map_or_else(ResponseError::status_code, HttpResponse::status).as_u16();
    let micros = began.elapsed().as_micros() as u64;
    span.in_scope(|| tracing::debug!(status, micros, "answered"));
    answer
}

/// Answers, with problem details for an error, and for a panic too. Not `async`,
/// which would keep `work` twice.
fn answer_as_is(
    state: &State,
    work: impl Future<Output = Result<HttpResponse>>,
) -> impl Future<Output = Result<HttpResponse, ApiError>> {
    AssertUnwindSafe(work).catch_unwind().map(|result| {
        let result = result.unwrap_or_else(|_| Err(Error::internal(anyhow::anyhow!("a handler panicked"))));
        result.map_err(|error| ApiError::new(error, state))
    })
}

/// Refuses every other method of a route that takes POST.
pub async fn only_post(state: Data<State>, request: HttpRequest) -> HttpResponse {
    refuse_method(&state, &request, "POST")
}

/// Refuses every other method of a route that takes GET.
pub async fn only_get(state: Data<State>, request: HttpRequest) -> HttpResponse {
    refuse_method(&state, &request, "GET, HEAD")
}

/// Refuses every other method of a route that takes GET and POST.
pub async fn only_get_and_post(state: Data<State>, request: HttpRequest) -> HttpResponse {
    refuse_method(&state, &request, "GET, HEAD, POST")
}

/// Refuses every other method of a route that takes GET and DELETE.
pub async fn only_get_and_delete(state: Data<State>, request: HttpRequest) -> HttpResponse {
    refuse_method(&state, &request, "GET, HEAD, DELETE")
}

/// Refuses every other method of a route that takes PUT.
pub async fn only_put(state: Data<State>, request: HttpRequest) -> HttpResponse {
    refuse_method(&state, &request, "PUT")
}

/// Refuses every other method of a route that takes GET, PATCH and DELETE.
pub async fn only_get_patch_and_delete(state: Data<State>, request: HttpRequest) -> HttpResponse {
    refuse_method(&state, &request, "GET, HEAD, PATCH, DELETE")
}

/// Refuses every other method of a route that takes POST, PATCH and DELETE.
pub async fn only_post_patch_and_delete(state: Data<State>, request: HttpRequest) -> HttpResponse {
    refuse_method(&state, &request, "POST, PATCH, DELETE")
}

fn refuse_method(state: &State, request: &HttpRequest, allowed: &'static str) -> HttpResponse {
    let refusal = ApiError::new(Error::MethodNotAllowed, state).traced(RequestTrace::of(request.head()));
    allowing(allowed, refusal.error_response())
}

fn allowing(allowed: &'static str, mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// The client's name for itself, up to the first byte that is not UTF-8.
fn user_agent(headers: &HeaderMap) -> &str {
    let texts = headers.get(USER_AGENT).map(|value| value.as_bytes().utf8_chunks());
    texts.and_then(|mut texts| texts.next()).map_or("", |text| text.valid())
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::http::StatusCode;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::idempotency::RunningRequests;
    use crate::domain::identity::login_metrics::LoginMetrics;
    use crate::domain::identity::password::Passwords;
    use crate::domain::identity::throttle::Throttle;
    use crate::domain::installation;
    use crate::gate::Gate;
    use crate::http::client_address::TrustedProxies;
    use crate::sms::Sms;
    use crate::store::Store;

    async fn state(folder: &tempfile::TempDir) -> State {
        let url = format!("sqlite:{}", folder.path().join("keyfob.db").display());
        let (store, clock) = (Store::open(&url.parse().unwrap()).unwrap(), Clock::System);
        let now = clock.now();
        State {
            gate: Gate::open(store.clone(), clock.clone()),
            running: RunningRequests::default(),
            sms: Sms::new(store.clone(), clock.clone()),
            cookie_key: store.write(move |conn| installation::prepare(conn, now)).await.unwrap(),
            passwords: Passwords::default(),
            throttle: Throttle::new(clock.clone()),
            trusted_proxies: TrustedProxies::default(),
            callback_networks: crate::networks::Networks::default(),
            drain: std::sync::Arc::default(),
            logins: LoginMetrics::default(),
            server_metrics: std::sync::Arc::default(),
            started_at: now,
            public_url: None,
            internal_url: None,
            key_header: None,
            store,
            clock,
        }
    }

    #[actix_web::test]
    async fn a_panic_ends_one_question_with_a_500_that_tells_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(&folder).await;

        let refused = answer(&state, async { panic!("sms_live_secret") }).await.unwrap_err().error_response();

        assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = String::from_utf8(to_bytes(refused.into_body()).await.unwrap().to_vec()).unwrap();
        assert!(body.contains("INTERNAL") && !body.contains("secret"), "{body}");
        let calm = answer(&state, async { Ok(HttpResponse::Ok().finish()) }).await.unwrap();
        assert_eq!(calm.status(), StatusCode::OK);
    }
}
