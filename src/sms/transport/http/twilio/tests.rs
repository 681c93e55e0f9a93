use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

use super::*;
use crate::sms::transport::http::template::Filling;

const ACCOUNT: &str = "AC00000000000000000000000000000001";

fn fill(config: &HttpConfig, receipt_url: &str) -> super::super::client::ReadyRequest {
    config.request.fill(&Filling {
        to: "+420777123456",
        to_digits: "420777123456",
        from: &config.sender,
        text: "\"Žluť\" & 100 % 😀\n",
        id: "msg_1",
        segments: 1,
        validity_seconds: 90,
        receipt_url,
        is_gsm: false,
    })
}

fn fields(body: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

#[test]
fn a_message_is_one_form_with_the_account_in_the_address() {
    let config =
        parse(&format!("twilio://{ACCOUNT}:t0ken@api.twilio.com?from=%2B15551234567&window=20&rate=5&timeout=7"))
            .unwrap();
    let request = fill(&config, "https://keys.example.com/r?message=msg_1");
    assert_eq!(*request.url, format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    assert_eq!(request.method, "POST");
    let login = BASE64.encode(format!("{ACCOUNT}:t0ken"));
    assert!(request.headers.iter().any(|(name, value)| name == "authorization" && **value == format!("Basic {login}")));
    let expected = [
        ("To", "+420777123456"),
        ("Body", "\"Žluť\" & 100 % 😀\n"),
        ("From", "+15551234567"),
        ("StatusCallback", "https://keys.example.com/r?message=msg_1"),
        ("ValidityPeriod", "90"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(fields(request.body.as_ref().unwrap()), expected);
    assert_eq!((config.limits.window, config.limits.timeout.as_secs()), (20, 7));
    assert_eq!(config.limits.rate.map(std::num::NonZeroU32::get), Some(5));
}

#[test]
fn a_messaging_service_and_an_api_key_take_the_place_of_sender_and_account() {
    let url = format!("twilio://SK1:secret@api.twilio.com?account={ACCOUNT}&messaging_service=MG7");
    let config = parse(&url).unwrap();
    let request = fill(&config, "");
    assert!(request.url.contains(ACCOUNT), "{}", *request.url);
    let names: Vec<String> = fields(request.body.as_ref().unwrap()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["To", "Body", "ValidityPeriod", "MessagingServiceSid"], "what is empty is left out");
    // An API key signs nothing.
    assert!(config.receipts.as_ref().unwrap().signed_with.is_none());
    let config = parse(&format!("twilio://{ACCOUNT}:t@api.twilio.com?messaging_service=MG7")).unwrap();
    assert!(config.receipts.unwrap().signed_with.is_some());
}

#[test]
fn an_emulator_has_to_be_on_this_machine() {
    for host in ["127.0.0.1:4013", "localhost:4013", "[::1]:4013"] {
        let config = parse(&format!("twilio+http://{ACCOUNT}:t@{host}?from=Shop")).unwrap();
        assert!(fill(&config, "").url.starts_with(&format!("http://{host}/")));
    }
    let problem = parse(&format!("twilio+http://{ACCOUNT}:t@api.twilio.com?from=Shop")).unwrap_err();
    assert!(problem.contains("in the clear"), "{problem}");
}

#[test]
fn a_wrong_url_is_explained_without_its_secrets() {
    for (url, words) in [
        ("twilio://ACx:t0ken@api.twilio.com", "names no sender"),
        ("twilio://ACx:t0ken@api.twilio.com?from=+15551234567", "write from=%2B15551234567"),
        ("twilio://ACx:t0ken@api.twilio.com?from=15551234567", "write from=%2B15551234567"),
        ("twilio://ACx:t0ken@api.twilio.com?from=Shop&width=3", "\"width\""),
        ("twilio://ACx:t0ken@api.twilio.com?from=Shop&window=101", "window is a number from 1 to 100"),
        ("twilio://ACx:t0ken@api.twilio.com?messaging_service=7", "begins with MG"),
        ("twilio://ACx:t0ken@api.twilio.com/path?from=Shop", "behind the host"),
        ("twilio://ACx@api.twilio.com?from=Shop", "no token"),
        ("twilio://me:t0ken@api.twilio.com?from=Shop", "neither an account"),
        ("twilio://SK1:t0ken@api.twilio.com?from=Shop", "account=AC"),
        ("twilio://ACx:t0@ken@api.twilio.com?from=Shop", "one @"),
        ("twilio://api.twilio.com?from=Shop", "one @"),
    ] {
        let problem = parse(url).unwrap_err();
        assert!(problem.contains(words), "{url}: {problem}");
        assert!(!problem.contains("t0"), "{problem}");
    }
}

#[test]
fn debug_and_display_show_no_token() {
    let config = parse(&format!("twilio://{ACCOUNT}:t0ken@api.twilio.com?from=Shop")).unwrap();
    assert_eq!(config.to_string(), format!("twilio://{ACCOUNT}@api.twilio.com"));
    let debug = format!("{config:?} {:?} {:?}", config.request, config.receipts);
    assert!(!debug.contains("t0ken"), "{debug}");
}
