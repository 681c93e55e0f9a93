//! Transports: the connections that messages are sent over, behind one trait.

mod config;
mod interface;
pub mod sandbox;
pub mod smpp;

pub use crate::domain::message::{
    CarrierMessageId, CarrierRejection, DeliveryReceipt, MessageId, ReceiptState, SegmentOutcome,
};
pub use config::TransportConfig;
pub use interface::{
    CarrierReport, IgnoredDelivery, IncomingReceipt, LateResponse, Part, ReportSender, SegmentId, Submission, Transport,
};
