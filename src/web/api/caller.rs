//! Who calls: the key that a request of an application came with.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::dev::RequestHead;

use super::presented_key::PresentedKey;
use super::user_agent;
use crate::error::{Error, Result};
use crate::gate::{Caller, Door, KeyRecord, Verdict};
use crate::web::State;
use crate::web::exchange::Headers;

/// The gate's word on the key in these headers; `None` when there is none.
///
/// # Errors
/// [`Error::Unavailable`] when it can't be known.
pub(super) async fn ask(state: &State, request: &RequestHead, door: &Door<'_>) -> Result<Option<Verdict>> {
    let Some(key) = key(state, &request.headers, door) else { return Ok(None) };
    state.gate.verdict(key, door, || caller_of(state, request.peer_addr, &request.headers)).await.map(Some)
}

/// The same, where nothing has to be waited for.
pub(super) fn ask_at_once(
    state: &State,
    client: Option<SocketAddr>,
    headers: &(impl Headers + ?Sized),
    door: &Door<'_>,
) -> Option<Option<Verdict>> {
    let Some(key) = key(state, headers, door) else { return Some(None) };
    state.gate.verdict_at_once(key, door, || caller_of(state, client, headers)).map(Some)
}

fn key<'a>(state: &State, headers: &'a (impl Headers + ?Sized), door: &Door<'_>) -> Option<&'a str> {
    match PresentedKey::of(headers) {
        PresentedKey::One(key) => Some(key),
        PresentedKey::Repeated => Some(""),
        PresentedKey::Missing => {
            state.gate.count_missing_key(door);
            None
        }
    }
}

fn caller_of<'a>(state: &State, client: Option<SocketAddr>, headers: &'a (impl Headers + ?Sized)) -> Caller<'a> {
    Caller { address: Some(state.trusted_proxies.client(client, headers)), user_agent: user_agent(headers) }
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
