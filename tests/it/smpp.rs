//! SMPP against a carrier that somebody else wrote. Keyfob's end has a thread of
//! its own, so that a test may wait for the carrier.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use keyfob::clock::Clock;
use keyfob::domain::carrier::CarrierName;
use keyfob::domain::message::MessageError;
use keyfob::domain::message::sms_text::SmsText;
use keyfob::sms::metrics::CarrierMetrics;
use keyfob::sms::transport::smpp::{Smpp, SmppConfig};
use keyfob::sms::transport::{
    CarrierMessageId, CarrierRejection, CarrierReport, DeliveryReceipt, IncomingReceipt, MessageId, Part, ReceiptState,
    SegmentId, SegmentOutcome, SegmentTransport, Submission, Transport,
};
use tokio::sync::mpsc;

use crate::support::{Certificate, Smsc};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Keyfob's end.
struct Keyfob {
    smpp: Arc<Smpp>,
    arrivals: mpsc::Receiver<CarrierReport>,
}

impl Keyfob {
    /// Begins to connect.
    fn start(url: &str) -> Self {
        let (send, arrivals) = mpsc::channel(1000);
        let config: SmppConfig = url.parse().unwrap();
        let metrics = CarrierMetrics::new(CarrierName::default_carrier(), Clock::System);
        Self { smpp: Arc::new(Smpp::start(config, send, Arc::new(metrics))), arrivals }
    }

    /// Is connected.
    async fn bound(url: &str) -> Self {
        let keyfob = Self::start(url);
        keyfob.ready().await;
        keyfob
    }

    async fn ready(&self) {
        let ready = tokio::time::timeout(PATIENCE, self.smpp.ready()).await;
        assert!(ready.is_ok(), "{:?}", self.smpp.state());
        assert_eq!(self.smpp.state().problem, None);
    }

    async fn send(&self, number: &str, text: &str) -> Vec<SegmentOutcome> {
        join_all(submissions(number, text).into_iter().map(|submission| self.smpp.submit_segment(submission))).await
    }

    async fn send_one(&self, number: &str) -> SegmentOutcome {
        self.send(number, "hello").await.remove(0)
    }

    /// The next receipt, which is acknowledged.
    async fn receipt(&mut self) -> DeliveryReceipt {
        let arrival = tokio::time::timeout(PATIENCE, self.arrivals.recv()).await;
        match arrival.unwrap().unwrap() {
            CarrierReport::Receipt(IncomingReceipt { receipt, acknowledge }) => {
                acknowledge.send(()).unwrap();
                receipt
            }
            other => panic!("{other:?}"),
        }
    }

    async fn receipts(&mut self, count: usize) -> BTreeMap<String, ReceiptState> {
        let mut receipts = BTreeMap::new();
        while receipts.len() < count {
            let receipt = self.receipt().await;
            receipts.insert(receipt.carrier_id.as_str().to_owned(), receipt.state);
        }
        receipts
    }

