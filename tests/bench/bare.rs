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

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    HttpServer::new(|| App::new().route("/v1/keys/verify", post().to(verify)).route("/v1/auth", get().to(auth)))
        .bind(address)?
        .run()
        .await
}
