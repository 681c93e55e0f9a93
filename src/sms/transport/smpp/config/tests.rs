use super::*;

fn problem(url: &str) -> String {
    url.parse::<SmppConfig>().unwrap_err()
}

#[test]
fn a_url_without_parameters_has_sensible_settings() {
    let config: SmppConfig = "smpp://keyfob:s3cret@smsc.example".parse().unwrap();
    assert_eq!((config.host.as_str(), config.port, config.window), ("smsc.example", 2775, 10));
    assert_eq!((config.rate, config.timeout.as_secs(), config.enquire.as_secs()), (None, 10, 20));
    assert_eq!((config.system_id.as_str(), config.password.expose()), ("keyfob", "s3cret"));
    assert!(config.tls.is_none());
}

#[test]
fn every_parameter_is_taken() {
    let url = "smpp://u%40x:p%2F%23@[::1]:99?window=50&rate=100&timeout=5&enquire=60&system_type=VMA\
               &short_code_ton=0&receipt_ids=hex&bind=separate&password_limit=off&sender=Shop&alphabet=latin1\
               &validity=none&receipts=text&tlv=0x1400:42&tlv=0x1401:A%00";
    let config: SmppConfig = url.parse().unwrap();
    assert_eq!((config.host.as_str(), config.port), ("::1", 99));
    assert_eq!((config.system_id.as_str(), config.password.expose()), ("u@x", "p/#"));
    assert_eq!((config.window, config.rate.map(NonZeroU32::get)), (50, Some(100)));
    assert_eq!((config.timeout.as_secs(), config.enquire.as_secs()), (5, 60));
    assert_eq!((config.system_type.as_str(), config.dialect.short_code_ton), ("VMA", 0));
    assert_eq!(config.receipts, ReceiptDialect { ids: ReceiptIds::Hex, by_text: true });
    assert_eq!(config.dialect.sender.as_ref().map(|sender| sender.as_str()), Some("Shop"));
    assert_eq!((config.dialect.alphabet, config.dialect.has_validity), (Alphabet::Latin1, false));
    assert!(config.has_separate_binds);
    assert_eq!(config.tlvs, b"\x14\x00\x00\x0242\x14\x01\x00\x02A\x00");
    assert_eq!(config.to_string(), "smpp://u@x@[::1]:99");
}

#[test]
fn smpps_is_tls() {
    let config: SmppConfig = "smpps://u:p@smsc.example:3550".parse().unwrap();
    assert!(config.tls.is_some());
    assert_eq!(config.to_string(), "smpps://u@smsc.example:3550");
}

#[test]
fn what_is_wrong_is_told_in_one_sentence_without_the_password() {
    for (url, words) in [
        ("", "can't be read"),
        ("smpp:sm0kesig", "no host"),
        ("http://u:sm0kesig@x", "neither smpp:// nor smpps://"),
        ("smpp://", "no host"),
        ("smpp://x:2775", "no user"),
        ("smpp://u:sm0kesig@x:99999", "can't be read"),
        ("smpp://u:sm0kesig/@x", "as %2F"),
        ("smpp://u:sm0@kesig@x", "an @ too many"),
        ("smpp://u:12?sm0kesig=1@x", "as %3F"),
        ("smpp://u:sm0%kesig@x", "a % that begins no code"),
        ("smpp://u:sm0kesig@x#y", "behind the host"),
        ("smpp://u:sm0kesig99@x", "the password in the SMPP URL has 10 characters; SMPP takes 8"),
        ("smpp://u:sm0kesig99@x", "unless the URL has password_limit=off"),
        ("smpp://u:sm0kesig@x?password_limit=0", "password_limit is on or off"),
        ("smpp://u:sm0kesig@x?sender=", "is no sender"),
        ("smpp://u:sm0kesig@x?tlv=1400:5", "a tag and a text"),
        ("smpp://u:sm0kesig@x?tlv=0x14000:5", "a tag and a text"),
        ("smpp://u:sm0kesig@x?alphabet=utf8", "alphabet is gsm or latin1 or ascii"),
        ("smpp://u:%C5%BE@x", "the password in the SMPP URL has to be ASCII"),
        ("smpp://u:%FF@x", "have to be ASCII"),
        ("smpp://abcdefghijklmnop:x@x", "the user in the SMPP URL has 16 characters; SMPP takes 15"),
        ("smpp://u:sm0kesig@x?window=0", "window is a number from 1 to 1000"),
        ("smpp://u:sm0kesig@x?rate=fast", "rate is a number from 1 to 100000"),
        ("smpp://u:sm0kesig@x?system_type=abcdefghijklm", "has 13 characters; SMPP takes 12"),
        ("smpp://u:sm0kesig@x?receipt_ids=octal", "as_is or hex or decimal"),
        ("smpp://u:sm0kesig@x?widnow=1", "does not know"),
        ("smpp://u:sm0kesig@x?ca=/x", "write smpps://"),
        ("smpps://u:sm0kesig@x?ca=/nowhere/ca.pem", "/nowhere/ca.pem"),
    ] {
        let problem = problem(url);
        assert!(problem.contains(words), "{url}: {problem}");
        assert!(!problem.contains("sm0kesig"), "{problem}");
    }
}

#[test]
fn the_password_is_shown_nowhere() {
    let config: SmppConfig = "smpp://u:sm0kesig@x".parse().unwrap();
    let shown = format!("{config} {config:?} {:?}", config.password);
    assert!(!shown.contains("sm0kesig"), "{shown}");
}

#[test]
fn a_password_of_15_characters_is_taken_when_its_limit_is_off() {
    let config: SmppConfig = "smpp://u:sm0kesig-sm0kes@x?password_limit=off".parse().unwrap();
    assert_eq!(config.password.expose(), "sm0kesig-sm0kes");
}
