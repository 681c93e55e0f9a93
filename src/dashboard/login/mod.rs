//! The ways in: the first start, and the password.

mod completion;
pub mod page_origin;
pub mod password;
mod pending;
pub mod second_factor;
pub mod setup;
