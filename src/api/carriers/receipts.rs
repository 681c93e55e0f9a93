//! `POST /v1/carriers/{name}/receipts/{secret}`: delivery receipts of a carrier that sends
//! them over HTTP.

use actix_web::http::Method;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use anyhow::anyhow;

use crate::api::json_body::check_length;
use crate::api::{answer_traced, refuse_method};
use crate::error::{DatabaseOutage, Error, Result};
use crate::http::State;
use crate::http::problem::ApiError;
use crate::sms::transport::{PostedReceipt, ReceiptReply};

/// The longest request: carriers send up to a hundred receipts at once.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
const POST: &str = "POST";
const TWILIO_SIGNATURE: &str = "x-twilio-signature";

/// Takes receipts, from a carrier whose pages call by `GET` too: 200 once they are recorded.
pub async fn take_receipt(
    state: Data<State>,
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let take = async {
        check_length(&body)?;
        let (name, secret) = path.into_inner();
        let name = name.parse().map_err(|_| Error::NotFound)?;
        let signature = request.headers().get(TWILIO_SIGNATURE).and_then(|value| value.to_str().ok());
        let posted = PostedReceipt {
            secret,
            query: request.query_string().to_owned(),
            is_get: request.method() == Method::GET,
            signature: signature.map(str::to_owned),
            body: body.map_err(|_| unreadable())?.to_vec(),
        };
        if request.method() == Method::HEAD {
            let is_known = state.sms.has_carrier(&name);
            return if is_known { Ok(refuse_method(&state, &request, POST)) } else { Err(Error::NotFound) };
        }
        match state.sms.take_receipt(&name, posted).await {
            ReceiptReply::Recorded(text) => {
                Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain")).body(text))
            }
            ReceiptReply::NotFound => Err(Error::NotFound),
            ReceiptReply::OnlyPost => Ok(refuse_method(&state, &request, POST)),
            ReceiptReply::Forbidden => Err(Error::ReceiptRefused),
            ReceiptReply::Malformed => Err(unreadable()),
            ReceiptReply::NotRecorded => Err(Error::Unavailable {
                reason: DatabaseOutage::Unreachable,
                cause: anyhow!("a carrier's receipt was not recorded in time"),
            }),
        }
    };
    answer_traced(&state, &request, take).await
}

fn unreadable() -> Error {
    Error::Malformed("This is not a receipt as the settings of this carrier describe it.".to_owned())
}
