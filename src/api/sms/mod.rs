//! The API of the SMS service.

pub mod balance;
pub mod messages;
