use rusmpp::types::OctetString;
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::task::JoinHandle;

use super::*;
use crate::clock::Clock;
use crate::domain::carrier::CarrierName;
use crate::sms::transport::smpp::frames::ByteStream;
use crate::sms::transport::{CarrierMessageId, DeliveryReceipt, ReceiptState, SegmentOutcome};

/// The carrier's end of a link, which the test plays.
struct FakeCarrier {
    wire: DuplexStream,
    link: Arc<Link>,
    reports: mpsc::Receiver<CarrierReport>,
    end: JoinHandle<String>,
}

const TIMEOUT: Duration = Duration::from_secs(10);
const DELIVERY: &[u8] = b"\0\0\x00420777123456\0\0\0\0\x04\0\0\0\0\0\0\0\0\x16id:7 stat:DELIVRD 1234";

impl FakeCarrier {
    /// A link whose pipe holds `bytes` in each direction.
    fn with_room(bytes: usize) -> Self {
        let (near, wire) = tokio::io::duplex(bytes);
        let (send, reports) = mpsc::channel(16);
        let config = LinkConfig {
            window: 3,
            timeout: TIMEOUT,
            enquire: Duration::from_secs(30),
            receipts: ReceiptDialect::default(),
            tlvs: Vec::new(),
            reports: send,
            metrics: Arc::new(CarrierMetrics::new(CarrierName::default_carrier(), Clock::System)),
        };
        let (link, outgoing) = Link::new(config);
        let (reader, writer) = tokio::io::split(Box::new(near) as Box<dyn ByteStream>);
        let run = Arc::clone(&link);
        let end = tokio::spawn(async move { run.run(IncomingFrames::new(reader), writer, outgoing).await });
        Self { wire, link, reports, end }
    }

    fn new() -> Self {
        Self::with_room(4096)
    }

    async fn say(&mut self, id: u32, status: u32, sequence: u32, body: &[u8]) {
        let length = u32::try_from(16 + body.len()).unwrap();
        let header: Vec<u8> = [length, id, status, sequence].iter().flat_map(|word| word.to_be_bytes()).collect();
        self.wire.write_all(&[&header, body].concat()).await.unwrap();
    }

    /// The next command: id, status and sequence number.
    async fn hear(&mut self) -> (u32, u32, u32) {
        let length = tokio::time::timeout(100 * TIMEOUT, self.wire.read_u32()).await.unwrap().unwrap();
        let mut frame = vec![0; length as usize - 4];
        self.wire.read_exact(&mut frame).await.unwrap();
        let Header { id, status, sequence } = Header::of(&frame).unwrap();
        (id, status, sequence)
    }

    async fn report(&mut self) -> CarrierReport {
        tokio::time::timeout(TIMEOUT, self.reports.recv()).await.unwrap().unwrap()
    }

