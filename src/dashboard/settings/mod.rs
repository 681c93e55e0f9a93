//! Settings of the operator who is logged in, and of the installation.

pub mod instance;
pub mod leak_reports;
pub mod profile;
pub mod shortening;
mod shortening_view;
