//! The ways in: the first start, the password, the link for a new one, and the password
//! once more.

pub mod confirmation;
pub mod new_password;
pub mod page_origin;
pub mod password;
pub mod resume;
pub mod setup;
