//! A switch that was used after the session had ended: nothing was switched, and the
//! page after the login says so.

use crate::domain::account::AccountId;
use crate::domain::api_key::{self, ApiKeyId, KeyStatus};
use crate::error::{Error, Result};
use crate::store::Conn;

/// The parameter of the page that says it: `missed=disabled.key_…`.
pub(super) const PARAMETER: &str = "missed";

/// What was to be switched.
pub(super) struct MissedSwitch {
    pub(super) id: ApiKeyId,
    pub(super) name: String,
    /// The status that the key does not have yet.
    pub(super) wanted: KeyStatus,
}

impl MissedSwitch {
    /// The parameter's value for a key that was to get this status.
    pub(super) fn value(id: &ApiKeyId, wanted: KeyStatus) -> String {
        format!("{}.{id}", wanted.as_str())
    }

    /// Reads the parameter; `None` for a key that is gone or has the status by now.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn read(conn: &mut Conn, account: &AccountId, value: &str) -> Result<Option<Self>> {
        let parse = |(wanted, id): (&str, &str)| Some((wanted.parse::<KeyStatus>().ok()?, id.parse().ok()?));
        let Some((wanted, id)) = value.split_once('.').and_then(parse) else { return Ok(None) };
        match api_key::find(conn, account, &id) {
            Ok(entry) if entry.key.status != wanted => Ok(Some(Self { id, name: entry.key.name, wanted })),
            Ok(_) | Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `on` or `off`.
    pub(super) fn direction(&self) -> &'static str {
        if self.wanted == KeyStatus::Enabled { "on" } else { "off" }
    }
}
