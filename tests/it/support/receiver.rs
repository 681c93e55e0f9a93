//! A customer's server that is called back: keeps what it got, and answers as it
//! is told to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// A request that came.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// Answers one request after the other with these, and with the last one for
/// ever; an empty one is no answer at all.
type Answers = Arc<Mutex<Vec<String>>>;

pub struct Receiver {
    pub port: u16,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Receiver {
    /// One that answers with 200.
    pub fn start() -> Self {
        Self::answering(&["200 OK"])
    }

    /// One that answers with these status lines, with more headers behind them
    /// if need be.
    pub fn answering(statuses: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers: Answers = Arc::new(Mutex::new(statuses.iter().rev().map(ToString::to_string).collect()));
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let kept = Arc::clone(&calls);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answers, kept) = (Arc::clone(&answers), Arc::clone(&kept));
                thread::spawn(move || answer(&stream, &answers, &kept));
            }
        });
        Self { port, calls }
    }

    /// Its address on this machine.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The calls, once there are so many.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Call> {
        let began = Instant::now();
        while self.calls().len() < count {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{} of {count} calls: {:?}",
                self.calls().len(),
                self.calls()
            );
            thread::sleep(Duration::from_millis(10));
        }
        self.calls()
    }
}

fn answer(stream: &TcpStream, answers: &Answers, kept: &Mutex<Vec<Call>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let path = line()?.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line()?.split_once(": ") {
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    kept.lock().unwrap().push(Call { path, headers, body: String::from_utf8(body).unwrap() });
    let answer = {
        let mut answers = answers.lock().unwrap();
        if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() }
    };
    if answer.is_empty() {
        // Until the caller has had enough.
        let _ = reader.read(&mut [0]);
        return None;
    }
    let mut stream = stream;
    stream.write_all(format!("HTTP/1.1 {answer}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").as_bytes()).ok()
}

impl Call {
    /// The header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// What its signature has to be, worked out here: HMAC as in RFC 2104.
    #[track_caller]
    pub fn expected_signature(&self, secret: &str) -> String {
        let mut key = decode(secret.strip_prefix("whsec_").unwrap());
        assert!((24..=64).contains(&key.len()), "{}", key.len());
        key.resize(64, 0);
        let pad = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
        let (id, timestamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let inner = Sha256::digest([pad(0x36), format!("{id}.{timestamp}.{}", self.body).into_bytes()].concat());
        let outer = Sha256::digest([pad(0x5c), inner.to_vec()].concat());
        format!("v1,{}", encode(&outer))
    }
}

impl Call {
    /// The signature that Twilio's libraries expect with this auth token.
    pub fn expected_twilio_signature(&self, token: &str, url: &str) -> String {
        let mut fields: Vec<_> = url::form_urlencoded::parse(self.body.as_bytes()).collect();
        fields.sort();
        let fields: String = fields.into_iter().map(|(name, value)| format!("{name}{value}")).collect();
        let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
        mac.update(format!("{url}{fields}").as_bytes());
        encode(&mac.finalize().into_bytes())
    }

    /// A field of the form that came.
    pub fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn decode(text: &str) -> Vec<u8> {
    let digits: Vec<u32> =
        text.bytes().filter_map(|c| BASE64.iter().position(|digit| *digit == c)).map(|at| at as u32).collect();
    let bytes = |four: &[u32]| {
        let bits = four.iter().enumerate().fold(0, |bits, (at, digit)| bits | digit << (18 - 6 * at));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(bytes).collect()
}

fn encode(bytes: &[u8]) -> String {
    let four = |three: &[u8]| {
        let bits = three.iter().enumerate().fold(0, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        let digit = |at: usize| char::from(BASE64[(bits >> (18 - 6 * at)) as usize & 63]);
        (0..4).map(|at| if at <= three.len() { digit(at) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(four).collect()
}
