//! The dashboard's pages, one noun a file.

pub mod api_key;
pub mod api_key_callback;
pub mod api_key_creation;
pub mod api_key_deletion;
mod api_key_row;
pub mod api_key_status;
pub mod api_keys;
pub mod connect;
pub mod credits;
mod first_request;
mod ledger_row;
pub mod login;
pub mod message;
mod message_callback;
pub mod message_creation;
mod message_filter;
mod message_row;
mod message_words;
pub mod messages;
pub mod service;
mod service_option;
pub mod services;
pub mod settings;
pub mod setup;
