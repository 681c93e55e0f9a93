//! The addresses of the Messages pages.

use crate::domain::message::MessageId;

/// The entry of the sidebar.
pub(super) const SECTION: &str = "messages";
/// The list.
pub(super) const PATH: &str = "/messages";
/// The form for a new message.
pub(super) const NEW: &str = "/messages/new";

/// The page of a message.
pub(in crate::dashboard) fn path(id: &MessageId) -> String {
    format!("{PATH}/{id}")
}
