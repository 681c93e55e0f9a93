//! Who makes a change over the API, as audit events record it.

use actix_web::HttpRequest;

use super::user_agent;
use crate::gate::KeyRecord;
use crate::http::State;
use crate::store::Actor;

/// What is kept of a `User-Agent`, in characters.
const MAX_USER_AGENT_CHARS: usize = 200;

/// The key that the request authenticates with.
pub(super) fn actor_of(key: &KeyRecord) -> Actor {
    let name = serde_json::from_slice(key.name_json()).unwrap_or_default();
    Actor::api_key(key.id.as_str(), name)
}

/// The same with the client's address and program.
pub(super) fn described(actor: Actor, state: &State, request: &HttpRequest) -> Actor {
    let address = state.trusted_proxies.client(request.peer_addr(), request.headers());
    let user_agent = user_agent(request.headers()).chars().take(MAX_USER_AGENT_CHARS).collect();
    Actor { address: Some(address.to_string()), user_agent: Some(user_agent), ..actor }
}
