//! Who calls: the key that a request of an application came with.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::presented_key::PresentedKey;
use super::user_agent;
use crate::error::{Error, Result};
use crate::gate::{Caller, Door, KeyRecord, Verdict};
use crate::web::State;

/// The key of a request to the API of `service`.
///
/// # Errors
/// [`Error::KeyMissing`]; [`Error::KeyRefused`] with the gate's word for why.
pub(super) async fn caller(state: &State, request: &HttpRequest, service: &str) -> Result<Arc<KeyRecord>> {
    let door = Door { service: Some(service), mode: None };
    let key = match PresentedKey::of(request.headers()) {
        PresentedKey::One(key) => key,
        PresentedKey::Repeated => "",
        PresentedKey::Missing => {
            state.gate.count_missing_key(&door);
            return Err(Error::KeyMissing);
        }
    };
    let describe = || Caller {
        address: Some(state.trusted_proxies.client_of(request)),
        user_agent: user_agent(request.headers()),
    };
    match state.gate.verdict(key, &door, describe).await? {
        Verdict::Valid(key) => Ok(key),
        refused => Err(Error::KeyRefused(refused.code())),
    }
}
