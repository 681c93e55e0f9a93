//! What Keyfob is about: its nouns, their rules and their queries. One noun a
//! file; every function takes a connection, so that they compose in one
//! transaction. Knows no HTTP.

pub mod account;
pub mod api_key;
pub mod api_key_change;
pub mod api_key_deletion;
pub mod api_key_usage;
pub mod callback;
pub mod credit;
pub mod cursor;
mod gsm7;
pub(crate) mod id;
pub mod idempotency;
pub mod installation;
pub mod key_secret;
pub mod message;
pub mod operator;
pub mod password;
pub mod phone_number;
pub mod sender;
pub mod service;
pub mod session;
pub mod setting;
pub mod setup_code;
pub mod sms_text;
pub mod text;
pub mod throttle;
