use std::str::FromStr;

use bytes::BytesMut;
use proptest::prelude::*;
use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::MessageDeliveryRequestTlvValue as Tlv;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{AnyOctetString, COctetString, OctetString};
use rusmpp::values::{EsmClass, MessagePayload, MessageState};
use rusmpp::{Command, CommandStatus, Pdu};
use tokio_util::codec::Encoder;

use super::*;
use crate::sms::transport::smpp::receipt::ReceiptIds;

const DELIVER_SM: u32 = 0x05;
const MARKED: ReceiptDialect = ReceiptDialect { ids: ReceiptIds::AsIs, by_text: false };
const BY_TEXT: ReceiptDialect = ReceiptDialect { ids: ReceiptIds::AsIs, by_text: true };

/// A command as it goes over the wire, without its length.
fn frame(sequence: u32, pdu: impl Into<Pdu>) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    CommandCodec::new().encode(&Command::new(CommandStatus::EsmeRok, sequence, pdu), &mut bytes).unwrap();
    bytes[4..].to_vec()
}

fn read_frame(frame: &[u8], dialect: ReceiptDialect) -> CarrierDelivery {
    read(Header::of(frame).unwrap_or(Header { id: DELIVER_SM, status: 0, sequence: 1 }), frame, dialect)
}

/// What another implementation of SMPP writes.
fn written(esm_class: u8, text: &[u8], tlvs: Vec<Tlv>) -> Vec<u8> {
    let deliver = DeliverSm::builder()
        .source_addr(COctetString::from_str("420777123456").unwrap())
        .esm_class(EsmClass::from(esm_class))
        .short_message(OctetString::from_slice(text).unwrap())
        .tlvs(tlvs);
    frame(9, deliver.build())
}

/// A `deliver_sm` that is written byte by byte: a receipt of this data coding and
/// text, with these bytes behind it.
fn raw(esm_class: u8, data_coding: u8, text: &[u8], behind: &[u8]) -> Vec<u8> {
    let header = [DELIVER_SM, 0, 9].iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let start = [&b"\0\x01\x01420777123456\0\x05\0Shop\0"[..], &[esm_class, 0, 0, 0, 0, 0, 0, data_coding, 0]].concat();
    let length = [u8::try_from(text.len()).unwrap()];
    [&header[..], &start, &length, text, behind].concat()
}

fn receipt(carrier_id: &str, state: ReceiptState, error: Option<&str>) -> CarrierDelivery {
    CarrierDelivery::Receipt(DeliveryReceipt {
        carrier_id: CarrierMessageId::new(carrier_id),
        state,
        error: error.map(str::to_owned),
        recipient: Some("420777123456".to_owned()),
        message: None,
    })
}

