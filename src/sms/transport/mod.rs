//! Transports: the connections that messages are sent over, behind one trait.

mod config;
pub mod http;
mod interface;
mod probe;
pub mod sandbox;
mod segments;
pub mod smpp;

pub use crate::domain::message::{
    CarrierMessageId, CarrierRejection, DeliveryReceipt, MessageId, ReceiptState, SegmentOutcome,
};
pub use config::TransportConfig;
pub use interface::{
    CarrierReport, IgnoredDelivery, IncomingReceipt, LateResponse, LinkProblem, LinkState, OutgoingMessage, Part,
    PostedReceipt, ReceiptReply, ReportSender, SegmentId, Submission, Transport,
};
pub use probe::ProbeDepth;
pub use segments::SegmentTransport;
