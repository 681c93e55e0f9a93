//! Logging in to the dashboard: operators, passwords, sessions and rate limits.

pub mod operator;
pub mod password;
pub mod second_factor;
pub mod session;
pub mod setup_code;
pub mod stored_password;
pub mod throttle;