    /// Waits until there is no connection.
    async fn unavailable_reason(&self) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.smpp.state().problem.map(|problem| problem.sentence) {
                Some(trouble) if !trouble.contains("not there yet") => return trouble,
                _ if Instant::now() > end => panic!("no trouble"),
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

fn submissions(number: &str, text: &str) -> Vec<Submission> {
    let text = SmsText::parse("text", text).unwrap();
    let segments = text.segments();
    let total = u8::try_from(segments.len()).unwrap();
    let part = |number| (total > 1).then_some(Part { reference: 42, total, number });
    (1..)
        .zip(segments)
        .map(|(place, segment)| Submission {
            segment: SegmentId { message: MessageId::mint(), number: i64::from(place) },
            recipient: number.parse().unwrap(),
            sender: "Dashboard".parse().ok(),
            encoding: text.encoding(),
            payload: segment.payload,
            part: part(place),
            valid_for: Duration::from_secs(3600),
        })
        .collect()
}

fn id(outcome: &SegmentOutcome) -> String {
    match outcome {
        SegmentOutcome::Accepted(carrier_id) => carrier_id.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn delivered(outcomes: &[SegmentOutcome]) -> BTreeMap<String, ReceiptState> {
    outcomes.iter().map(|outcome| (id(outcome), ReceiptState::Delivered)).collect()
}

/// What the carrier made of the parts.
fn text_of(submits: &[serde_json::Value]) -> String {
    let mut parts: Vec<_> = submits.iter().map(|submit| (submit["part"][2].as_u64(), &submit["text"])).collect();
    parts.sort_by_key(|(place, _)| *place);
    parts.iter().map(|(_, text)| text.as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn long_messages_arrive_whole_and_every_receipt_comes_back() {
    let smsc = Smsc::start(&[]);
    let mut keyfob = Keyfob::bound(&smsc.url("system_type=VMA")).await;
    let bind = smsc.wait_for("bind");
    assert_eq!((bind["version"].as_u64(), bind["system_type"].as_str()), (Some(0x34), Some("VMA")));
    let emoji = "Привет 😀 мир, ".repeat(20);
    let gsm = "Žádné? Ne: @£$¥ {[€]} ~ ÄÖñü ".replace(['Ž', 'á', 'n'], "é").repeat(12);
    for (text, parts, coding) in [(emoji.as_str(), 5, 8), (&gsm, 3, 0)] {
        let outcomes = keyfob.send("+420777123456", text).await;
        let submits = smsc.wait_for_all("submit", parts);
        assert_eq!((outcomes.len(), text_of(&submits).as_str()), (parts, text));
        for submit in &submits {
            assert_eq!((submit["esm_class"].as_u64(), submit["data_coding"].as_u64()), (Some(0x40), Some(coding)));
            assert_eq!(submit["types"], serde_json::json!([5, 0, 1, 1]));
            assert_eq!((submit["from"].as_str(), submit["to"].as_str()), (Some("Dashboard"), Some("420777123456")));
            assert!((3590..=3600).contains(&submit["valid_seconds"].as_i64().unwrap()), "{submit}");
        }
        assert_eq!(keyfob.receipts(parts).await, delivered(&outcomes));
    }
    keyfob.smpp.close().await;
    smsc.wait_for("unbind");
    assert_eq!((keyfob.smpp.capacity(), keyfob.send_one("+420777123456").await), (0, SegmentOutcome::NotSent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_the_carrier_refuses_is_told_apart() {
    let smsc = Smsc::start(&[]);
    let mut keyfob = Keyfob::bound(&smsc.url("")).await;
    let told = |outcome| match outcome {
        SegmentOutcome::Rejected(rejection) => ("refused", rejection),
        SegmentOutcome::Retry(rejection) => ("retry", rejection),
        SegmentOutcome::Throttled { rejection, .. } => ("throttled", rejection),
        other => panic!("{other:?}"),
    };
    for (number, kind, error, code) in [
        ("+420777123998", "refused", MessageError::InvalidRecipient, "0x0b"),
        ("+420777123991", "retry", MessageError::CarrierError, "0x08"),
        ("+420777123992", "throttled", MessageError::QueueFull, "0x14"),
        ("+420777123999", "throttled", MessageError::Throttled, "0x58"),
        ("+420777123999", "throttled", MessageError::Throttled, "0x58"),
    ] {
        keyfob.ready().await;
        let rejection = CarrierRejection { error, carrier_code: Some(code.to_owned()) };
        assert_eq!(told(keyfob.send_one(number).await), (kind, rejection), "{number}");
    }
    keyfob.ready().await;
    let third = keyfob.send_one("+420777123999").await;
    assert_eq!(keyfob.receipts(1).await, delivered(&[third]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_becomes_of_a_segment_is_in_its_receipt() {
    for form in ["both", "text", "fields"] {
        let smsc = Smsc::start(&["--form", form]);
        let mut keyfob = Keyfob::bound(&smsc.url("")).await;
        for (number, state, error) in [
            ("+420777123997", ReceiptState::Undelivered, Some("011")),
            ("+420777123996", ReceiptState::Rejected, Some("008")),
            ("+420777123995", ReceiptState::Expired, None),
        ] {
            let carrier_id = CarrierMessageId::new(id(&keyfob.send_one(number).await));
            let error = error.filter(|_| form != "fields").map(str::to_owned);
            let recipient = Some(number.trim_start_matches('+').to_owned());
            let expected = DeliveryReceipt { carrier_id, state, error, recipient, message: None };
            assert_eq!(keyfob.receipt().await, expected, "{form}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn receipts_may_come_early_twice_and_out_of_order() {
    for order in ["early", "twice", "reversed"] {
        let smsc = Smsc::start(&["--receipts", order]);
        let mut keyfob = Keyfob::bound(&smsc.url("")).await;
        let outcomes = keyfob.send("+420777123456", &"ы".repeat(200)).await;
        let times = if order == "twice" { 2 } else { 1 };
        let mut receipts = Vec::new();
        while receipts.len() < 3 * times {
            receipts.push(keyfob.receipt().await);
        }
        let receipts = receipts.into_iter().map(|receipt| (receipt.carrier_id.as_str().to_owned(), receipt.state));
        assert_eq!(receipts.collect::<BTreeMap<_, _>>(), delivered(&outcomes), "{order}");
        let acknowledged = smsc.wait_for_all("receipt", 3 * times);
        assert!(acknowledged.iter().all(|receipt| receipt["status"] == 0), "{order}: {acknowledged:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ids_that_are_written_differently_in_receipts_are_matched() {
    for (ids, parameters) in [("padded", ""), ("hex", "receipt_ids=hex"), ("decimal", "receipt_ids=decimal")] {
        let smsc = Smsc::start(&["--ids", ids]);
        let mut keyfob = Keyfob::bound(&smsc.url(parameters)).await;
        let answered = id(&keyfob.send_one("+420777123456").await);
        let receipted = keyfob.receipt().await.carrier_id;
        assert_eq!(receipted.key(), CarrierMessageId::new(answered).key(), "{ids}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_receipt_that_was_not_kept_comes_again() {
    let smsc = Smsc::start(&[]);
    let mut keyfob = Keyfob::bound(&smsc.url("")).await;
    let outcome = keyfob.send_one("+420777123456").await;
    drop(tokio::time::timeout(PATIENCE, keyfob.arrivals.recv()).await.unwrap().unwrap());
    assert_eq!(smsc.wait_for("receipt")["status"], 0x64);
    assert_eq!(keyfob.receipt().await.carrier_id.as_str(), id(&outcome));
    assert_eq!(smsc.wait_for("receipt")["status"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_carrier_that_lies_changes_nothing() {
    let mut smsc = Smsc::start(&[]);
    let mut keyfob = Keyfob::bound(&smsc.url("")).await;
    smsc.wait_for("bind");
    for (fields, what) in [
        (r#"{"esm_class":4,"short_message":"sub:-1 dlvrd:-5 nonsense"}"#, "garbage"),
        (r#"{"esm_class":0,"short_message":"id:1 stat:DELIVRD"}"#, "a phone that plays the carrier"),
        (r#"{"esm_class":4,"short_message":"id:1 stat:-1"}"#, "a state that is none"),
    ] {
        smsc.say(&format!("deliver {fields}"));
        assert_eq!(smsc.wait_for("delivered")["status"], 0, "{what}");
    }
    // A delivery that can't be read, an answer to nothing, and a command that nobody knows.
    smsc.say("raw 00000014000000050000000000000055ffffffff");
    smsc.say("raw 0000001480000004000000000000007f61626300");
    smsc.say("raw 00000010000007770000000000000009");
    assert_eq!(smsc.wait_for("generic_nack")["status"], 3);
    // A receipt for an id that nobody has is passed on, and what follows it too.
    smsc.say(r#"deliver {"esm_class":4,"source_addr":"Žluť","short_message":"id:404 stat:DELIVRD"}"#);
    assert_eq!(keyfob.receipt().await.carrier_id.as_str(), "404");
    let outcome = keyfob.send_one("+420777123456").await;
    assert_eq!(keyfob.receipt().await.carrier_id.as_str(), id(&outcome));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_carrier_that_was_killed_is_found_again() {
    let mut smsc = Smsc::start(&["--receipts", "none"]);
    let keyfob = Keyfob::bound(&smsc.url("")).await;
    let (unanswered, ()) = tokio::join!(keyfob.send_one("+420777123993"), async {
        smsc.wait_for("submit");
        smsc.kill();
    });
    assert_eq!(unanswered, SegmentOutcome::Unanswered);
    assert!(keyfob.unavailable_reason().await.contains("hung up"));
    assert_eq!(keyfob.send_one("+420777123456").await, SegmentOutcome::NotSent);
    smsc.restart();
    keyfob.ready().await;
    id(&keyfob.send_one("+420777123456").await);
    assert_eq!(smsc.submits(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_frozen_carrier_leaves_it_open_what_it_took() {
    let smsc = Smsc::start(&["--receipts", "none"]);
    let keyfob = Keyfob::bound(&smsc.url("timeout=1&enquire=1&window=2")).await;
    smsc.freeze();
    let outcomes = keyfob.send("+420777123456", &"ы".repeat(200)).await;
    assert_eq!(outcomes, [SegmentOutcome::Unanswered, SegmentOutcome::Unanswered, SegmentOutcome::NotSent]);
    let reason = keyfob.unavailable_reason().await;
    assert!(reason.contains("answers no submits") || reason.contains("silent for 1 s"), "{reason}");
    assert_eq!(keyfob.smpp.capacity(), 0);
    smsc.thaw();
    // A bind alone does not prove that submits are answered again; one submit does.
    tokio::time::timeout(PATIENCE, keyfob.smpp.ready()).await.unwrap();
    id(&keyfob.send_one("+420777123456").await);
    assert_eq!(keyfob.smpp.state().problem, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_wrong_password_is_told_clearly_and_not_insisted_on() {
    let smsc = Smsc::start(&["--password", "another"]);
    let keyfob = Keyfob::start(&smsc.url(""));
    let told = "the carrier says that the password is wrong (status 0x0000000e)";
    assert_eq!(keyfob.unavailable_reason().await, told);
    assert_eq!(keyfob.send_one("+420777123456").await, SegmentOutcome::NotSent);
    assert_eq!(smsc.wait_for("bind")["status"], 0x0e);
    assert!(tokio::time::timeout(Duration::from_secs(2), keyfob.smpp.ready()).await.is_err());
    tokio::time::timeout(PATIENCE, keyfob.smpp.close()).await.unwrap();
}

/// In memory, where a test can look.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_tells_of_the_connection_and_nothing_secret() {
    let log = Log::default();
    let writer = {
        let log = log.clone();
        move || log.clone()
    };
    // While there is one subscriber alone, a line of the log that another test's thread reaches
    // first counts as one that nobody listens to (tracing-core's `Rebuilder::JustOne`).
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(writer).finish();
    let _kept = tracing::subscriber::set_default(subscriber);
    let mut smsc = Smsc::start(&["--password", "pa55word"]);
    let wrong = Keyfob::start(&smsc.url(""));
    wrong.unavailable_reason().await;
    let mut keyfob = Keyfob::bound(&smsc.url("").replace("s3cret", "pa55word")).await;
    keyfob.send("+420777123456", "the text is nobody's business").await;
    keyfob.receipt().await;
    smsc.kill();
    keyfob.unavailable_reason().await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for told in ["bound", "hung up; trying again in", "password is wrong", "smpp://keyfob@127.0.0.1:"] {
        assert!(log.contains(told), "{told:?} is not in\n{log}");
    }
    for secret in ["s3cret", "pa55word", "nobody", "420777123456"] {
        assert!(!log.contains(secret), "{secret:?} is in\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unknown_user_and_a_carrier_that_is_not_there_are_told() {
    let mut smsc = Smsc::start(&["--user", "another"]);
    let keyfob = Keyfob::start(&smsc.url(""));
    assert!(keyfob.unavailable_reason().await.contains("does not know this user"));
    smsc.kill();
    let keyfob = Keyfob::start(&smsc.url(""));
    assert!(keyfob.unavailable_reason().await.contains("can't be reached"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tls_is_spoken_with_a_carrier_that_is_who_it_says() {
    let certificate = Certificate::of("localhost");
    let (key, cert) = (certificate.key(), certificate.path());
    let smsc = Smsc::start(&["--key", key.to_str().unwrap(), "--cert", cert.to_str().unwrap()]);
    let url = format!("smpps://keyfob:s3cret@localhost:{}?ca={}", smsc.port, cert.display());
    let mut keyfob = Keyfob::bound(&url).await;
    let outcome = keyfob.send_one("+420777123456").await;
    assert_eq!(keyfob.receipts(1).await, delivered(&[outcome]));
    let stranger = Keyfob::start(url.split_once('?').unwrap().0);
    let trouble = stranger.unavailable_reason().await;
    assert!(trouble.contains("TLS with the carrier failed: invalid peer certificate"), "{trouble}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_more_is_sent_than_the_window_and_the_rate_allow() {
    let mut smsc = Smsc::start(&["--receipts", "none"]);
    let keyfob = Keyfob::bound(&smsc.url("window=4&rate=50&timeout=1")).await;
    assert_eq!(keyfob.smpp.capacity(), 4);
    let (start, mut sent) = (Instant::now(), 0);
    while sent < 40 {
        keyfob.ready().await;
        let burst = (0..keyfob.smpp.capacity()).map(|_| keyfob.send_one("+420777123456"));
        sent += join_all(burst).await.iter().map(id).count();
    }
    let rate = 40.0 / start.elapsed().as_secs_f64();
    assert!(rate < 58.0, "{rate} a second");
    assert_eq!(smsc.submits(), sent as u64);
    let unanswered = (0..4).map(|_| keyfob.send_one("+420777123993"));
    tokio::join!(join_all(unanswered), async { assert_eq!(keyfob.smpp.capacity(), 0) });
}
