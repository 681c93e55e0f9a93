use serde_json::{Value, json};

use super::*;
use crate::domain::message::ReceiptState;
use crate::sms::transport::PostedReceipt;
use crate::sms::transport::http::answer::Judgement;
use crate::sms::transport::http::client::{HttpAnswer, ReadyRequest};
use crate::sms::transport::http::template::{Filling, SAMPLE};

/// What a preset makes of a message, of an answer and of a receipt, as its provider
/// documents them.
struct Example {
    url: &'static str,
    address: &'static str,
    /// The body, or the query of a GET, read.
    sent: Value,
    answer: (u16, &'static str),
    id: &'static str,
    /// Body and query of a receipt.
    receipt: (&'static str, &'static str),
    state: ReceiptState,
    code: Option<&'static str>,
}

const RECEIPT_URL: &str = "https://keys.example.com/r?message=msg_1";

fn filling(text: &'static str) -> Filling<'static> {
    Filling { from: "Shop", text, receipt_url: RECEIPT_URL, is_gsm: text.is_ascii(), ..SAMPLE }
}

fn examples() -> Vec<Example> {
    [of_companies(), of_more_companies(), of_gateways(), of_phones()].into_iter().flatten().collect()
}

fn of_companies() -> Vec<Example> {
    vec![
        Example {
            url: "http-preset://46elks?username=u&password=s3cret&from=Shop",
            address: "POST https://api.46elks.com/a1/sms",
            sent: json!({"to": "+15005550006", "from": "Shop", "message": "Hello", "whendelivered": RECEIPT_URL}),
            answer: (200, r#"{"status": "created", "id": "s17a6dafb12d6b1cabc053d57dac2b9d8", "parts": 1}"#),
            id: "s17a6dafb12d6b1cabc053d57dac2b9d8",
            receipt: ("id=s17a6dafb12d6b1cabc053d57dac2b9d8&status=delivered&delivered=2026-03-01T12%3A00%3A00", ""),
            state: ReceiptState::Delivered,
            code: None,
        },
        Example {
            url: "http-preset://infobip?host=x1.api.infobip.com&api_key=s3cret&from=Shop",
            address: "POST https://x1.api.infobip.com/sms/3/messages",
            sent: json!({"messages": [{"sender": "Shop", "destinations": [{"to": "15005550006"}],
                "content": {"text": "Hello"}, "options": {"validityPeriod": {"amount": 60, "timeUnit": "MINUTES"}},
                "webhooks": {"delivery": {"url": RECEIPT_URL}, "contentType": "application/json"}}]}),
            answer: (
                200,
                r#"{"bulkId": "1", "messages": [{"messageId": "2250be2d4219", "status": {"groupId": 1,
                "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}, "destination": "15005550006"}]}"#,
            ),
            id: "2250be2d4219",
            receipt: (
                r#"{"results": [{"messageId": "2250be2d4219", "to": "15005550006", "status": {"groupId": 2,
                "groupName": "UNDELIVERABLE"}, "error": {"id": 1, "name": "EC_UNKNOWN_SUBSCRIBER"}}]}"#,
                "",
            ),
            state: ReceiptState::Undelivered,
            code: Some("1"),
        },
        Example {
            url: "http-preset://plivo?auth_id=MA1&auth_token=s3cret&from=Shop",
            address: "POST https://api.plivo.com/v1/Account/MA1/Message/",
            sent: json!({"src": "Shop", "dst": "15005550006", "text": "Hello", "url": RECEIPT_URL, "method": "POST"}),
            answer: (202, r#"{"api_id": "1", "message": "message(s) queued", "message_uuid": ["db3ce55a-7f1d"]}"#),
            id: "db3ce55a-7f1d",
            receipt: ("MessageUUID=db3ce55a-7f1d&Status=undelivered&ErrorCode=300&To=15005550006", ""),
            state: ReceiptState::Undelivered,
            code: Some("300"),
        },
    ]
}

