//! The addresses of the Automate pages.

/// The entry of the sidebar.
pub(in crate::dashboard) const SECTION: &str = "automate";
/// The list of management keys.
pub(in crate::dashboard) const PATH: &str = "/automate";
/// The form for a new one.
pub(super) const NEW: &str = "/automate/new";
