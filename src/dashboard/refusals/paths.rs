//! The addresses of the page of refused requests.

use crate::dashboard::frame::list_query::query_string;
use crate::domain::api_key::ApiKeyId;

/// The entry of the sidebar: the page belongs to the keys.
pub(super) const SECTION: &str = "api-keys";
/// The list.
pub(super) const PATH: &str = "/refusals";

/// All refusals of one key.
pub(super) fn of_key(key: &ApiKeyId) -> String {
    format!("{PATH}{}", query_string(&[("key", key.as_str())]))
}
