use proptest::prelude::*;
use rusmpp::CommandStatus;
use rusmpp::tokio_codec::CommandCodec;
use tokio_util::codec::Encoder;

use super::*;
use crate::sms::transport::smpp::dialect::Alphabet;
use crate::sms::transport::{MessageId, SegmentId};

/// A command as it goes over the wire, without its length.
fn frame(sequence: u32, pdu: impl Into<Pdu>) -> Vec<u8> {
    let command = Command::new(CommandStatus::EsmeRok, sequence, pdu);
    let mut bytes = BytesMut::new();
    CommandCodec::new().encode(&command, &mut bytes).unwrap();
    bytes[4..].to_vec()
}

fn submission(sender: Option<&str>, encoding: Encoding, payload: &[u8], part: Option<Part>) -> Submission {
    Submission {
        segment: SegmentId { message: MessageId::mint(), number: 1 },
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
    frame(2, submit(submission, &Dialect::default()).unwrap())[Header::LENGTH..].to_vec()
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
        assert!(submit(&longest, &Dialect::default()).is_some());
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_bytes_can_be_answered(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        Header::of(&bytes);
        message_id(&bytes);
    }
}

/// The body of a submit to a carrier of this dialect, as text.
fn body_for(dialect: &Dialect, submission: &Submission) -> Option<String> {
    let frame = frame(2, submit(submission, dialect)?);
    Some(String::from_utf8_lossy(&frame[Header::LENGTH..]).into_owned())
}

#[test]
fn the_dialect_decides_on_sender_validity_and_alphabet() {
    let to_latin1 = Dialect { alphabet: Alphabet::Latin1, has_validity: false, ..Dialect::default() };
    let named = Dialect { sender: "Shop".parse().ok(), ..Dialect::default() };
    let gsm = submission(None, Encoding::Gsm7, b"\0 \x1b\x28", None);

    assert!(body_for(&named, &gsm).unwrap().starts_with("\0\u{5}\0Shop\0"));
    let own = submission(Some("Own"), Encoding::Gsm7, b"a", None);
    assert!(body_for(&named, &own).unwrap().starts_with("\0\u{5}\0Own\0"));

    let body = body_for(&to_latin1, &gsm).unwrap();
    assert!(body.ends_with("\u{3}@ {") && !body.contains('R'), "{body:?}");
}

#[test]
fn what_the_carriers_alphabet_lacks_goes_out_as_ucs_2_if_it_fits() {
    let dialect = Dialect { alphabet: Alphabet::Ascii, ..Dialect::default() };
    let euro = submission(None, Encoding::Gsm7, b"5 \x1b\x65", None);
    let body = frame(2, submit(&euro, &dialect).unwrap());
    assert!(body.ends_with(b"\x08\0\x06\x005\0 \x20\xac"), "{body:?}");

    let long = submission(None, Encoding::Gsm7, &b"\x1b\x65".repeat(71), None);
    assert!(submit(&long, &dialect).is_none());
}

#[test]
fn own_parameters_are_part_of_the_command() {
    let mut bytes = BytesMut::from(&b"before\0\0\0\x10\0\0\0\x04\0\0\0\0\0\0\0\x02"[..]);
    append_tlvs(&mut bytes, 6, b"\x14\0\0\x0242");
    assert_eq!(&bytes[..], b"before\0\0\0\x16\0\0\0\x04\0\0\0\0\0\0\0\x02\x14\0\0\x0242");
}
