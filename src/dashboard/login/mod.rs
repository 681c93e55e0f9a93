//! The ways in: the first start, and the password.

pub mod password;
pub mod setup;
