//! SMPP 3.4 over one connection, bound as a transceiver, or over two.
//!
//! The crate `rusmpp` encodes and decodes commands. The connection is our own
//! code for two reasons: the queue has to know whether a submit without a response
//! was written, and a malformed command must not end the connection, or the
//! carrier would send it again and again.

mod client;
mod config;
mod connect;
mod delivery;
mod dialect;
mod frames;
mod keep_alive;
mod link;
pub(in crate::sms::transport) mod pace;
mod pdu;
mod pending_submits;
mod receipt;
mod stall;
mod status;
mod supervisor;
mod tls;
mod window;

pub use client::Smpp;
pub use config::SmppConfig;
pub use receipt::ReceiptText;

/// Connects to the carrier, and binds if asked to, to see whether it can be used.
///
/// # Errors
/// Why not, as a sentence.
pub(super) async fn probe(config: &SmppConfig, binds: bool) -> Result<(), String> {
    connect::try_out(config, binds).await.map_err(|error| error.to_string())
}