fn of_more_companies() -> Vec<Example> {
    vec![
        Example {
            url: "http-preset://telnyx?api_key=s3cret&from=Shop",
            address: "POST https://api.telnyx.com/v2/messages",
            sent: json!({"from": "Shop", "to": "+15005550006", "text": "Hello", "webhook_url": RECEIPT_URL}),
            answer: (200, r#"{"data": {"id": "40385f64-5717", "to": [{"status": "queued"}]}}"#),
            id: "40385f64-5717",
            receipt: (
                r#"{"data": {"event_type": "message.finalized", "id": "4ee8", "payload": {"id": "40385f64-5717",
                "to": [{"status": "delivery_failed"}], "errors": [{"code": "40008"}]}}}"#,
                "",
            ),
            state: ReceiptState::Undelivered,
            code: Some("40008"),
        },
        Example {
            url: "http-preset://vonage?api_key=k&api_secret=s3cret&from=Shop",
            address: "POST https://api.nexmo.com/v1/messages",
            sent: json!({"message_type": "text", "channel": "sms", "from": "Shop", "to": "15005550006", "text": "Hello",
                "client_ref": SAMPLE.id, "webhook_url": RECEIPT_URL, "webhook_version": "v1"}),
            answer: (202, r#"{"message_uuid": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"}"#),
            id: "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
            receipt: (
                r#"{"message_uuid": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab", "status": "rejected",
                "error": {"type": "https://developer.vonage.com/api-errors/messages#1260", "title": 1260}}"#,
                "",
            ),
            state: ReceiptState::Rejected,
            code: Some("1260"),
        },
    ]
}

fn of_gateways() -> Vec<Example> {
    vec![
        Example {
            url: "http-preset://jasmin?username=u&password=s3cret",
            address: "POST http://127.0.0.1:1401/send",
            sent: json!({"username": "u", "password": "s3cret", "to": "15005550006", "from": "Shop", "content": "Hello",
                "coding": "0", "validity-period": "60", "dlr": "yes", "dlr-level": "2", "dlr-method": "POST",
                "dlr-url": RECEIPT_URL}),
            answer: (200, "Success \"07033084-5cfd-4812-90a4-e4d24ffb6e3d\""),
            id: "07033084-5cfd-4812-90a4-e4d24ffb6e3d",
            receipt: ("id=07033084-5cfd-4812-90a4-e4d24ffb6e3d&level=2&message_status=UNDELIV&err=011", "message=x"),
            state: ReceiptState::Undelivered,
            code: Some("011"),
        },
        Example {
            url: "http-preset://kannel?username=u&password=s3cret",
            address: "GET http://127.0.0.1:13013/cgi-bin/sendsms",
            sent: json!({"username": "u", "password": "s3cret", "to": "+15005550006", "from": "Shop", "text": "Hello",
                "charset": "UTF-8", "coding": "0", "validity": "60", "dlr-mask": "19",
                "dlr-url": format!("{RECEIPT_URL}&status=%d")}),
            answer: (202, "0: Accepted for delivery"),
            id: "",
            receipt: ("", "message=msg_01kjmma2g0e4ma4jz41b93y214&status=2"),
            state: ReceiptState::Undelivered,
            code: None,
        },
    ]
}

