//! Keyfob from the outside: the real server on a real socket, on both databases.
//!
//! One file a noun, as in `src/`; `support/` holds what they share. Every test
//! that touches a database is written once and runs on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on ends there")]

mod support;

mod api_key;
mod api_key_status;
mod api_keys;
mod command_line;
mod connect;
mod headers;
mod health;
mod house;
mod login;
mod origin;
mod outages;
mod proxies;
mod services;
mod sessions;
mod settings;
mod setup;
mod startup;
mod store;
mod verify;
