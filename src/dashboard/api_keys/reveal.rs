//! A new secret of a key, which is shown once.

use actix_web::HttpRequest;

use super::first_request::first_request;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::api_key::{ApiKey, ApiKeyId};
use crate::http::State;
use crate::http::base_url::base_url;

/// The one sight of a new secret: in a row under the key's, or on the key's page.
pub(super) struct Reveal {
    pub(super) id: ApiKeyId,
    pub(super) name: String,
    pub(super) key: KeySecret,
    /// A command that uses the key, and the words that lead to it.
    pub(super) command: String,
    pub(super) invitation: &'static str,
}

impl Reveal {
    /// The secret of this key, with a command for this server.
    pub(super) fn new(state: &State, request: &HttpRequest, key: &ApiKey, secret: KeySecret) -> Self {
        let rehearsed = state.sms.rehearses(key.mode);
        let (invitation, command) = first_request(&base_url(state, request), key, &secret, rehearsed);
        Self { id: key.id.clone(), name: key.name.clone(), key: secret, command, invitation }
    }
}
