//! SMPP 3.4 over one connection, bound as a transceiver.
//!
//! The crate `rusmpp` encodes and decodes commands. The connection is our own
//! code for two reasons: the queue has to know whether a submit without a response
//! was written, and a malformed command must not end the connection, or the
//! carrier would send it again and again.

mod client;
mod config;
mod connect;
mod frames;
mod link;
mod pdu;
mod pending_submits;
mod rate_limit;
mod receipt;
mod status;
mod supervisor;
mod tls;
mod window;

pub use client::Smpp;
pub use config::SmppConfig;
pub use receipt::ReceiptText;
