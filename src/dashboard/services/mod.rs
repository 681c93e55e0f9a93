//! Services: the list, and the page of one.

pub mod list;
pub mod option;
mod page;
pub mod paths;
pub mod scope_deletion;
pub mod scopes;
pub mod self_revocation;
pub mod show;
pub mod status;
