//! Carriers over HTTP: one request per message.
//!
//! What a provider's API looks like is data: [`HttpConfig`] holds a template of the
//! request, and rules for reading answers and receipts. It comes from a `twilio://` URL, a
//! file, or a preset.

mod answer;
mod carrier;
mod client;
mod config;
mod link;
mod receipt_rules;
mod receipt_secret;
mod request;
mod signature;
mod template;
mod twilio;
mod written;

pub use carrier::HttpCarrier;
pub use config::HttpConfig;
