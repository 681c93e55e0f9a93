//! Transports: the connections that messages are sent over, behind one trait.

mod config;
mod interface;
pub mod sandbox;
pub mod smpp;

pub use crate::domain::message::{CarrierMessageId, DeliveryReceipt, ReceiptState};
pub use config::TransportConfig;
pub use interface::{CarrierRejection, IncomingReceipt, Part, ReceiptSender, Submission, SubmitOutcome, Transport};
