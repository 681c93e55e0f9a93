//! Logging in to the dashboard: operators, invitations, passwords, sessions and rate limits.

pub mod invitation;
pub mod link_token;
pub mod login_metrics;
pub mod login_notice;
pub mod operator;
pub mod password;
pub mod password_link;
pub mod second_factor;
pub mod session;
pub mod setup_code;
pub mod stored_password;
pub mod throttle;
