//! The caller of an API route: the key that its request came with.

use std::sync::Arc;
use std::time::SystemTime;

use actix_web::dev::RequestHead;
use actix_web::http::header::{HeaderName, HttpDate, TryIntoHeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::gate::presented_key::PresentedKey;
use super::user_agent;
use crate::domain::api_key::secret::Mode;
use crate::error::{Denial, Error, Result};
use crate::gate::{Client, Code, KeyRecord, Question};
use crate::http::State;

const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// What the operator asks of a key at one place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Door<'a> {
    /// The service whose keys open it; those of any, where it is not said.
    pub(super) service: Option<&'a str>,
    /// Only keys of this mode open it; of any, where it is not said.
    pub(super) mode: Option<Mode>,
    /// Scopes that the key must have, all of them.
    pub(super) scopes: &'a [&'a str],
    /// Whether management keys are taken; to doors that anybody can ask about, none exists.
    pub(super) takes_management_keys: bool,
    /// Only the key with this id opens it; any, where it is not said.
    pub(super) key_id: Option<&'a str>,
}

/// The key of a request about the key itself, of whatever service.
///
/// # Errors
/// [`Error::KeyRefused`].
pub(super) async fn holder(state: &State, request: &HttpRequest) -> Result<Arc<KeyRecord>> {
    let door = Door { takes_management_keys: true, ..Door::default() };
    ask(state, request.head(), door).await?.map_err(Error::KeyRefused)
}

/// The verdict on the key in these headers, for a door.
///
/// # Errors
/// [`Error::Unavailable`] when the database can't confirm what is in memory.
pub(super) async fn ask(
    state: &State,
    request: &RequestHead,
    door: Door<'_>,
) -> Result<Result<Arc<KeyRecord>, Denial>> {
    let presented = PresentedKey::of(&request.headers, state.key_header.as_ref());
    ask_about(state, request, &presented, door).await
}

/// The same about a key that was read from the request already.
///
/// # Errors
/// [`Error::Unavailable`] when the database can't confirm what is in memory.
pub(super) async fn ask_about(
    state: &State,
    request: &RequestHead,
    presented: &PresentedKey<'_>,
    door: Door<'_>,
) -> Result<Result<Arc<KeyRecord>, Denial>> {
    let secret: &str = match presented {
        PresentedKey::One(key) => key,
        PresentedKey::Decoded(key) => key,
        // Nobody guesses which of two is meant, so that none opens the door.
        PresentedKey::Repeated => "",
        PresentedKey::Missing => {
            state.gate.count_missing_key(door.service);
            return Ok(Err(Code::KeyMissing.denial()));
        }
    };
    let client = Client {
        address: state.trusted_proxies.known_client(request.peer_addr, &request.headers),
        user_agent: user_agent(&request.headers),
    };
    let Door { service, mode, scopes, takes_management_keys, key_id } = door;
    let question = Question { secret, service, mode, scopes, takes_management_keys, key_id, asked_by: None, client };
    Ok(state.gate.verdict(&question).await?.allowed(scopes))
}

/// The key of a request to the API of `service`, for what needs `scope`.
///
/// # Errors
/// [`Error::KeyRefused`].
pub(super) async fn caller(state: &State, request: &HttpRequest, service: &str, scope: &str) -> Result<Arc<KeyRecord>> {
    ask(state, request.head(), Door { service: Some(service), scopes: &[scope], ..Door::default() })
        .await?
        .map_err(Error::KeyRefused)
}

/// Says in the response when the secret that was presented ends, if it was replaced
/// (RFC 8594), so that its holder learns of the rotation.
pub(super) fn announce_end(mut response: HttpResponse, key: &KeyRecord) -> HttpResponse {
    if let Some(end) = key.replaced_until()
        && let Ok(value) = HttpDate::from(SystemTime::from(end.to_datetime())).try_into_value()
    {
        response.headers_mut().insert(SUNSET, value);
    }
    response
}
