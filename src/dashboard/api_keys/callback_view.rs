//! The form of a key's delivery callback, as the key's page shows it.

use serde::Deserialize;

use crate::domain::api_key::ApiKey;
use crate::domain::callback::{self, CallbackSecret};
use crate::error::{FieldErrors, Result};
use crate::store::Conn;

/// The form, as the callback is or as it was filled in.
#[derive(Default)]
pub(super) struct CallbackView {
    pub(super) url: String,
    pub(super) is_set: bool,
    /// The one sight of a new secret.
    pub(super) secret: Option<CallbackSecret>,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
}

/// What was filled in before a login, as far as it is filled in again.
#[derive(Deserialize)]
pub(super) struct CallbackDraft {
    pub(super) url: String,
}

impl CallbackView {
    /// The callback of a key; `None` for a key that can't have one.
    pub(super) fn read(conn: &mut Conn, key: &ApiKey) -> Result<Option<Self>> {
        if !callback::is_offered(&key.service) {
            return Ok(None);
        }
        let callback = callback::find(conn, &key.id)?;
        let url = callback.as_ref().map(|callback| callback.url.as_str().to_owned()).unwrap_or_default();
        Ok(Some(Self { url, is_set: callback.is_some(), ..Self::default() }))
    }
}
