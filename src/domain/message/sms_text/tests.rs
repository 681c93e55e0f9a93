use proptest::prelude::*;

use super::*;
use crate::domain::message::gsm7;

fn sms(text: &str) -> SmsText {
    SmsText::parse("text", text).unwrap()
}

fn refusal(text: &str) -> String {
    match SmsText::parse("text", text) {
        Err(Error::Invalid(errors)) => errors.get("text").unwrap_or_default().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Units in each part.
fn sizes(text: &str) -> Vec<usize> {
    let sms = sms(text);
    let bytes = if sms.encoding() == Encoding::Gsm7 { 1 } else { 2 };
    sms.segments().iter().map(|segment| segment.payload.len() / bytes).collect()
}

#[test]
fn the_published_vectors_hold() {
    let a = |count| "a".repeat(count);
    let vectors = [
        (a(160), Encoding::Gsm7, vec![160]),
        (a(161), Encoding::Gsm7, vec![153, 8]),
        ("€".repeat(80), Encoding::Gsm7, vec![160]),
        ("€".repeat(81), Encoding::Gsm7, vec![152, 10]),
        ("é".repeat(160), Encoding::Gsm7, vec![160]),
        ("ы".repeat(70), Encoding::Ucs2, vec![70]),
        ("ы".repeat(71), Encoding::Ucs2, vec![67, 4]),
        ("😀".repeat(35), Encoding::Ucs2, vec![70]),
        ("😀".repeat(36), Encoding::Ucs2, vec![66, 6]),
        (a(152) + "€" + &"b".repeat(10), Encoding::Gsm7, vec![152, 12]),
        ("ç".into(), Encoding::Ucs2, vec![1]),
        ("`".into(), Encoding::Ucs2, vec![1]),
        ("^{}\\[~]|€\u{c}".into(), Encoding::Gsm7, vec![20]),
    ];
    for (text, encoding, units) in vectors {
        assert_eq!(sms(&text).encoding(), encoding, "{text}");
        assert_eq!(sizes(&text), units, "{text}");
        assert_eq!(sms(&text).segment_count(), units.len(), "{text}");
    }
}

#[test]
fn an_accent_typed_apart_stays_in_the_gsm_alphabet() {
    let text = sms("Cafe\u{301}");
    assert_eq!((text.as_str(), text.encoding()), ("Café", Encoding::Gsm7));
}

#[test]
fn payloads_are_septets_or_big_endian_utf16() {
    assert_eq!(sms("a@€").segments()[0].payload, [0x61, 0x00, 0x1b, 0x65]);
    assert_eq!(sms("ы😀").segments()[0].payload, [0x04, 0x4b, 0xd8, 0x3d, 0xde, 0x00]);
}

#[test]
fn what_can_not_be_sent_is_refused_with_a_reason() {
    for blank in ["", " ", "\n\r\n", "\u{a0}"] {
        assert_eq!(refusal(blank), "A text is required.", "{blank:?}");
    }
    assert_eq!(refusal("a\0b"), "A text can't have a NUL character.");
    assert_eq!(sms(&"a".repeat(1530)).segment_count(), 10);
    assert_eq!(sms(&"ы".repeat(670)).segment_count(), 10);
    let too_long = "This text takes 11 segments and 10 is the most: 1530 characters of the GSM alphabet, or 670 when it \
                    has any other.";
    assert_eq!(refusal(&"a".repeat(1531)), too_long);
    assert_eq!(refusal(&"ы".repeat(671)), too_long);
}

/// Texts of both alphabets that are long enough for several parts.
fn texts() -> impl Strategy<Value = String> {
    let gsm = "[a-zA-Z0-9 @£Δ\\n€{}\\[~\\]|^\\\\]{1,700}";
    let any = prop_oneof![Just('😀'), Just('€'), Just('e'), Just('\u{301}'), any::<char>()];
    let mixed = prop::collection::vec(any, 1..300).prop_map(|chars| chars.into_iter().collect());
    prop_oneof![gsm, mixed].prop_filter("blank", |text: &String| !text.trim().is_empty() && !text.contains('\0'))
}

fn decode(encoding: Encoding, payload: &[u8]) -> String {
    match encoding {
        Encoding::Gsm7 => gsm7::decode(payload).unwrap(),
        Encoding::Ucs2 => {
            let units: Vec<u16> = payload.chunks(2).map(|pair| u16::from_be_bytes(pair.try_into().unwrap())).collect();
            String::from_utf16(&units).unwrap()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    /// A part that decodes by itself has no cut pair.
    #[test]
    fn every_part_decodes_by_itself_and_together_they_are_the_text(text in texts()) {
        let sms = sms(&text);
        let segments = sms.segments();
        let decoded: Vec<String> = segments.iter().map(|part| decode(sms.encoding(), &part.payload)).collect();
        prop_assert_eq!(decoded.concat(), sms.as_str());
        prop_assert_eq!(decoded, segments.iter().map(|part| part.text.clone()).collect::<Vec<_>>());
        prop_assert_eq!(segments.len(), sms.segment_count());
        let unit = if sms.encoding() == Encoding::Gsm7 { 1 } else { 2 };
        let room = if segments.len() == 1 { sms.encoding().single() } else { sms.encoding().part() };
        prop_assert!(segments.iter().all(|part| (1..=room).contains(&(part.payload.len() / unit))));
        prop_assert_eq!(sms.as_str().parse::<SmsText>().unwrap(), sms);
    }

    #[test]
    fn segments_are_those_of_another_implementation(text in texts()) {
        let sms = sms(&text);
        let theirs = sms_splitter::SplitSms::default().split(String::from(sms.as_str()));
        let theirs: Vec<String> = theirs.parts.into_iter().map(|part| part.content).collect();
        prop_assert_eq!(sms.segments().into_iter().map(|part| part.text).collect::<Vec<_>>(), theirs);
    }
}