fn of_phones() -> Vec<Example> {
    vec![
        Example {
            url: "http-preset://sms-gate?username=u&password=s3cret",
            address: "POST https://api.sms-gate.app/3rdparty/v1/messages",
            sent: json!({"textMessage": {"text": "Hello"}, "phoneNumbers": ["+15005550006"], "ttl": 3600,
                "withDeliveryReport": true}),
            answer: (202, r#"{"id": "PyDmBQZZXYmyxMwED8Fzy", "state": "Pending"}"#),
            id: "PyDmBQZZXYmyxMwED8Fzy",
            receipt: (
                r#"{"deviceId": "f", "event": "sms:failed", "id": "Ey6", "payload": {"messageId":
                "PyDmBQZZXYmyxMwED8Fzy", "reason": "no service"}}"#,
                "",
            ),
            state: ReceiptState::Undelivered,
            code: Some("no service"),
        },
        Example {
            url: "http-preset://textbee?device_id=64a&api_key=s3cret",
            address: "POST https://api.textbee.dev/api/v1/gateway/devices/64a/send-sms",
            sent: json!({"recipients": ["+15005550006"], "message": "Hello"}),
            answer: (201, r#"{"data": {"success": true, "smsBatchId": "66f1", "recipientCount": 1}}"#),
            id: "66f1",
            receipt: (r#"{"smsId": "1", "smsBatchId": "66f1", "webhookEvent": "MESSAGE_DELIVERED"}"#, ""),
            state: ReceiptState::Delivered,
            code: None,
        },
    ]
}

/// The fields that a request hands over.
fn read_request(request: &ReadyRequest) -> (String, Value) {
    let (address, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let body = request.body.as_ref().map_or(query, |body| body.as_str());
    let fields =
        || url::form_urlencoded::parse(body.as_bytes()).into_owned().map(|(name, value)| (name, Value::from(value)));
    let sent = serde_json::from_str(body).unwrap_or_else(|_| Value::Object(fields().collect()));
    (format!("{} {address}", request.method), sent)
}

#[test]
fn every_preset_speaks_as_its_provider_documents_it() {
    let examples = examples();
    assert_eq!(examples.len(), PRESETS.len());
    for Example { url, address, sent, answer: (status, body), id, receipt, state, code } in examples {
        let config = parse_url(url).unwrap();
        assert_eq!(read_request(&config.request.fill(&filling("Hello"))), (address.to_owned(), sent), "{url}");

        let answer = HttpAnswer { status, retry_after: None, is_html: false, body: body.to_owned() };
        match config.answers.judge("it", &answer) {
            Judgement::Accepted(carrier_id) => assert_eq!(carrier_id.as_str(), id, "{url}"),
            other => panic!("{url}: {other:?}"),
        }
        let posted = PostedReceipt {
            secret: String::new(),
            query: receipt.1.to_owned(),
            is_get: receipt.0.is_empty(),
            signature: None,
            body: receipt.0.as_bytes().to_vec(),
        };
        let rules = config.receipts.as_ref().unwrap();
        let read = rules.read(&posted);
        assert!(read.ignored.is_empty(), "{url}: {:?}", read.ignored);
        let [receipt] = &read.receipts[..] else { panic!("{url}") };
        assert_eq!((receipt.carrier_id.as_str(), receipt.state, receipt.error.as_deref()), (id, state, code), "{url}");
        assert_eq!(rules.takes_get, posted.is_get, "{url}");
        let shown = format!("{config} {config:?} {:?}", config.request);
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(!config.credentials.expose().is_empty(), "{url}: nothing to derive the secret of receipts from");
    }
}

#[test]
fn every_preset_hands_over_any_text_unchanged() {
    let text = "\"Žluť\" \\ 100 % & {{to}} 😀\n";
    for Example { url, .. } in examples() {
        let (_, sent) = read_request(&parse_url(url).unwrap().request.fill(&filling(text)));
        let hex: String = text.encode_utf16().map(|unit| format!("{unit:04x}")).collect();
        let is_there = |value: &str| value == text || value == hex;
        fn texts(value: &Value) -> Vec<&str> {
            match value {
                Value::String(text) => vec![text],
                Value::Array(items) => items.iter().flat_map(texts).collect(),
                Value::Object(fields) => fields.values().flat_map(texts).collect(),
                _ => Vec::new(),
            }
        }
        assert!(texts(&sent).into_iter().any(is_there), "{url}: {sent}");
    }
}

#[test]
fn a_missing_variable_and_an_unknown_one_are_named_with_what_there_is() {
    for (url, words) in [
        ("http-preset://telnyx?from=Shop", &["needs api_key", "Telnyx portal"][..]),
        ("http-preset://telnyx?api_key=s3cret", &["needs from"]),
        ("http-preset://telnyx?api_key=s3cret&from=x&tokn=1", &["\"tokn\"", "api_key"]),
        ("http-preset://telnix?api_key=s3cret", &["\"telnix\"", "telnyx", "46elks"]),
        ("http-preset://telnyx?api_key=s3cret&from=x&rate=0", &["rate is a number"]),
        ("http-preset://telnyx?api_key=s3cret&from=x&receipt_secret=short", &["16 or more"]),
    ] {
        let problem = parse_url(url).unwrap_err();
        for word in words {
            assert!(problem.contains(word), "{word:?} is not in {problem:?}");
        }
        assert!(!problem.contains("s3cret"), "{problem}");
    }
}

#[test]
fn a_file_may_use_a_preset_and_keeps_its_secrets_elsewhere() {
    let environment = |name: &str| (name == "KEY").then(|| "KEY0123".to_owned());
    let read = |text: &str| {
        let table = DeTable::parse(text).unwrap();
        super::read(table.get_ref(), text, &environment, &["on"])
    };
    let text = "preset = \"telnyx\"\napi_key = \"${KEY}\"\nfrom = \"Shop\"\nrate = 5\non = true\n";
    let config = read(text).unwrap();
    assert_eq!((config.sender.as_str(), config.limits.rate.unwrap().get()), ("Shop", 5));
    let request = config.request.fill(&SAMPLE);
    assert!(request.headers.iter().any(|(_, value)| value.as_str() == "Bearer KEY0123"));
    for (mistake, words) in [
        (text.replace("${KEY}", "s3cret"), ["line 2", "this is a secret"]),
        (text.replace("${KEY}", "${OTHER}"), ["line 2", "OTHER is not set"]),
        (text.replace("from", "form"), ["line 3", "\"form\""]),
        (text.replace("\"telnyx\"", "\"telnix\""), ["line 1", "telnyx"]),
    ] {
        let problem = read(&mistake).unwrap_err();
        assert!(words.iter().all(|word| problem.contains(word)), "{problem}");
    }
}
