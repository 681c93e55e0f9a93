//! A provider with an API over HTTP: keeps what it got, and answers as a test says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What came.
#[derive(Clone, Debug)]
pub struct ProviderRequest {
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What a provider does with a request.
pub enum ProviderAnswer {
    /// A whole answer: status and headers, and its body.
    Reply(&'static str, String),
    /// These bytes, and then the connection is closed.
    Raw(Vec<u8>),
    /// Nothing, until the other end gives up.
    Nothing,
    /// The connection is closed.
    HangUp,
}

type Behaviour = Arc<Mutex<dyn FnMut(&ProviderRequest) -> ProviderAnswer + Send>>;

/// Listens until the test ends.
pub struct Provider {
    pub port: u16,
    requests: Arc<Mutex<Vec<ProviderRequest>>>,
    connections: Arc<Mutex<usize>>,
    is_ended: Arc<AtomicBool>,
}

impl Provider {
    pub fn start(behaviour: impl FnMut(&ProviderRequest) -> ProviderAnswer + Send + 'static) -> Self {
        Self::start_at(0, behaviour)
    }

    /// One at this port.
    pub fn start_at(port: u16, behaviour: impl FnMut(&ProviderRequest) -> ProviderAnswer + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, connections, is_ended) = (Arc::default(), Arc::default(), Arc::new(AtomicBool::new(false)));
        let behaviour: Behaviour = Arc::new(Mutex::new(behaviour));
        let provider = Self { port, requests, connections, is_ended };
        let (requests, connections) = (Arc::clone(&provider.requests), Arc::clone(&provider.connections));
        let is_ended = Arc::clone(&provider.is_ended);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_ended.load(Ordering::Relaxed) {
                    return;
                }
                *connections.lock().unwrap() += 1;
                let (behaviour, requests) = (Arc::clone(&behaviour), Arc::clone(&requests));
                thread::spawn(move || while serve(&stream, &behaviour, &requests).is_some() {});
            }
        });
        provider
    }

    /// One that accepts every message as `{"id": "N"}`.
    pub fn accepting() -> Self {
        let mut count = 0;
        Self::start(move |_| {
            count += 1;
            ProviderAnswer::Reply("201 Created", format!("{{\"id\": \"carrier-{count}\"}}"))
        })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn requests(&self) -> Vec<ProviderRequest> {
        self.requests.lock().unwrap().clone()
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// The requests, once there are so many.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<ProviderRequest> {
        let began = Instant::now();
        while self.requests().len() < count {
            assert!(began.elapsed() < Duration::from_secs(60), "{} of {count} requests", self.requests().len());
            thread::sleep(Duration::from_millis(5));
        }
        self.requests()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.is_ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Serves one request of a connection; `None` when that is over.
fn serve(stream: &TcpStream, behaviour: &Behaviour, requests: &Mutex<Vec<ProviderRequest>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let (method, rest) = first.split_once(' ')?;
    let target = rest.split(' ').next()?;
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line()?.split_once(": ") {
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    let request = ProviderRequest { method: method.to_owned(), target: target.to_owned(), headers, body };
    let answer = (behaviour.lock().unwrap())(&request);
    requests.lock().unwrap().push(request);
    let mut stream = stream;
    match answer {
        ProviderAnswer::Reply(head, body) => {
            stream.write_all(format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).ok()
        }
        ProviderAnswer::Raw(bytes) => {
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(std::net::Shutdown::Both);
            None
        }
        ProviderAnswer::Nothing => {
            let _ = reader.read(&mut [0]);
            None
        }
        ProviderAnswer::HangUp => {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            None
        }
    }
}
