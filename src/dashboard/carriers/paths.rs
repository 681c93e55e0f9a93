//! The addresses of the Carriers page.

/// The entry of the sidebar.
pub(super) const SECTION: &str = "carriers";
/// The page.
pub(super) const PATH: &str = "/carriers";
