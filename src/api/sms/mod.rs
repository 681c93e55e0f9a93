//! The SMS service for applications.

pub mod balance;
pub mod messages;
