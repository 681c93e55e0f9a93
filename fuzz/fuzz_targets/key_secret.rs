//! A key that is taken is given back as it is, and has a digest.
#![no_main]

use keyfob::domain::api_key::secret::KeySecret;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let key = KeySecret::parse(text);
    assert_eq!(key.is_some(), KeySecret::digest_of(text).is_some());
    if let Some(key) = key {
        assert_eq!(key.expose(), text);
        assert!(!key.mask().contains(text));
    }
});
