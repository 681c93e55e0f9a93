//! Segments together are the text, and none is too long.
#![no_main]

use keyfob::domain::message::sms_text::{Encoding, SmsText};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(sms) = text.parse::<SmsText>() else { return };
    let segments = sms.segments();
    assert_eq!(segments.len(), sms.segment_count());
    assert_eq!(segments.iter().map(|segment| segment.text.as_str()).collect::<String>(), sms.as_str());
    let room = if segments.len() == 1 { sms.encoding().single() } else { sms.encoding().part() };
    let unit = if sms.encoding() == Encoding::Gsm7 { 1 } else { 2 };
    for segment in &segments {
        assert!((1..=room * unit).contains(&segment.payload.len()));
    }
    assert_eq!(sms.as_str().parse(), Ok(sms.clone()));
});
