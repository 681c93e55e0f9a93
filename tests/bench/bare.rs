//! The measure of the gate: the same HTTP server, of the same build profile,
//! with the same JSON in and out, and nothing behind it.

use actix_web::web::{Json, get, post};
use actix_web::{App, HttpResponse, HttpServer, Responder};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Question {
    key: String,
    service: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    valid: bool,
    code: &'static str,
    key_id: &'static str,
    name: &'static str,
    service: &'static str,
    account_id: &'static str,
    mode: &'static str,
    expires_at: Option<&'static str>,
}

async fn verify(question: Json<Question>) -> impl Responder {
    Json(Answer {
        valid: question.key.len() == 47 && question.service.is_none(),
        code: "VALID",
        key_id: "key_01m83m3fhteens0gj1dsprvj46",
        name: "Project 0 SMS integration",
        service: "sms",
        account_id: "acc_01m83m3ec0eqk9j2zgkfmgs3b3",
        mode: "live",
        expires_at: None,
    })
}

async fn auth() -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// With as many headers as Keyfob has in its answer, since proxies read them all.
async fn auth_with_headers() -> HttpResponse {
    HttpResponse::Ok()
        .append_header(("x-auth-code", "VALID"))
        .append_header(("x-key-id", "key_01m83m3fhteens0gj1dsprvj46"))
        .append_header(("x-key-name", "Project%200%20SMS%20integration"))
        .append_header(("x-key-mode", "live"))
        .append_header(("x-key-service", "sms"))
        .append_header(("x-account-id", "acc_01m83m3ec0eqk9j2zgkfmgs3b3"))
        .append_header(("x-content-type-options", "nosniff"))
        .append_header(("cache-control", "no-store"))
        .append_header(("referrer-policy", "no-referrer"))
        .finish()
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let app = || {
        App::new()
            .route("/v1/keys/verify", post().to(verify))
            .route("/v1/auth", get().to(auth))
            .route("/v1/auth/with-headers", get().to(auth_with_headers))
    };
    HttpServer::new(app).bind(address)?.run().await
}
