//! The ways in: the first start, the password, the second factor, the link for a new
//! password, and the password once more.

mod completion;
pub mod confirmation;
pub mod new_password;
pub mod page_origin;
pub mod password;
mod pending;
pub mod resume;
pub mod second_factor;
pub mod setup;
