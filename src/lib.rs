//! Keyfob: self-hosted API keys for your services, SMS first.
//!
//! `ARCHITECTURE.md` has the map of the rooms, and walks through three
//! operations with the files that each one passes.

// The C libraries that are built in.
extern crate libsqlite3_sys as _;
extern crate pq_sys as _;

pub mod api;
pub mod app;
pub mod audit_log;
pub mod certificate_fault;
pub mod cli;
pub mod clock;
pub mod config;
pub mod csv;
pub mod dashboard;
pub mod domain;
pub mod environment;
pub mod error;
pub mod folded_text;
pub mod format;
pub mod gate;
pub mod hex;
pub mod http;
pub mod networks;
pub mod random;
pub mod repeats;
pub mod routes;
pub mod secret_text;
pub mod server;
pub mod service_manager;
pub mod shutdown;
pub mod sms;
pub mod store;
pub mod telemetry;
