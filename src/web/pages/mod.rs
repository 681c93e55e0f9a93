//! The dashboard's pages, one noun a file.

pub mod api_key;
pub mod api_key_callback;
pub mod api_key_deletion;
mod api_key_row;
pub mod api_key_status;
pub mod api_keys;
pub mod connect;
pub mod login;
pub mod service;
mod service_option;
pub mod services;
pub mod settings;
pub mod setup;