    async fn receipt(&mut self) -> IncomingReceipt {
        match self.report().await {
            CarrierReport::Receipt(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }

    fn submit(&self) -> JoinHandle<SubmitReply> {
        let link = Arc::clone(&self.link);
        let text = OctetString::from_slice(b"hello").unwrap();
        tokio::spawn(async move { link.submit(segment(), SubmitSm::builder().short_message(text).build()).await })
    }
}

fn segment() -> SegmentId {
    SegmentId { message: "msg_01hz0000000000000000000000".parse().unwrap(), number: 1 }
}

fn said(status: u32, carrier_id: &str) -> SubmitReply {
    SubmitReply::Answered { status, carrier_id: carrier_id.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn answers_find_their_submits_in_any_order() {
    let mut carrier = FakeCarrier::new();
    let submits = [carrier.submit(), carrier.submit(), carrier.submit()];
    for _ in 0..3 {
        assert_eq!(carrier.hear().await.0, id::SUBMIT_SM);
    }
    assert_eq!(carrier.link.free(), 0);
    assert_eq!(carrier.submit().await.unwrap(), SubmitReply::Unanswered { written: false });
    carrier.say(id::SUBMIT_SM_RESP, 0, 4, b"c\0").await;
    carrier.say(id::SUBMIT_SM_RESP, 0x58, 2, b"").await;
    carrier.say(id::GENERIC_NACK, 0x03, 3, b"").await;
    let [first, second, third] = submits;
    assert_eq!(first.await.unwrap(), said(0x58, ""));
    assert_eq!(second.await.unwrap(), said(0x03, ""));
    assert_eq!(third.await.unwrap(), said(0, "c"));
    assert_eq!(carrier.link.free(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_a_submit_that_was_written_is_told_from_one_that_was_not() {
    let mut carrier = FakeCarrier::with_room(16);
    let written = carrier.submit();
    carrier.wire.read_u32().await.unwrap();
    let unwritten = carrier.submit();
    assert_eq!(written.await.unwrap(), SubmitReply::TimedOut);
    assert_eq!(unwritten.await.unwrap(), SubmitReply::Unanswered { written: false });
}

#[tokio::test(start_paused = true)]
async fn when_the_carrier_hangs_up_all_are_told() {
    let mut carrier = FakeCarrier::new();
    let submit = carrier.submit();
    carrier.hear().await;
    drop(carrier.wire);
    assert_eq!(submit.await.unwrap(), SubmitReply::Unanswered { written: true });
    assert_eq!(carrier.end.await.unwrap(), "the carrier hung up");
    assert!(carrier.link.has_ended() && !carrier.link.ready().await);
}

#[tokio::test(start_paused = true)]
async fn a_silent_carrier_is_given_up_and_one_that_answers_is_not() {
    let mut carrier = FakeCarrier::new();
    for _ in 0..5 {
        let (command, _, sequence) = carrier.hear().await;
        assert_eq!(command, id::ENQUIRE_LINK);
        carrier.say(id::RESPONSE | id::ENQUIRE_LINK, 0, sequence, b"").await;
    }
    assert_eq!(carrier.hear().await.0, id::ENQUIRE_LINK);
    assert_eq!(carrier.end.await.unwrap(), "the carrier was silent for 10 s");
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_acknowledged_when_it_is_taken() {
    let mut carrier = FakeCarrier::new();
    carrier.say(id::DELIVER_SM, 0, 77, DELIVERY).await;
    let IncomingReceipt { receipt, acknowledge } = carrier.receipt().await;
    let DeliveryReceipt { carrier_id, recipient, .. } = receipt;
    assert_eq!((carrier_id.as_str(), recipient.as_deref()), ("7", Some("420777123456")));
    assert!(tokio::time::timeout(TIMEOUT, carrier.wire.read_u8()).await.is_err());
    acknowledge.send(()).unwrap();
    assert_eq!(carrier.hear().await, (id::RESPONSE | id::DELIVER_SM, 0, 77));
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_is_not_taken_is_sent_back_for_later() {
    let mut carrier = FakeCarrier::new();
    carrier.say(id::DELIVER_SM, 0, 78, DELIVERY).await;
    drop(carrier.receipt().await);
    assert_eq!(carrier.hear().await, (id::RESPONSE | id::DELIVER_SM, status::TRY_LATER, 78));
}

#[tokio::test(start_paused = true)]
async fn more_receipts_than_can_wait_are_sent_back_for_later() {
    let mut carrier = FakeCarrier::with_room(1 << 20);
    for sequence in 0..=MAX_PENDING_RECEIPTS {
        carrier.say(id::DELIVER_SM, 0, u32::try_from(sequence).unwrap(), DELIVERY).await;
    }
    assert_eq!(
        carrier.hear().await,
        (id::RESPONSE | id::DELIVER_SM, status::QUEUE_FULL, u32::try_from(MAX_PENDING_RECEIPTS).unwrap())
    );
}

#[tokio::test(start_paused = true)]
async fn garbage_and_messages_from_phones_are_acknowledged_and_dropped() {
    let mut carrier = FakeCarrier::new();
    let message = [&DELIVERY[..19], &[0], &DELIVERY[20..]].concat();
    let bodies =
        [&b""[..], b"\xff\xff", &[0xff; 300], &DELIVERY[..30], &message, b"\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\0\0"];
    for (sequence, body) in (1..).zip(bodies) {
        carrier.say(id::DELIVER_SM, 0, sequence, body).await;
        assert_eq!(carrier.hear().await, (id::RESPONSE | id::DELIVER_SM, 0, sequence));
    }
    assert!(carrier.reports.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn every_request_of_the_carrier_is_answered() {
    let mut carrier = FakeCarrier::new();
    carrier.say(id::ENQUIRE_LINK, 0, 5, b"").await;
    assert_eq!(carrier.hear().await, (id::RESPONSE | id::ENQUIRE_LINK, 0, 5));
    carrier.say(0x0777, 0, 6, b"query").await;
    assert_eq!(carrier.hear().await, (id::GENERIC_NACK, status::UNKNOWN_COMMAND, 6));
    carrier.say(id::DATA_SM, 0, 9, b"data_sm").await;
    assert_eq!(carrier.hear().await, (id::RESPONSE | id::DATA_SM, 0, 9));
    carrier.say(id::OUTBIND, 0, 10, b"smsc\0word\0").await;
    carrier.say(id::ALERT_NOTIFICATION, 0, 11, b"\0\x00420777123456\0\0\0\0").await;
    carrier.say(id::RESPONSE | 0x7777, 0, 7, b"").await;
    carrier.say(id::UNBIND, 0, 8, b"").await;
    assert_eq!(carrier.hear().await, (id::UNBIND_RESP, 0, 8));
    assert_eq!(carrier.end.await.unwrap(), "the carrier said goodbye");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_smpp_ends_the_link() {
    for noise in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\0\0\0\0", b"\0\0\0\x05x", b"\0\0\0\x03"] {
        let mut carrier = FakeCarrier::new();
        carrier.wire.write_all(noise).await.unwrap();
        let reason = carrier.end.await.unwrap();
        assert!(reason.starts_with("the connection broke") || reason.contains("not SMPP"), "{noise:?}: {reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn goodbye_waits_for_the_last_answers() {
    let mut carrier = FakeCarrier::new();
    let submit = carrier.submit();
    let (_, _, sequence) = carrier.hear().await;
    let link = Arc::clone(&carrier.link);
    let goodbye = tokio::spawn(async move { link.unbind().await });
    assert!(tokio::time::timeout(TIMEOUT / 2, carrier.wire.read_u8()).await.is_err());
    carrier.say(id::SUBMIT_SM_RESP, 0, sequence, b"7\0").await;
    assert_eq!(submit.await.unwrap(), said(0, "7"));
    goodbye.await.unwrap();
    assert_eq!(carrier.hear().await.0, id::UNBIND);
    assert_eq!(carrier.submit().await.unwrap(), SubmitReply::Unanswered { written: false });
    carrier.say(id::UNBIND_RESP, 0, 4, b"").await;
    assert_eq!(carrier.end.await.unwrap(), "it was ended here");
}

#[tokio::test(start_paused = true)]
async fn a_receipt_in_a_data_sm_is_acknowledged_as_one() {
    let mut carrier = FakeCarrier::new();
    let body = [&b"\0\x01\x01420777123456\0\x05\0Shop\0\x04\0\0"[..], b"\x04\x24\0\x11id:7 stat:DELIVRD"].concat();
    carrier.say(id::DATA_SM, 0, 80, &body).await;
    let IncomingReceipt { receipt, acknowledge } = carrier.receipt().await;
    assert_eq!((receipt.carrier_id.as_str(), receipt.state), ("7", ReceiptState::Delivered));
    acknowledge.send(()).unwrap();
    assert_eq!(carrier.hear().await, (id::RESPONSE | id::DATA_SM, 0, 80));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_reported_with_its_segment() {
    let mut carrier = FakeCarrier::new();
    for (status, body, outcome) in [
        (0, &b"a\0"[..], SegmentOutcome::Accepted(CarrierMessageId::new("a"))),
        (0x0b, b"", status::outcome(0x0b, String::new())),
    ] {
        let submit = carrier.submit();
        let (_, _, sequence) = carrier.hear().await;
        assert_eq!(submit.await.unwrap(), SubmitReply::TimedOut);
        carrier.say(id::SUBMIT_SM_RESP, status, sequence, body).await;
        match carrier.report().await {
            CarrierReport::LateResponse(late) => assert_eq!(late, LateResponse { segment: segment(), outcome }),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_ended_here_waits_for_the_answers_that_still_come() {
    let mut carrier = FakeCarrier::new();
    let (answered, unanswered) = (carrier.submit(), carrier.submit());
    let (_, _, first) = carrier.hear().await;
    carrier.hear().await;
    carrier.link.end("the carrier says that the connection is not bound");
    tokio::task::yield_now().await;
    assert_eq!(carrier.submit().await.unwrap(), SubmitReply::Unanswered { written: false });

    carrier.say(id::SUBMIT_SM_RESP, 0x04, first, b"").await;

    assert_eq!(answered.await.unwrap(), said(0x04, ""));
    assert!(!matches!(unanswered.await.unwrap(), SubmitReply::Answered { .. }));
    assert_eq!(carrier.end.await.unwrap(), "the carrier says that the connection is not bound");
}
