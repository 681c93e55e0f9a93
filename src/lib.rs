//! Keyfob: self-hosted API keys for your services, SMS first.
//!
//! The map of the house, top floor first. Arrows go down only.
//!
//! ```text
//! main          starts, and says in one sentence why it can't
//! cli           serve (default), operator add, operator password, credits, backup
//! config        every setting, checked as a whole
//! telemetry     logs
//! shutdown      stops without failing a request
//! app           what is built once: store, gate, HTTP server
//! server        where it listens, and how it takes connections
//! routes        the whole site on one screen
//! web/          HTTP in, HTML or JSON out
//!   front       before any route: connections, and the gate's two questions
//!   pages/      the dashboard, one noun a file: setup login api_keys api_key api_key_creation
//!               api_key_status api_key_callback api_key_deletion messages message
//!               message_creation credits services service connect settings
//!   api/        JSON: verify auth sms_messages balance health openapi; and the text of metrics
//!   errors      one error, three faces: page, fragment, problem details
//!   connections those whose client keeps the server waiting are closed
//!   who asks    session known_browser client_address origin
//!   the frame   state head headers htmx next_path base_url ago amount request_id panics assets view
//! gate/         verdicts on keys, one for every way in: memory, changes elsewhere, uses, counts
//! sms/          takes messages, and takes them from the queue to a carrier: worker line transports,
//!               receipts, sweeper; callbacks to customers
//! domain/       the nouns: account operator password throttle session setup_code installation setting
//!               service api_key key_secret, and of a key its changes, uses and deletion; message
//!               sms_text phone_number sender credit idempotency callback; id cursor and text
//! store/        the database: a door for reads, one for writes, which share commits; schema, column
//!               types, changes that are kept prepared, backup
//! error clock lanes networks random    what every floor uses
//! ```
//!
//! One noun has one name through every layer: `api_keys` is a table in
//! `migrations/`, a file in `domain/` and in `web/pages/`, a folder in
//! `templates/`, and a file in `tests/it/`.

// The C libraries that are built in.
extern crate libsqlite3_sys as _;
extern crate pq_sys as _;

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod error;
pub mod gate;
pub mod lanes;
pub mod networks;
pub mod random;
pub mod routes;
pub mod server;
pub mod shutdown;
pub mod sms;
pub mod store;
pub mod telemetry;
pub mod web;
