//! The caller of an API route: the key that its request came with.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::dev::RequestHead;

use super::gate::presented_key::PresentedKey;
use super::user_agent;
use crate::domain::api_key::secret::Mode;
use crate::error::{Denial, Error, Result};
use crate::gate::{Client, Code, KeyRecord, Question};
use crate::http::State;

/// The verdict on the key in these headers, for a door of this service and mode.
///
/// # Errors
/// [`Error::Unavailable`] when the database can't confirm what is in memory.
pub(super) async fn ask(
    state: &State,
    request: &RequestHead,
    service: &str,
    mode: Option<Mode>,
) -> Result<Result<Arc<KeyRecord>, Denial>> {
    let presented = PresentedKey::of(&request.headers, state.key_header.as_ref());
    let secret: &str = match &presented {
        PresentedKey::One(key) => key,
        PresentedKey::Decoded(key) => key,
        // Nobody guesses which of two is meant, so that none opens the door.
        PresentedKey::Repeated => "",
        PresentedKey::Missing => {
            state.gate.count_missing_key(service);
            return Ok(Err(Code::KeyMissing.denial()));
        }
    };
    let client = Client {
        address: Some(state.trusted_proxies.client(request.peer_addr, &request.headers)),
        user_agent: user_agent(&request.headers),
    };
    let question = Question { secret, service: Some(service), mode, scopes: &[], client };
    Ok(state.gate.verdict(&question).await?.allowed())
}

/// The key of a request to the API of `service`.
///
/// # Errors
/// [`Error::KeyRefused`].
pub(super) async fn caller(state: &State, request: &HttpRequest, service: &str) -> Result<Arc<KeyRecord>> {
    ask(state, request.head(), service, None).await?.map_err(Error::KeyRefused)
}
