//! Who calls: the key that a request of an application came with.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::dev::RequestHead;
use actix_web::http::header::HeaderMap;

use super::gate::presented_key::PresentedKey;
use super::user_agent;
use crate::error::{Error, Result};
use crate::gate::{Caller, Door, KeyRecord, Verdict};
use crate::http::State;

/// The gate's word on the key in these headers; `None` when there is none.
///
/// # Errors
/// [`Error::Unavailable`] when it can't be known.
pub(super) async fn ask(state: &State, request: &RequestHead, door: &Door<'_>) -> Result<Option<Verdict>> {
    let Some(key) = key(state, &request.headers, door) else { return Ok(None) };
    let caller = || Caller {
        address: Some(state.trusted_proxies.client(request.peer_addr, &request.headers)),
        user_agent: user_agent(&request.headers),
    };
    state.gate.verdict(key, door, caller).await.map(Some)
}

fn key<'a>(state: &State, headers: &'a HeaderMap, door: &Door<'_>) -> Option<&'a str> {
    match PresentedKey::of(headers) {
        PresentedKey::One(key) => Some(key),
        PresentedKey::Repeated => Some(""),
        PresentedKey::Missing => {
            state.gate.count_missing_key(door);
            None
        }
    }
}

/// The key of a request to the API of `service`.
///
/// # Errors
/// [`Error::KeyMissing`]; [`Error::KeyRefused`] with the gate's word for why.
pub(super) async fn caller(state: &State, request: &HttpRequest, service: &str) -> Result<Arc<KeyRecord>> {
    let door = Door { service: Some(service), mode: None };
    match ask(state, request.head(), &door).await? {
        Some(Verdict::Valid(key)) => Ok(key),
        Some(refused) => Err(Error::KeyRefused(refused.code())),
        None => Err(Error::KeyMissing),
    }
}
