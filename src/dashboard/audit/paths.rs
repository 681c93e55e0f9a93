//! The addresses of the Audit page.

/// The entry of the sidebar.
pub(super) const SECTION: &str = "audit";
/// The list.
pub(super) const PATH: &str = "/audit";
