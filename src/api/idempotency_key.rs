//! The header `Idempotency-Key`.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use serde::Serialize;

use crate::domain::idempotency::{IdempotencyKey, IdempotentRequest};
use crate::error::{Error, Result};
use crate::gate::KeyRecord;
use crate::store::Digest;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What makes a request of this key to `endpoint` idempotent, if it names itself; `parsed` is
/// its content.
///
/// # Errors
/// [`Error::Malformed`] for a name that is sent twice, or is none.
pub(super) fn idempotent_request(
    request: &HttpRequest,
    key: &KeyRecord,
    endpoint: &'static str,
    parsed: &impl Serialize,
) -> Result<Option<IdempotentRequest>> {
    let mut values = request.headers().get_all(&IDEMPOTENCY_KEY);
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => return Err(Error::Malformed("Send Idempotency-Key once only.".to_owned())),
    };
    let digest = Digest::of(&serde_json::to_vec(parsed).map_err(Error::internal)?);
    let key = IdempotencyKey::parse(&key.account_id, key.mode, endpoint, value)?;
    Ok(Some(IdempotentRequest { key, digest }))
}
