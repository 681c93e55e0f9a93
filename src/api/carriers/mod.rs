//! What carriers call.

pub mod receipts;
