//! Settings of the operator who is logged in, and of the installation.

pub mod instance;
pub mod instance_name;
mod instance_page;
pub mod leak_reports;
pub mod profile;
mod qr_code;
pub mod second_factor;
pub mod second_factor_rule;
mod second_factor_rule_view;
mod second_factor_view;
pub mod sessions;
mod sessions_view;
pub mod shortening;
mod shortening_view;
