//! Records what a carrier reports: delivery receipts, and late responses to submits.
//! A receipt is acknowledged to the carrier after the commit; without an
//! acknowledgement the carrier delivers it again, so none is lost (at least once).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::batch::each;
use super::service::Sms;
use super::transport::{CarrierReport, DeliveryReceipt, IncomingReceipt, LateResponse};
use crate::domain::carrier::CarrierName;
use crate::domain::message;
use crate::error::Error;
use crate::store::log_outage;

/// The most reports in one transaction.
const BATCH_SIZE: usize = 256;
/// A late response may overtake the record of the time-out, and the database may
/// fail: then it is recorded again after this delay, this often.
const LATE_RESPONSE_RETRY_DELAY: Duration = Duration::from_secs(1);
const MAX_LATE_RESPONSE_ATTEMPTS: usize = 60;

/// Records the reports of one carrier until its transport has dropped its sender.
pub(super) async fn run(carrier: CarrierName, mut incoming: mpsc::Receiver<CarrierReport>, sms: Sms) {
    let mut batch = Vec::with_capacity(BATCH_SIZE);
    while incoming.recv_many(&mut batch, BATCH_SIZE).await > 0 {
        let (mut receipts, mut acknowledgements) = (Vec::new(), Vec::new());
        for report in batch.drain(..) {
            match report {
                CarrierReport::Receipt(IncomingReceipt { receipt, acknowledge }) => {
                    receipts.push(receipt);
                    acknowledgements.push(acknowledge);
                }
                CarrierReport::LateResponse(response) => {
                    tokio::spawn(record_late_response(response, sms.clone()));
                }
            }
        }
        record_receipts(&carrier, receipts, acknowledgements, &sms).await;
    }
}

async fn record_receipts(
    carrier: &CarrierName,
    receipts: Vec<DeliveryReceipt>,
    acknowledgements: Vec<oneshot::Sender<()>>,
    sms: &Sms,
) {
    if receipts.is_empty() {
        return;
    }
    let (carrier, receipts, now) = (carrier.clone(), Arc::new(receipts), sms.clock.now());
    let carriers = Arc::clone(&sms.carriers);
    let receive = move |conn: &mut _| {
        let is_known = |name: &CarrierName| carriers.get().is_none_or(|carriers| carriers.knows(name));
        each(conn, &receipts, |conn, receipt| message::receive(conn, &carrier, is_known, receipt, now))
    };
    match sms.store.write(receive).await {
        // The connection may have ended since; then nobody receives this.
        Ok(changes) => {
            acknowledgements.into_iter().for_each(|acknowledge| acknowledge.send(()).unwrap_or_default());
            sms.metrics.changed(changes.into_iter().flatten());
        }
        Err(error) => log_outage(&error), // and the carrier delivers them again
    }
}

async fn record_late_response(LateResponse { segment, outcome }: LateResponse, sms: Sms) {
    for _ in 0..MAX_LATE_RESPONSE_ATTEMPTS {
        let (id, number, outcome, now) = (segment.message.clone(), segment.number, outcome.clone(), sms.clock.now());
        match sms.store.write(move |conn| message::settle_late(conn, &id, number, &outcome, now)).await {
            Ok(Some(changes)) => return sms.metrics.changed(changes),
            Err(Error::NotFound) => return,
            Ok(None) => {}
            Err(error) => log_outage(&error), // and it is written later
        }
        sleep(LATE_RESPONSE_RETRY_DELAY).await;
    }
    tracing::error!(message_id = %segment.message, "a late response of the carrier was lost; its outcome stays unknown");
}
