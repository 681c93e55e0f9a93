//! The API of the SMS service.

pub mod balance;
pub mod message_list;
pub mod messages;
