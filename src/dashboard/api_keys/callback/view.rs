//! The form of a key's delivery callback, as the key's page shows it.

use serde::Deserialize;

use crate::domain::api_key::ApiKey;
use crate::domain::callback::{self, CallbackSecret};
use crate::error::{FieldErrors, Result};
use crate::store::Conn;

/// The form, as the callback is or as it was filled in.
#[derive(Default)]
pub(in crate::dashboard::api_keys) struct CallbackView {
    pub(in crate::dashboard::api_keys) url: String,
    pub(in crate::dashboard::api_keys) is_set: bool,
    /// The one sight of a new secret.
    pub(in crate::dashboard::api_keys) secret: Option<CallbackSecret>,
    pub(in crate::dashboard::api_keys) errors: FieldErrors,
    pub(in crate::dashboard::api_keys) alert: Option<String>,
}

/// What was filled in before a login, as far as it is filled in again.
#[derive(Deserialize)]
pub(in crate::dashboard::api_keys) struct CallbackDraft {
    pub(in crate::dashboard::api_keys) url: String,
}

impl CallbackView {
    /// The callback of a key; `None` for a key that can't have one.
    pub(in crate::dashboard::api_keys) fn read(conn: &mut Conn, key: &ApiKey) -> Result<Option<Self>> {
        if !callback::is_offered(&key.service) {
            return Ok(None);
        }
        let callback = callback::find(conn, &key.id)?;
        let url =
            callback.as_ref().and_then(|callback| Some(callback.url.as_ref()?.as_str().to_owned())).unwrap_or_default();
        Ok(Some(Self { url, is_set: callback.is_some(), ..Self::default() }))
    }
}
