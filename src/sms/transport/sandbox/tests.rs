use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::domain::message::sms_text::Encoding;
use crate::sms::transport::{MessageId, SegmentId};

const DELAY: Duration = Duration::from_secs(1);

fn sandbox() -> (Sandbox, mpsc::Receiver<CarrierReport>) {
    let (receipts, receiver) = mpsc::channel(16);
    (Sandbox::new(DELAY, receipts), receiver)
}

async fn receipt(reports: &mut mpsc::Receiver<CarrierReport>) -> IncomingReceipt {
    match reports.recv().await {
        Some(CarrierReport::Receipt(receipt)) => receipt,
        other => panic!("{other:?}"),
    }
}

fn to(number: &str) -> Submission {
    Submission {
        segment: SegmentId { message: MessageId::mint(), number: 1 },
        recipient: number.parse().unwrap(),
        sender: None,
        encoding: Encoding::Gsm7,
        payload: b"hello".to_vec(),
        part: None,
        valid_for: Duration::from_secs(60),
    }
}

fn accepted(outcome: SegmentOutcome) -> String {
    match outcome {
        SegmentOutcome::Accepted(carrier_id) => carrier_id.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_number_says_what_the_receipt_is() {
    let (sandbox, mut receipts) = sandbox();
    for (number, state) in [
        ("+420777123456", ReceiptState::Delivered),
        ("+420777123990", ReceiptState::Delivered),
        ("+420777123907", ReceiptState::Delivered),
        ("+420777123997", ReceiptState::Undelivered),
        ("+420777123996", ReceiptState::Rejected),
        ("+420777123995", ReceiptState::Expired),
    ] {
        let start = Instant::now();
        let carrier_id = accepted(sandbox.submit_segment(to(number)).await);
        let IncomingReceipt { receipt, acknowledge } = receipt(&mut receipts).await;
        acknowledge.send(()).unwrap();
        assert_eq!(start.elapsed().as_secs(), 1, "{number}");
        let (error, recipient) = (None, Some(number.to_owned()));
        let carrier_id = CarrierMessageId::new(carrier_id);
        assert_eq!(receipt, DeliveryReceipt { carrier_id, state, error, recipient, message: None });
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_ever_heard_of_994() {
    let (sandbox, mut receipts) = sandbox();
    accepted(sandbox.submit_segment(to("+420777123994")).await);
    let year = Duration::from_secs(365 * 86_400);
    assert!(tokio::time::timeout(year, receipts.recv()).await.is_err());
    assert_eq!(sandbox.capacity(), MAX_PENDING_RECEIPTS);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_segment_is_taken_at_the_third_try() {
    let (sandbox, mut receipts) = sandbox();
    let mut second = to("+420777123999");
    second.payload = b"another".to_vec();
    for _ in 0..2 {
        for segment in [to("+420777123999"), second.clone()] {
            let rejection = CarrierRejection { error: MessageError::Throttled, carrier_code: None };
            assert_eq!(sandbox.submit_segment(segment).await, SegmentOutcome::Throttled { rejection, after: DELAY });
        }
    }
    for segment in [to("+420777123999"), second] {
        let carrier_id = accepted(sandbox.submit_segment(segment).await);
        let IncomingReceipt { receipt, acknowledge } = receipt(&mut receipts).await;
        acknowledge.send(()).unwrap();
        assert_eq!((receipt.carrier_id.as_str(), receipt.state), (carrier_id.as_str(), ReceiptState::Delivered));
    }
    assert!(sandbox.tries.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_invalid_recipient_is_refused_for_good() {
    let (sandbox, _arrivals) = sandbox();
    let rejection = CarrierRejection { error: MessageError::InvalidRecipient, carrier_code: None };
    assert_eq!(sandbox.submit_segment(to("+420777123998")).await, SegmentOutcome::Rejected(rejection));
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_is_not_acknowledged_comes_again() {
    let (sandbox, mut receipts) = sandbox();
    let carrier_id = accepted(sandbox.submit_segment(to("+420777123456")).await);
    drop(receipts.recv().await.unwrap());
    let IncomingReceipt { receipt, acknowledge } = receipt(&mut receipts).await;
    assert_eq!(receipt.carrier_id.as_str(), carrier_id);
    acknowledge.send(()).unwrap();
    assert!(tokio::time::timeout(10 * REDELIVERY_DELAY, receipts.recv()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn receipts_are_given_again_after_a_restart() {
    let (before, _) = sandbox();
    let mut ids = vec!["1234".to_owned(), "sandbox-".to_owned(), "sandbox-x".to_owned()];
    for number in ["+420777123994", "+420777123997", "+420777123456"] {
        ids.push(accepted(before.submit_segment(to(number)).await));
    }
    let (after, mut receipts) = sandbox();
    after.resume(ids.clone());
    for (id, state) in [(&ids[4], ReceiptState::Undelivered), (&ids[5], ReceiptState::Delivered)] {
        let receipt = receipt(&mut receipts).await.receipt;
        assert_eq!((receipt.carrier_id.as_str(), receipt.state, receipt.recipient), (id.as_str(), state, None));
    }
}

#[tokio::test(start_paused = true)]
async fn there_is_room_for_so_many_receipts_and_then_one_waits() {
    let (sandbox, mut receipts) = sandbox();
    for _ in 0..MAX_PENDING_RECEIPTS {
        accepted(sandbox.submit_segment(to("+420777123456")).await);
    }
    assert_eq!(sandbox.capacity(), 0);
    assert_eq!(sandbox.submit_segment(to("+420777123456")).await, SegmentOutcome::NotSent);
    receipt(&mut receipts).await.acknowledge.send(()).unwrap();
    sandbox.ready().await;
    assert_eq!(sandbox.capacity(), 1);
}

#[tokio::test(start_paused = true)]
async fn once_closed_it_takes_nothing() {
    let (sandbox, _arrivals) = sandbox();
    sandbox.close().await;
    assert_eq!(sandbox.capacity(), 0);
    assert_eq!(sandbox.submit_segment(to("+420777123456")).await, SegmentOutcome::NotSent);
    assert!(tokio::time::timeout(DELAY, sandbox.ready()).await.is_err());
}
