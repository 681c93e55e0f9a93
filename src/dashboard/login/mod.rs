//! The ways in: the first start, the password, and the password once more.

pub mod confirmation;
pub mod page_origin;
pub mod password;
pub mod setup;
