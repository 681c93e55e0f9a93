//! The addresses of the Services pages.

/// The entry of the sidebar.
pub(super) const SECTION: &str = "services";
/// The list.
pub(super) const PATH: &str = "/services";
