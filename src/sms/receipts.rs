//! Writes down what carriers tell about segments. A carrier is answered once
//! that is on the disk; without an answer it tells again.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::batch::each;
use super::transport::{IncomingReceipt, Receipt, carrier_id_key};
use crate::clock::Clock;
use crate::domain::message;
use crate::store::Store;

/// Receipts in one transaction at most.
const MOST: usize = 256;

/// Works for as long as a transport can tell something.
pub(super) async fn keep_taking(mut incoming: mpsc::Receiver<IncomingReceipt>, store: Store, clock: Clock) {
    let mut batch = Vec::with_capacity(MOST);
    while incoming.recv_many(&mut batch, MOST).await > 0 {
        let (receipts, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|IncomingReceipt { receipt, taken }| (to_domain(receipt), taken)).unzip();
        let (receipts, now) = (Arc::new(receipts), clock.now());
        let written =
            store.write(move |conn| each(conn, &receipts, |conn, receipt| message::receive(conn, receipt, now)));
        match written.await {
            // Whoever waits for the answer may be gone.
            Ok(()) => answers.into_iter().for_each(|taken| taken.send(()).unwrap_or_default()),
            Err(error) => tracing::warn!(%error, "delivery receipts could not be written; the carrier will tell again"),
        }
    }
}

fn to_domain(receipt: Receipt) -> message::Receipt {
    message::Receipt {
        carrier_key: carrier_id_key(&receipt.carrier_id),
        carrier_id: receipt.carrier_id,
        state: receipt.state,
        error: receipt.error,
        recipient: receipt.recipient,
    }
}
