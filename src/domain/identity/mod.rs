//! Logging in to the dashboard: operators, passwords, sessions and rate limits.

pub mod login_notice;
pub mod operator;
pub mod password;
pub mod session;
pub mod setup_code;
pub mod stored_password;
pub mod throttle;
