//! JSON that applications send.

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::TryStreamExt;
use serde::de::DeserializeOwned;

use super::unknown_name;
use crate::error::{Error, Result};

/// Reads a body of at most `limit` bytes, or nothing of one that says it is
/// longer. A body in one piece, as most questions about keys are, is not copied:
/// the library's extractor of `Bytes` would allocate 8 KiB for it.
///
/// # Errors
/// [`PayloadError`].
pub(super) async fn read(headers: &HeaderMap, mut payload: Payload, limit: usize) -> Result<Bytes, actix_web::Error> {
    if announces_more_than(headers, limit) {
        return Err(PayloadError::Overflow.into());
    }
    let first = payload.try_next().await?.unwrap_or_default();
    let mut next = payload.try_next().await?;
    if first.len() > limit {
        return Err(PayloadError::Overflow.into());
    }
    if next.is_none() {
        return Ok(first);
    }
    let mut body = BytesMut::from(&*first);
    while let Some(piece) = next {
        if body.len() + piece.len() > limit {
            return Err(PayloadError::Overflow.into());
        }
        body.extend_from_slice(&piece);
        next = payload.try_next().await?;
    }
    Ok(body.freeze())
}

/// Whether the headers say that the body is longer than `limit` bytes.
pub(super) fn announces_more_than(headers: &HeaderMap, limit: usize) -> bool {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    length.is_some_and(|length: usize| length > limit)
}

/// RFC 8259 §8.1: a byte order mark before JSON may be ignored. Some editors and
/// programs on Windows write one.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Refuses a body that is too long before the key is looked at, so that the
/// answer is the same with any key.
///
/// # Errors
/// [`Error::TooLarge`].
pub(super) fn check_length(body: &Result<Bytes, actix_web::Error>) -> Result<()> {
    match body.as_ref().map_err(explain) {
        Err(Error::TooLarge) => Err(Error::TooLarge),
        _ => Ok(()),
    }
}

/// The body as it arrived.
///
/// # Errors
/// [`Error::TooLarge`], and [`Error::Malformed`] for one that did not arrive whole.
pub(super) fn whole(body: Result<Bytes, actix_web::Error>) -> Result<Bytes> {
    body.map_err(|error| explain(&error))
}

/// Parses a body; `form` shows in messages what it should look like.
///
/// # Errors
/// [`Error::UnsupportedMediaType`], [`Error::TooLarge`], and
/// [`Error::Malformed`] in words that say what to change.
pub(super) fn parse<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<impl AsRef<[u8]>, actix_web::Error>,
    form: &str,
) -> Result<T> {
    if !is_json(headers) {
        return Err(Error::UnsupportedMediaType);
    }
    let body = body.map_err(|error| explain(&error))?;
    let body = body.as_ref();
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    // Serde would read a list as the members of the struct in their order.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(Error::Malformed(format!("Send {form}, not a list.")));
    }
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            Error::Malformed(format!("Send {form}: {}.", without_values(&error)))
        } else {
            Error::Malformed("The body is not well-formed JSON.".to_owned())
        }
    })
}

/// Parameters of the content type are ignored: JSON has none (RFC 8259 §11).
fn is_json(headers: &HeaderMap) -> bool {
    is_of_type(headers, &["application/json"])
}

/// Whether the body is of one of these types, whatever their parameters.
pub(super) fn is_of_type(headers: &HeaderMap, types: &[&str]) -> bool {
    let sent = headers.get(CONTENT_TYPE).and_then(|sent| sent.as_bytes().split(|byte| *byte == b';').next());
    let sent = sent.map(<[u8]>::trim_ascii);
    sent.is_some_and(|sent| types.iter().any(|known| sent.eq_ignore_ascii_case(known.as_bytes())))
}

/// The error of a body that was not read.
pub(super) fn explain(error: &actix_web::Error) -> Error {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Error::TooLarge,
        _ => Error::Malformed("The body did not arrive whole.".to_owned()),
    }
}

/// Serde's message without what it quotes: a value of the wrong type may be a secret in
/// the wrong place, and so may the name of an unknown member that is long.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let problem = match text.as_str() {
        text if text.starts_with("missing field") || text.starts_with("duplicate field") => return text.to_owned(),
        text if text.starts_with("unknown field") => "an unknown member",
        _ => "a member has the wrong type",
    };
    let name = unknown_name::explain(&text).map(|name| format!(": {name}")).unwrap_or_default();
    format!("{problem} at line {} column {}{name}", error.line(), error.column())
}
