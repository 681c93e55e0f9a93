//! Records delivery receipts. A receipt is acknowledged to the carrier after the
//! commit; without an acknowledgement the carrier delivers it again, so none is
//! lost (at least once).

use std::sync::Arc;

use tokio::sync::mpsc;

use super::batch::each;
use super::transport::IncomingReceipt;
use crate::clock::Clock;
use crate::domain::message;
use crate::store::Store;

/// The most receipts in one transaction.
const BATCH_SIZE: usize = 256;

/// Runs until every transport has dropped its sender.
pub(super) async fn run(mut incoming: mpsc::Receiver<IncomingReceipt>, store: Store, clock: Clock) {
    let mut batch = Vec::with_capacity(BATCH_SIZE);
    while incoming.recv_many(&mut batch, BATCH_SIZE).await > 0 {
        let (receipts, acknowledgements): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|IncomingReceipt { receipt, acknowledge }| (receipt, acknowledge)).unzip();
        let (receipts, now) = (Arc::new(receipts), clock.now());
        let written =
            store.write(move |conn| each(conn, &receipts, |conn, receipt| message::receive(conn, receipt, now)));
        match written.await {
            // The connection may have ended since; then nobody receives this.
            Ok(()) => acknowledgements.into_iter().for_each(|acknowledge| acknowledge.send(()).unwrap_or_default()),
            Err(error) => {
                tracing::warn!(%error, "delivery receipts could not be written; the carrier will deliver them again")
            }
        }
    }
}
