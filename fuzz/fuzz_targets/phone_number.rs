//! A number or a sender that is taken is strict, and reads back as itself.
#![no_main]

use keyfob::domain::message::phone_number::PhoneNumber;
use keyfob::domain::message::sender::Sender;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(number) = text.parse::<PhoneNumber>() {
        let digits = number.as_str().strip_prefix('+').expect("a plus sign");
        assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()));
        assert_eq!(number.as_str().parse(), Ok(number.clone()));
    }
    if let Ok(sender) = text.parse::<Sender>() {
        assert!(sender.as_str().is_ascii() && (1..=20).contains(&sender.as_str().len()));
        assert_eq!(sender.as_str().parse(), Ok(sender.clone()));
    }
});
