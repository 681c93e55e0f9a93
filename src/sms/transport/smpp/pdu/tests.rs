use proptest::prelude::*;
use rusmpp::CommandStatus;
use rusmpp::tlvs::MessageDeliveryRequestTlvValue;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::values::MessagePayload;
use tokio_util::codec::Encoder;

use super::*;

/// A command as it goes over the wire, without its length.
fn frame(sequence: u32, pdu: impl Into<Pdu>) -> Vec<u8> {
    let command = Command::new(CommandStatus::EsmeRok, sequence, pdu);
    let mut bytes = BytesMut::new();
    CommandCodec::new().encode(&command, &mut bytes).unwrap();
    bytes[4..].to_vec()
}

fn submission(sender: Option<&str>, encoding: Encoding, payload: &[u8], part: Option<Part>) -> Submission {
    Submission {
        recipient: "+420777123456".parse().unwrap(),
        sender: sender.map(|sender| sender.parse().unwrap()),
        encoding,
        payload: payload.to_vec(),
        part,
        valid_for: Duration::from_secs(2 * 86_400 + 3 * 3600 + 4 * 60 + 5),
    }
}

/// The body of a submit, as bytes.
fn body(submission: &Submission) -> Vec<u8> {
    frame(2, submit(submission, 3).unwrap())[Header::LENGTH..].to_vec()
}

#[test]
fn a_single_segment_is_written_as_smpp_has_it() {
    let expected =
        [&b"\0\x05\0Dashboard\0\x01\x01420777123456\0"[..], b"\x00\0\0\x00000002030405000R\0\x01\0\x00\0\x03a\x1be"];
    assert_eq!(body(&submission(Some("Dashboard"), Encoding::Gsm7, b"a\x1be", None)), expected.concat());
}

#[test]
fn a_part_has_a_header_that_tells_its_place() {
    let part = Part { reference: 0xab, total: 3, number: 2 };
    let expected = [
        &b"\0\x01\x01420123456789\0\x01\x01420777123456\0"[..],
        b"\x40\0\0\x00000002030405000R\0\x01\0\x08\0\x08\x05\x00\x03\xab\x03\x02\x04\x4b",
    ];
    let submission = submission(Some("+420123456789"), Encoding::Ucs2, &[0x04, 0x4b], Some(part));
    assert_eq!(body(&submission), expected.concat());
}

#[test]
fn a_short_code_and_no_sender_have_types_of_their_own() {
    let start = |sender| body(&submission(sender, Encoding::Gsm7, b"a", None))[..7].to_vec();
    assert_eq!(start(Some("12345")), b"\0\x03\x0012345"[..7]);
    assert_eq!(start(None), b"\0\0\0\0\x01\x014");
}

#[test]
fn a_validity_is_a_second_to_thirty_days() {
    for (seconds, text) in [
        (0, "000000000001000R"),
        (59, "000000000059000R"),
        (86_399, "000000235959000R"),
        (86_400, "000001000000000R"),
        (u64::MAX, "000030000000000R"),
    ] {
        assert_eq!(relative(Duration::from_secs(seconds)), text);
    }
}

#[test]
fn the_longest_of_everything_fits() {
    let part = Part { reference: 1, total: 10, number: 10 };
    for (sender, encoding, units) in [("+123456789012345", Encoding::Gsm7, 153), ("12345678901", Encoding::Ucs2, 134)] {
        let mut longest = submission(None, encoding, &vec![b'a'; units], Some(part));
        longest.recipient = "+123456789012345".parse().unwrap();
        longest.sender = sender.parse().ok();
        assert!(submit(&longest, 0).is_some());
    }
}

#[test]
fn an_id_is_read_from_whatever_the_carrier_answers() {
    let header = [0; Header::LENGTH];
    for (body, id) in
        [(&b"0A1b\0"[..], "0A1b"), (b"", ""), (b"\0\0", ""), (b" 7 \0rest", "7"), (b"7", "7"), (b"\xff\0", "\u{fffd}")]
    {
        assert_eq!(message_id(&[&header, body].concat()), id);
    }
    assert_eq!(message_id(&[&header[..], &[b'9'; 100]].concat()).len(), 64);
    assert_eq!(message_id(&[]), "");
}

