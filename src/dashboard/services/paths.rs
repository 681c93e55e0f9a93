//! The addresses of the Services pages.

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
