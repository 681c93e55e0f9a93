//! Keyfob: self-hosted API keys for your services, SMS first.
//!
//! The map of the house, top floor first. Arrows go down only; `api` and
//! `dashboard` do not know each other.
//!
//! ```text
//! main > cli > app > routes        config  shutdown  telemetry
//! api/         for programs: gate/ (verify, auth), sms/, ops/ (health, metrics, openapi)
//! dashboard/   for people, one noun a folder: api_keys messages credits services connect settings
//!              login; and the frame around them
//! http/        what both have in common: state, errors as HTTP, headers, where a request comes from
//! server/      listens, watches over connections, drains them
//! gate/        verdicts on keys, one for every way in: cache, change feed, uses, metrics
//! sms/         takes messages from the queue to a carrier: worker, dispatcher, transports, receipts,
//!              sweeper; callbacks to customers
//! domain/      the nouns: account, api_key, identity, message, credit, callback, service, setting,
//!              installation; id, cursor and text
//! store/       the database: a door for reads, one for writes, which share commits; schema, column
//!              types, prepared statements, backup
//! error clock format hex networks random    what every floor uses
//! ```
//!
//! One noun has one name through every layer: `api_keys` is a table in
//! `migrations/`, a folder in `domain/`, `dashboard/` and `templates/`, and a file in `tests/it/`.

// The C libraries that are built in.
extern crate libsqlite3_sys as _;
extern crate pq_sys as _;

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dashboard;
pub mod domain;
pub mod error;
pub mod format;
pub mod gate;
pub mod hex;
pub mod http;
pub mod networks;
pub mod random;
pub mod routes;
pub mod server;
pub mod shutdown;
pub mod sms;
pub mod store;
pub mod telemetry;
