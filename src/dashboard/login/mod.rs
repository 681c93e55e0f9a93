//! The ways in: the first start, the password, and the link for a new one.

pub mod new_password;
pub mod page_origin;
pub mod password;
pub mod resume;
pub mod setup;
