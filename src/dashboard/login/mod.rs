//! The ways in: the first start, and the password.

pub mod page_origin;
pub mod password;
pub mod resume;
pub mod setup;
