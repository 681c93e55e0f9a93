//! Settings of the operator who is logged in, and of the installation.

pub mod instance;
pub mod instance_name;
mod instance_page;
pub mod profile;
pub mod sessions;
mod sessions_view;
pub mod shortening;
mod shortening_view;