fn deliver(esm_class: u8, text: &[u8], tlvs: Vec<MessageDeliveryRequestTlvValue>) -> DeliverSmContent {
    let deliver = DeliverSm::builder()
        .source_addr(COctetString::from_str("420777123456").unwrap())
        .esm_class(EsmClass::from(esm_class))
        .short_message(OctetString::from_slice(text).unwrap())
        .tlvs(tlvs);
    deliver_sm_content(&frame(9, deliver.build()), ReceiptIds::AsIs)
}

fn receipt(carrier_id: &str, state: ReceiptState, error: Option<&str>) -> DeliverSmContent {
    let (carrier_id, error) = (carrier_id.to_owned(), error.map(str::to_owned));
    DeliverSmContent::Receipt(DeliveryReceipt {
        carrier_id: CarrierMessageId::new(carrier_id),
        state,
        error,
        recipient: Some("420777123456".to_owned()),
    })
}

#[test]
fn a_receipt_is_read_from_its_text_from_its_fields_or_from_both() {
    use MessageDeliveryRequestTlvValue as Tlv;
    let id = || Tlv::ReceiptedMessageId(COctetString::from_str("ABC").unwrap());
    let state = |state| Tlv::MessageState(state);
    let text = b"id:7 stat:UNDELIV err:011 text:hi";
    assert_eq!(deliver(4, text, vec![]), receipt("7", ReceiptState::Undelivered, Some("011")));
    let fields = vec![id(), state(MessageState::Delivered)];
    assert_eq!(deliver(4, b"", fields), receipt("ABC", ReceiptState::Delivered, None));
    let both = vec![id(), state(MessageState::Expired)];
    assert_eq!(deliver(4, text, both), receipt("ABC", ReceiptState::Expired, Some("011")));
    assert_eq!(deliver(4, text, vec![id()]), receipt("ABC", ReceiptState::Undelivered, Some("011")));
    let payload = Tlv::MessagePayload(MessagePayload::new(rusmpp::types::AnyOctetString::from_slice(text)));
    assert_eq!(deliver(4, b"", vec![payload]), receipt("7", ReceiptState::Undelivered, Some("011")));
    let interim = b"id:7 stat:ENROUTE";
    assert_eq!(deliver(0x20, interim, vec![]), receipt("7", ReceiptState::Enroute, None));
}

#[test]
fn what_a_phone_writes_is_no_receipt() {
    assert_eq!(deliver(0, b"id:7 stat:DELIVRD err:000", vec![]), DeliverSmContent::Message);
    assert_eq!(deliver(0x40, b"\x05\0\x03\x01\x02\x01hello", vec![]), DeliverSmContent::Message);
}

#[test]
fn a_receipt_without_an_id_or_a_state_is_garbage() {
    assert_eq!(deliver(4, b"stat:DELIVRD", vec![]), DeliverSmContent::Garbage("is a receipt without an id"));
    assert_eq!(deliver(4, b"id:7 stat:-1", vec![]), DeliverSmContent::Garbage("is a receipt without a state"));
    assert_eq!(deliver_sm_content(&[0; 3], ReceiptIds::AsIs), DeliverSmContent::Garbage("is malformed"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_bytes_can_be_delivered(
        mut bytes in prop::collection::vec(any::<u8>(), 0..120),
        at in any::<prop::sample::Index>(),
        wrong in any::<u8>(),
    ) {
        Header::of(&bytes);
        message_id(&bytes);
        if bytes.len() > 4 {
            bytes[..4].copy_from_slice(&5_u32.to_be_bytes());
        }
        deliver_sm_content(&bytes, ReceiptIds::Hex);
        let deliver = DeliverSm::builder().short_message(OctetString::from_slice(b"id:7 stat:DELIVRD").unwrap()).build();
        let mut almost = frame(1, deliver);
        let at = at.index(almost.len());
        almost[at] = wrong;
        deliver_sm_content(&almost, ReceiptIds::Decimal);
        deliver_sm_content(&almost[..at], ReceiptIds::Decimal);
    }
}
