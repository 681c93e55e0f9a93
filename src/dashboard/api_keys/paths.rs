//! The addresses of the API Keys pages.

use crate::dashboard::frame::next_path::NextPath;
use crate::domain::api_key::ApiKeyId;
use crate::error::{Error, Result};

/// The entry of the sidebar.
pub(super) const SECTION: &str = "api-keys";
/// The list.
pub(super) const PATH: &str = "/api-keys";
/// The form for a new key.
pub(super) const NEW: &str = "/api-keys/new";

/// The deleted keys that can be restored.
pub(super) const TRASH: &str = "/api-keys/trash";

/// The page of a key.
pub(in crate::dashboard) fn path(id: &ApiKeyId) -> String {
    format!("{PATH}/{id}")
}

/// Where a key is rotated.
pub(super) fn rotation(id: &ApiKeyId) -> String {
    format!("{}/rotation", path(id))
}

/// The page of a key, where the form of its callback is filled in again.
pub(super) fn callback_form(id: &ApiKeyId) -> NextPath {
    NextPath::parse(&path(id)).with("form", "callback")
}

/// The page of a key, where the form of why it is switched off is filled in again.
pub(super) fn reason_form(id: &ApiKeyId) -> NextPath {
    NextPath::parse(&path(id)).with("form", "reason")
}

/// The page of a key, where the form of its end is filled in again.
pub(super) fn expiry_form(id: &ApiKeyId) -> NextPath {
    NextPath::parse(&path(id)).with("form", "expiry")
}

/// The page of a key, where the form of its scopes is filled in again.
pub(super) fn scopes_form(id: &ApiKeyId) -> NextPath {
    NextPath::parse(&path(id)).with("form", "scopes")
}

/// The page of a key, where the form of its addresses is filled in again.
pub(super) fn allowed_ips_form(id: &ApiKeyId) -> NextPath {
    NextPath::parse(&path(id)).with("form", "allowed-ips")
}

/// The page of a key, where the form of its sending limits is filled in again.
pub(super) fn limits_form(id: &ApiKeyId) -> NextPath {
    NextPath::parse(&path(id)).with("form", "limits")
}

/// Reads the id in an address.
///
/// # Errors
/// [`Error::NotFound`] for a text that can't be an id.
pub(in crate::dashboard) fn parse_id(id: &str) -> Result<ApiKeyId> {
    id.parse().map_err(|()| Error::NotFound)
}
