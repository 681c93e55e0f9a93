//! The addresses of the Services pages.

use crate::dashboard::frame::next_path::NextPath;

/// The entry of the sidebar.
pub(super) const SECTION: &str = "services";
/// The list.
pub(super) const PATH: &str = "/services";
/// The form for a new service.
pub(super) const NEW: &str = "/services/new";

/// The page of a service.
pub(in crate::dashboard) fn path(slug: &str) -> String {
    format!("{PATH}/{slug}")
}

/// The page of a service, where the form of a new scope is filled in again.
pub(super) fn scope_form(slug: &str) -> NextPath {
    NextPath::parse(&path(slug)).with("form", "scope")
}

/// The form of a scope's sentence.
pub(super) fn scope_path(slug: &str, scope: &str) -> String {
    format!("{}/scopes/{scope}", path(slug))
}
