//! Carriers over HTTP: one request per message.
//!
//! What a provider's API looks like is data: [`HttpConfig`] holds a template of the
//! request, and rules for reading answers and receipts. It comes from a `twilio://` URL, a
//! file, or a preset.

mod answer;
mod carrier;
mod client;
mod config;
mod file;
mod file_body;
mod link;
mod presets;
mod receipt_rules;
mod receipt_secret;
mod request;
mod settings;
mod signature;
mod template;
mod toml_reader;
mod twilio;
mod variables;
mod written;

use std::time::Duration;

pub use carrier::HttpCarrier;
pub use config::HttpConfig;

/// Asks the carrier's server for its first page, whatever it answers. Blocks the thread.
///
/// # Errors
/// Why there is no answer, as a sentence.
pub(super) fn probe(config: &HttpConfig, timeout: Duration) -> Result<(), String> {
    client::probe(&file::place(&config.request.url), timeout)
}
