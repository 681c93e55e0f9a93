//! A new secret of a key, which is shown once.

use actix_web::HttpRequest;

use super::first_request::first_request;
use super::paths::PATH;
use crate::dashboard::automate;
use crate::domain::api_key::secret::KeySecret;
use crate::domain::api_key::{ApiKey, ApiKeyId};
use crate::http::State;
use crate::http::base_url::base_url;

/// The one sight of a new secret: in a row under the key's, or on the key's page.
pub(in crate::dashboard) struct Reveal {
    pub(in crate::dashboard) id: ApiKeyId,
    pub(in crate::dashboard) name: String,
    pub(in crate::dashboard) key: KeySecret,
    /// A command that uses the key, and the words that lead to it.
    pub(in crate::dashboard) command: String,
    pub(in crate::dashboard) invitation: &'static str,
    /// The list that the key is in.
    pub(in crate::dashboard) list: &'static str,
}

impl Reveal {
    /// The secret of this key, with a command for this server.
    pub(in crate::dashboard) fn new(state: &State, request: &HttpRequest, key: &ApiKey, secret: KeySecret) -> Self {
        let rehearsed = state.sms.rehearses(key.mode);
        let (invitation, command) = first_request(&base_url(state, request), key, &secret, rehearsed);
        let list = if key.is_for_management() { automate::paths::PATH } else { PATH };
        Self { id: key.id.clone(), name: key.name.clone(), key: secret, command, invitation, list }
    }
}
