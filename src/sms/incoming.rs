//! What carriers send over HTTP, handed to the carrier's transport.

use super::service::Sms;
use super::transport::{PostedReceipt, ReceiptReply};
use crate::domain::carrier::CarrierName;

impl Sms {
    /// Whether messages are sent by a carrier of this name.
    #[must_use]
    pub fn has_carrier(&self, name: &CarrierName) -> bool {
        self.carriers.get().is_some_and(|carriers| carriers.find(name).is_some())
    }

    /// Takes receipts that somebody sent in the name of a carrier, and waits until they
    /// are recorded.
    pub async fn take_receipt(&self, name: &CarrierName, posted: PostedReceipt) -> ReceiptReply {
        match self.carriers.get().and_then(|carriers| carriers.find(name)) {
            Some(carrier) => carrier.transport.take_receipt(posted).await,
            None => ReceiptReply::NotFound,
        }
    }
}
