//! Who logs in to the dashboard, and how.

pub mod operator;
pub mod password;
pub mod session;
pub mod setup_code;
pub mod stored_password;
pub mod throttle;
