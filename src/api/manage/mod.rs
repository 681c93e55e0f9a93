//! The management API: programs create, change and watch keys with a management key.

pub mod audit_events;
pub mod change;
pub mod create;
pub mod deletion;
mod if_match;
pub mod imports;
pub mod introspect;
pub mod list;
pub mod lookup;
mod manager;
mod members;
pub mod rotation;
pub mod show;
pub mod status;
pub mod usage;

use crate::domain::api_key::ApiKeyId;
use crate::error::{Error, Result};

/// The longest request body, in bytes: all that a key can have, with every character escaped.
pub const MAX_BODY_BYTES: usize = 32 * 1024;

/// The id in an address; what can be none is unknown.
fn parse_id(text: &str) -> Result<ApiKeyId> {
    text.parse().map_err(|()| Error::NotFound)
}
