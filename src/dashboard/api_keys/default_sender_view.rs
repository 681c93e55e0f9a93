//! The form of a key's default sender, as the key's page shows it.

use super::first_request::SMS;
use crate::domain::api_key::{self, ApiKey};
use crate::error::{FieldErrors, Result};
use crate::store::Conn;

/// The form, as the key has it or as it was filled in.
#[derive(Default)]
pub(super) struct DefaultSenderView {
    pub(super) text: String,
    pub(super) errors: FieldErrors,
    pub(super) alert: Option<String>,
}

impl DefaultSenderView {
    /// The default sender of a key; `None` for a key that sends nothing.
    pub(super) fn read(conn: &mut Conn, key: &ApiKey) -> Result<Option<Self>> {
        if key.service != SMS {
            return Ok(None);
        }
        let sender = api_key::default_sender(conn, &key.id)?;
        let text = sender.map(|sender| sender.to_string()).unwrap_or_default();
        Ok(Some(Self { text, ..Self::default() }))
    }
}
