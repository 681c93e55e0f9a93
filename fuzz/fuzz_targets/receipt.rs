//! Any bytes can be read as a receipt.
#![no_main]

use keyfob::sms::transport::smpp::ReceiptText;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = ReceiptText::parse(bytes);
    assert!(read.id.is_none_or(|id| id.is_ascii() && (1..=64).contains(&id.len())));
    assert!(read.error.is_none_or(|error| error.is_ascii() && (1..=20).contains(&error.len())));
});