fn tlv(tag: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    [&tag.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

fn id_tlv(id: &[u8]) -> Vec<u8> {
    tlv(tag::RECEIPTED_MESSAGE_ID, id)
}

fn ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Lines of receipts: the id, the state and the carrier's code in them.
#[rustfmt::skip]
const LINES: &[(&str, &str, ReceiptState, Option<&str>)] = {
    use ReceiptState::{Accepted, Deleted, Delivered, Enroute, Expired, Rejected, Undelivered, Unknown};
    &[
        // As appendix B has it, and every state of it.
        ("id:7 sub:001 dlvrd:001 submit date:2611230931 done date:2611230932 stat:DELIVRD err:000 text:hello", "7", Delivered, None),
        ("id:7 sub:001 dlvrd:001 submit date:2611230931 done date:2611230932 stat:EXPIRED err:000 text:", "7", Expired, None),
        ("id:7 sub:001 dlvrd:001 submit date:2611230931 done date:2611230932 stat:DELETED err:000 text:x", "7", Deleted, None),
        ("id:7 sub:001 dlvrd:001 submit date:2611230931 done date:2611230932 stat:UNDELIV err:011 text:x", "7", Undelivered, Some("011")),
        ("id:7 sub:001 dlvrd:001 submit date:2611230931 done date:2611230932 stat:ACCEPTD err:000 text:x", "7", Accepted, None),
        ("id:7 sub:001 dlvrd:001 submit date:2611230931 done date:2611230932 stat:UNKNOWN err:000 text:x", "7", Unknown, None),
        ("id:7 sub:001 dlvrd:001 submit date:2611230931 done date:2611230932 stat:REJECTD err:0A7 text:x", "7", Rejected, Some("0A7")),
        ("id:7 sub:001 dlvrd:001 submit date:2611230931 done date:2611230932 stat:ENROUTE err:000", "7", Enroute, None),
        // Other words for what is on the way.
        ("id:7 stat:ACKED err:000", "7", Accepted, None),
        ("id:7 stat:BUFFRED err:000", "7", Enroute, None),
        ("id:7 stat:BUFFERED", "7", Enroute, None),
        // Words in full, in small letters and mixed.
        ("id:7 stat:DELIVERED err:0", "7", Delivered, None),
        ("id:7 stat:delivrd err:000", "7", Delivered, None),
        ("ID:7 Stat:Undelivered Err:45", "7", Undelivered, Some("45")),
        ("id:7 stat:UNDELIVERABLE", "7", Undelivered, None),
        ("id:7 stat:REJECTED err:255", "7", Rejected, Some("255")),
        // Words that SMPP does not have are failures, and are kept.
        ("id:7 stat:ABSENT err:000", "7", Undelivered, Some("ABSENT")),
        ("id:7 stat:NOROUTE err:0A7", "7", Undelivered, Some("NOROUTE 0A7")),
        ("id:7 stat:FAILED err:69", "7", Undelivered, Some("FAILED 69")),
        ("id:7 stat:NO_CREDIT", "7", Undelivered, Some("NO_CREDIT")),
        ("id:7 stat:BLACKLST err:000", "7", Undelivered, Some("BLACKLST")),
        ("id:7 stat:DELIVERY_FAILED err:000", "7", Undelivered, Some("DELIVERY_FAILED")),
        // Fields that are missing or in another order.
        ("id:7 stat:DELIVRD", "7", Delivered, None),
        ("stat:DELIVRD id:7", "7", Delivered, None),
        ("err:011 stat:UNDELIV done date:2611230932 id:7", "7", Undelivered, Some("011")),
        ("id:7 sub:1 dlvrd:0 stat:UNDELIV err:", "7", Undelivered, None),
        (
            "id:7 submit date:20261123093100 done date:20261123093212 stat:DELIVRD err:0 text:-",
            "7",
            Delivered,
            None,
        ),
        // A state without its name.
        ("id:7 sub:001 dlvrd:001 DELIVRD err:000", "7", Delivered, None),
        ("id:7 UNDELIV 011", "7", Undelivered, None),
        ("Delivery report id:7 UNDELIV", "7", Undelivered, None),
        // Spaces behind the colons, several spaces, tabs and line breaks.
        ("id: 7 sub: 001 stat: DELIVRD err: 000 text: hi", "7", Delivered, None),
        ("id:7  sub:001   stat:DELIVRD", "7", Delivered, None),
        ("id:7\tstat:UNDELIV\terr:011", "7", Undelivered, Some("011")),
        ("id:7\r\nstat:DELIVRD\r\n", "7", Delivered, None),
        (" \u{a0}id:7 stat:DELIVRD ", "7", Delivered, None),
        // Commas, semicolons and equals signs.
        ("id:7,sub:001,dlvrd:001,stat:DELIVRD,err:000", "7", Delivered, None),
        ("id:7; stat:EXPIRED; err:027", "7", Expired, Some("027")),
        ("id=7 stat=DELIVRD err=000", "7", Delivered, None),
        ("id:7 status:DELIVRD error:000", "7", Delivered, None),
        // Ids of every kind.
        ("id:0000000F stat:DELIVRD", "0000000F", Delivered, None),
        ("id:5e9f-4b1a-9c3d_2:1 stat:DELIVRD", "5e9f-4b1a-9c3d_2:1", Delivered, None),
        ("id:c0a80001/42 stat:DELIVRD", "c0a80001/42", Delivered, None),
        ("id:9999999999999999999999999999999999999999999999999999999999999999 stat:DELIVRD", "9999999999999999999999999999999999999999999999999999999999999999", Delivered, None),
        // What the message itself says is not believed.
        ("id:7 stat:UNDELIV err:011 text:id:8 stat:DELIVRD", "7", Undelivered, Some("011")),
        ("id:7 stat:UNDELIV Text:DELIVRD", "7", Undelivered, None),
        ("id:7 stat:DELIVRD id:8 stat:UNDELIV err:1", "7", Delivered, Some("1")),
        ("id:7 stat:DELIVRD err:000 text:\u{0}\u{fffd}", "7", Delivered, None),
    ]
};

#[test]
fn receipts_of_real_carriers_mean_what_they_say() {
    assert!(LINES.len() >= 40);
    for (text, id, state, code) in LINES {
        let expected = receipt(id, *state, *code);
        assert_eq!(read_frame(&raw(4, 0, text.as_bytes(), b""), MARKED), expected, "{text:?}");
        if text.len() <= 120 {
            assert_eq!(read_frame(&raw(4, 8, &ucs2(text), b""), MARKED), expected, "{text:?} in UCS-2");
        }
        assert_eq!(read_frame(&raw(4, 8, text.as_bytes(), b""), MARKED), expected, "{text:?} that is no UCS-2");
    }
}

#[test]
fn optional_parameters_are_read_as_far_as_they_can_be() {
    use ReceiptState::{Delivered, Undelivered};
    let line = b"id:7 stat:UNDELIV err:011";
    let state = |value: &[u8]| tlv(tag::MESSAGE_STATE, value);
    for (what, behind, expected) in [
        ("nothing", vec![], receipt("7", Undelivered, Some("011"))),
        ("both parameters", [id_tlv(b"ABC\0"), state(&[2])].concat(), receipt("ABC", Delivered, Some("011"))),
        ("an id without its zero byte", id_tlv(b"ABC"), receipt("ABC", Undelivered, Some("011"))),
        ("an id with spaces", id_tlv(b" ABC \0"), receipt("ABC", Undelivered, Some("011"))),
        ("an empty id", id_tlv(b"\0"), receipt("7", Undelivered, Some("011"))),
        ("an id that is none", id_tlv(b"\xff\xfe\0"), receipt("7", Undelivered, Some("011"))),
        ("a state of two bytes", state(&[0, 2]), receipt("7", Delivered, Some("011"))),
        ("a state of four bytes", state(&[0, 0, 0, 2]), receipt("7", Delivered, Some("011"))),
        ("a state with a zero byte behind it", state(&[2, 0]), receipt("7", Delivered, Some("011"))),
        ("an empty state", state(&[]), receipt("7", Undelivered, Some("011"))),
        ("a state that SMPP does not have", state(&[77]), receipt("7", Undelivered, Some("011"))),
        ("a parameter that is cut off", id_tlv(b"ABCDEF\0")[..7].to_vec(), receipt("7", Undelivered, Some("011"))),
        ("half a header", vec![0, 0x1e, 0], receipt("7", Undelivered, Some("011"))),
        ("a stray zero byte", vec![0], receipt("7", Undelivered, Some("011"))),
        (
            "a stray byte after good ones",
            [id_tlv(b"ABC\0"), vec![0]].concat(),
            receipt("ABC", Undelivered, Some("011")),
        ),
        ("one of a vendor", [tlv(0x1403, b"x"), id_tlv(b"ABC\0")].concat(), receipt("ABC", Undelivered, Some("011"))),
        ("the same twice", [id_tlv(b"ABC\0"), id_tlv(b"X\0")].concat(), receipt("ABC", Undelivered, Some("011"))),
        ("a network error", tlv(tag::NETWORK_ERROR_CODE, &[3, 0, 27]), receipt("7", Undelivered, Some("011"))),
    ] {
        assert_eq!(read_frame(&raw(4, 0, line, &behind), MARKED), expected, "{what}");
    }
    let network_error = [id_tlv(b"7\0"), state(&[5]), tlv(tag::NETWORK_ERROR_CODE, &[3, 0, 27])].concat();
    assert_eq!(read_frame(&raw(4, 0, b"", &network_error), MARKED), receipt("7", Undelivered, Some("027")));
}

#[test]
fn what_another_implementation_writes_is_read() {
    let id = || Tlv::ReceiptedMessageId(COctetString::from_str("ABC").unwrap());
    let text = b"id:7 stat:UNDELIV err:011 text:hi";
    let undelivered = |id| receipt(id, ReceiptState::Undelivered, Some("011"));
    assert_eq!(read_frame(&written(4, text, vec![]), MARKED), undelivered("7"));
    assert_eq!(read_frame(&written(4, text, vec![id()]), MARKED), undelivered("ABC"));
    let fields = vec![id(), Tlv::MessageState(MessageState::Delivered)];
    assert_eq!(read_frame(&written(4, b"", fields), MARKED), receipt("ABC", ReceiptState::Delivered, None));
    let payload = Tlv::MessagePayload(MessagePayload::new(AnyOctetString::from_slice(text)));
    assert_eq!(read_frame(&written(4, b"", vec![payload]), MARKED), undelivered("7"));
    assert_eq!(
        read_frame(&written(0x20, b"id:7 stat:ENROUTE", vec![]), MARKED),
        receipt("7", ReceiptState::Enroute, None)
    );
    let with_header = [&b"\x05\x00\x03\x01\x01\x01"[..], text].concat();
    assert_eq!(read_frame(&written(0x44, &with_header, vec![]), MARKED), undelivered("7"));
}

#[test]
fn what_a_phone_writes_is_no_receipt_unless_the_carrier_marks_none() {
    let line = b"id:7 stat:DELIVRD err:000";
    let from_phone = CarrierDelivery::Ignored(IgnoredDelivery::FromPhone);
    assert_eq!(read_frame(&raw(0, 0, line, b""), MARKED), from_phone);
    assert_eq!(read_frame(&raw(0, 0, line, b""), BY_TEXT), receipt("7", ReceiptState::Delivered, None));
    for text in [&b"hello"[..], b"id:7", b"stat:DELIVRD", b"Your id: 7, thanks"] {
        assert_eq!(read_frame(&raw(0, 0, text, b""), BY_TEXT), from_phone);
    }
    assert_eq!(read_frame(&raw(0x40, 0, b"\x05\0\x03\x01\x02\x01hello", b""), MARKED), from_phone);
    assert_eq!(
        read_frame(&raw(0, 0, b"", &id_tlv(b"7\0")), MARKED),
        CarrierDelivery::Ignored(IgnoredDelivery::WithoutState)
    );
}

#[test]
fn a_receipt_without_an_id_or_a_state_says_nothing() {
    for (text, kind) in [
        ("stat:DELIVRD", IgnoredDelivery::WithoutId),
        ("id: stat:DELIVRD", IgnoredDelivery::WithoutId),
        ("", IgnoredDelivery::WithoutId),
        ("id:7 stat:-1", IgnoredDelivery::WithoutState),
        ("id:7 stat:", IgnoredDelivery::WithoutState),
        ("id:7", IgnoredDelivery::WithoutState),
    ] {
        assert_eq!(read_frame(&raw(4, 0, text.as_bytes(), b""), MARKED), CarrierDelivery::Ignored(kind), "{text}");
    }
    assert_eq!(read_frame(&raw(4, 0, b"", b"")[..30], MARKED), CarrierDelivery::Ignored(IgnoredDelivery::Malformed));
    assert_eq!(read_frame(&[0; 3], MARKED), CarrierDelivery::Ignored(IgnoredDelivery::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// But for a well-formed parameter with another id or state, which is meant.
    #[test]
    fn no_bytes_behind_a_readable_id_and_state_change_what_a_receipt_means(
        in_text in "\\PC{0,60}",
        behind in prop::collection::vec(any::<u8>(), 0..60),
        has_parameters: bool,
    ) {
        let line = format!("id:7 stat:UNDELIV err:011 text:{in_text}");
        let line = &line.as_bytes()[..line.len().min(255)];
        let expected = |id| receipt(id, ReceiptState::Undelivered, Some("011"));
        if has_parameters {
            let parameters = [id_tlv(b"ABC\0"), tlv(tag::MESSAGE_STATE, &[5]), behind].concat();
            prop_assert_eq!(read_frame(&raw(4, 0, line, &parameters), MARKED), expected("ABC"));
        } else {
            let is_meant = |tag: u16| behind.windows(2).any(|bytes| bytes == tag.to_be_bytes());
            prop_assume!(!is_meant(tag::RECEIPTED_MESSAGE_ID) && !is_meant(tag::MESSAGE_STATE));
            prop_assert_eq!(read_frame(&raw(4, 0, line, &behind), MARKED), expected("7"));
        }
    }

    #[test]
    fn any_bytes_can_be_delivered(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        at in any::<prop::sample::Index>(),
        wrong in any::<u8>(),
        is_data_sm: bool,
    ) {
        let id = if is_data_sm { DATA_SM } else { DELIVER_SM };
        read(Header { id, status: 0, sequence: 1 }, &bytes, BY_TEXT);
        let mut almost = raw(4, 0, b"id:7 stat:DELIVRD", &id_tlv(b"7\0"));
        let at = at.index(almost.len());
        almost[at] = wrong;
        read(Header { id, status: 0, sequence: 1 }, &almost, MARKED);
        read(Header { id, status: 0, sequence: 1 }, &almost[..at], MARKED);
    }
}
